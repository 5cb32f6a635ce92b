"""What the lines of a cart or an order mean, however oddly one of them is written.

The rule, for every format. A line that reads as it should is taken as it stands. Of any other:

- no price, or none that can be read: a free gift, its price is 0. Money as text ("$10.00") is read.
- no id (missing, empty, blank, a boolean): its value counts, it is no product. Numbers are ids: 0 is "0".
- no quantity, or none that can be read: 1. Quantity 0: the line is not there; in ``cart_item_removed``, all
  pieces are taken out. A fraction (1.5 kg): one piece of the whole value. Too many: as many as there may be.
- a negative price or quantity: a discount of the order; in a cart, left out; in a refund, what is paid back,
  as is a negative amount of a refund.
- no object (``null``): left out. So is a line without an id where it must name a product.

If no line of an order is left, it is an order of nothing, since the cart was bought. If none is left of what
a cart holds or of what changed in it, that is an activity; but ``cart_updated`` with a quantity of 0 is an
empty cart. A refund whose lines and amount say nothing is rejected. An amount above ``MAX_AMOUNT`` is none.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from schemas.adapters.numbers import Number, number_of
from schemas.events import MAX_AMOUNT, MAX_ID, MAX_PIECES, Event, OrderRefunded
from schemas.rejected import InvalidEvent

CARTS: Final = ("cart_item_added", "cart_updated", "checkout_started")
ORDERS: Final = ("order_completed", "order_updated")
WITHOUT_PRICE: Final = ("cart_item_removed", "order_refunded")
KINDS: Final = (*CARTS, *ORDERS, *WITHOUT_PRICE)
"""The kinds of event that have lines."""

Fields = dict[str, Any]


def with_lines_read(given: Fields, *, strict: bool) -> tuple[Fields, set[str]]:
    """Return the fields of an event with its lines read by the rule, and the names of what was odd in them.

    InvalidEvent where a price names another currency than the event.
    """
    kind, lines = given.get("type"), given.get("items")
    if kind == "order_refunded":
        given = _with_amount_paid_back(given, strict=strict)
    if kind not in KINDS or not isinstance(lines, list | tuple) or not lines:
        return given, set()
    read = _Lines(kind, strict=strict)
    items = [item for each in lines if (item := read.line(each)) is not None]
    if not read.is_odd:
        return given | {"items": items}, set()
    fields = given | {"items": items}
    if read.currency is not None:
        fields["currency"] = _one_currency(given.get("currency"), read.currency)
    if read.discount:
        known = number_of(given.get("discount"))
        before = known.value if known is not None and 0 <= known.value <= MAX_AMOUNT else 0.0
        fields["discount"] = min(max(before + read.discount, 0.0), MAX_AMOUNT)
    if not items:
        fields |= _without_lines(fields, is_empty=read.holds_nothing)
    return fields, read.names


def _with_amount_paid_back(given: Fields, *, strict: bool) -> Fields:
    """Return a refund with its amount above zero: some systems write what they pay as less than nothing."""
    amount = given.get("amount")
    found = number_of(amount)
    if found is None or found.value >= 0 or (isinstance(amount, str) and strict):
        return given
    return given | {"amount": -found.value}


def check_refund(event: Event, odd: Collection[str]) -> None:
    """Raise InvalidEvent for a refund whose lines and amount could not be read: it is not of all."""
    if not isinstance(event, OrderRefunded) or event.items is not None or event.amount is not None:
        return
    if any(name.startswith(("items", "amount")) for name in odd):
        raise InvalidEvent("invalid", "items and amount: neither says what was paid back")


def _one_currency(given: object, found: str) -> str:
    if given in (None, ""):
        return found
    if isinstance(given, str) and given.strip().upper() == found:
        return found
    raise InvalidEvent("currency", f"a price in {found}, in an event in {given!r}")


def _without_lines(given: Fields, *, is_empty: bool) -> Fields:
    kind = given["type"]
    if kind in ORDERS:
        return {"items": [{"sku": None, "price": 0.0}]}
    if kind in ("checkout_started", "order_refunded"):
        return {"items": None}
    if kind == "cart_updated" and is_empty:
        return {"items": []}
    return {"type": "activity", "name": kind}


class _Unit(NamedTuple):
    """So many pieces; a fraction of one is a whole piece at ``factor`` of its price."""

    pieces: int
    factor: float = 1.0
    is_negative: bool = False

    def times(self, price: float) -> float:
        return min(price * self.factor, MAX_AMOUNT) if self.factor != 1.0 else price


class _Lines:
    """Reads the lines of one event, one by one, and remembers what was odd in them."""

    def __init__(self, kind: str, *, strict: bool) -> None:
        self.names: set[str] = set()
        self.discount = 0.0
        self.currency: str | None = None
        self.is_odd = False
        self.holds_nothing = False
        self._strict = strict
        self._is_order = kind in ORDERS
        self._is_refund = kind == "order_refunded"
        self._is_removal = kind == "cart_item_removed"
        self._needs_price = kind not in WITHOUT_PRICE

    def line(self, line: object) -> Fields | None:
        """Return the fields of a line, None where it is left out."""
        if not isinstance(line, dict):
            self._note("items")
            return None
        if self._is_plain(line):
            return line
        self.is_odd = True
        sku = self._sku(line.get("sku"))
        unit = self._unit(line.get("quantity"))
        price = self._price(line.get("price"))
        if unit is None or (sku is None and not self._needs_price):
            return None
        if unit.is_negative or (price is not None and price < 0):
            self._note("items.quantity" if unit.is_negative else "items.price")
            if not self._is_refund:
                self._lower(unit, price or 0.0)
                return None
        read: Fields = {**line, "sku": sku, "quantity": unit.pieces}
        read["price"] = None if price is None else unit.times(abs(price))
        cost = line.get("unit_cost")
        if unit.factor != 1.0 and cost is not None:
            found = number_of(cost)
            read["unit_cost"] = cost if found is None else unit.times(found.value)
        return read

    def _is_plain(self, line: Fields) -> bool:
        sku, price, quantity = line.get("sku"), line.get("price"), line.get("quantity", 1)
        return (
            type(sku) is str
            and bool(sku.strip())
            and len(sku) <= MAX_ID
            and ((type(price) is float or type(price) is int) or (price is None and not self._needs_price))
            and (price is None or 0 <= price <= MAX_AMOUNT)
            and type(quantity) is int
            and 1 <= quantity <= MAX_PIECES
        )

    def _note(self, name: str) -> None:
        self.is_odd = True
        self.names.add(name)

    def _sku(self, given: object) -> str | None:
        if type(given) is int or (type(given) is float and given.is_integer()):
            if abs(given) < 10 ** (MAX_ID - 1):
                if self._strict:
                    self._note("items.sku")
                return str(int(given))
        elif isinstance(given, str) and given.strip() and len(given) <= MAX_ID:
            return given
        self._note("items.sku")
        return None

    def _price(self, given: object) -> float | None:
        if given is None and not self._needs_price:
            return None
        found = self._number(given, "items.price")
        if found is None or abs(found.value) > MAX_AMOUNT:
            self._note("items.price")
            return 0.0 if self._needs_price else None
        if found.currency is not None:
            if self.currency not in (None, found.currency):
                raise InvalidEvent("currency", f"prices in {self.currency} and in {found.currency}")
            self.currency = found.currency
        return found.value + 0.0  # no negative zero

    def _unit(self, given: object) -> _Unit | None:
        if given is None:
            return _Unit(1)
        found = self._number(given, "items.quantity")
        if found is None:
            self._note("items.quantity")
            return _Unit(1)
        pieces = abs(found.value)
        if not pieces:
            self._note("items.quantity")
            self.holds_nothing = True
            return _Unit(MAX_PIECES) if self._is_removal else None
        if pieces > MAX_PIECES:
            self._note("items.quantity")
            pieces = MAX_PIECES
        if pieces != int(pieces):
            self._note("items.quantity")
            return _Unit(1, pieces, found.value < 0)
        return _Unit(int(pieces), 1.0, found.value < 0)

    def _number(self, given: object, name: str) -> Number | None:
        found = number_of(given)
        if found is not None and (not found.is_plain or (self._strict and isinstance(given, str))):
            self._note(name)
        return found

    def _lower(self, unit: _Unit, price: float) -> None:
        """Take a line of a negative amount: a discount of an order, nothing in a cart."""
        amount = -price * unit.factor * unit.pieces * (-1 if unit.is_negative else 1)
        if self._is_order and abs(amount) <= MAX_AMOUNT:
            self.discount += amount
