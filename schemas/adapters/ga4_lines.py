"""The items of Google Analytics 4 as lines, and what each coupon took off them."""

from typing import Any

from schemas.adapters.decoded import Fields
from schemas.adapters.ga4_params import first, params_of, said
from schemas.adapters.numbers import MONEY_DIGITS, amount_of
from schemas.adapters.values import given


class Lines:
    """Turns items into lines, and adds up what each coupon took off.

    The price of an item is after its discount. What a coupon took off is added back, since the price of a
    line is what the piece costs without our offer, and is that coupon's part of the order's discount. A
    discount without a coupon is a sale, which everybody has.
    """

    def __init__(self, coupon: object) -> None:
        """Begin with the coupon of the event, which is that of all items without one of their own."""
        self._coupon = coupon
        self._codes: dict[str, str] = {}
        self.amounts: dict[str, float | None] = {}
        if isinstance(coupon, str):
            self._add(coupon, None)

    @property
    def discount(self) -> float | None:
        """All that coupons took off, None where nobody says."""
        known = [amount for amount in self.amounts.values() if amount is not None]
        return round(sum(known), MONEY_DIGITS) if known else None

    def line(self, item: Any) -> Any:  # noqa: ANN401  what is no object stays as it is
        """Return an item as a line."""
        if not isinstance(item, dict):
            return item
        own = params_of(item.get("item_params")) or {}
        sku = said(item.get("item_id"))
        line = {
            "sku": said(item.get("item_name")) if sku is None else sku,
            "price": self._price(item, first(item, "discount", otherwise=own.get("discount"))),
            "quantity": item.get("quantity"),
            "category": said(item.get("item_category")),
            "unit_cost": first(item, "unit_cost", otherwise=own.get("unit_cost")),
        }
        return given(line)

    def _price(self, item: Fields, discount: object) -> object:
        price = item.get("price")
        coupon = said(item.get("coupon"))
        coupon = self._coupon if coupon is None else coupon
        if not isinstance(coupon, str):
            return price
        paid, off = amount_of(price), amount_of(discount)
        if paid is None or off is None or off <= 0:
            self._add(coupon, None)
            return price
        pieces = amount_of(item.get("quantity"))
        self._add(coupon, off * (1.0 if pieces is None else max(pieces, 0.0)))
        return round(paid + off, MONEY_DIGITS)

    def _add(self, code: str, amount: float | None) -> None:
        code = self._codes.setdefault(code.casefold(), code)
        known = self.amounts.get(code)
        self.amounts[code] = known if amount is None else round((known or 0.0) + amount, MONEY_DIGITS)
