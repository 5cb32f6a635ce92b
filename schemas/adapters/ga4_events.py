"""What an event of Google Analytics 4 says in native words: one function a kind."""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final, NamedTuple

from schemas.adapters.decoded import Fields
from schemas.adapters.ga4_lines import Lines
from schemas.adapters.ga4_params import first, said
from schemas.adapters.numbers import amount_of
from schemas.adapters.values import MAX_NAME, codes_of, currency_of, first_id, id_of, is_offer_id

KIND_OF: Final[Mapping[str, str]] = {
    "page_view": "page_viewed",
    "screen_view": "page_viewed",
    "view_item_list": "page_viewed",
    "view_item": "product_viewed",
    "search": "searched",
    "view_search_results": "searched",
    "add_to_cart": "cart_item_added",
    "remove_from_cart": "cart_item_removed",
    "view_cart": "cart_updated",
    "begin_checkout": "checkout_started",
    "purchase": "order_completed",
    "refund": "order_refunded",
    "coupon_denied": "coupon_denied",
    "offer_shown": "offer_shown",
    "offer_clicked": "offer_clicked",
    "offer_dismissed": "offer_dismissed",
    "offer_redeemed": "offer_redeemed",
}
"""The kind of each event that is more than activity; the last five are names of our own."""

PROMOTION_OF: Final = {"view_promotion": "offer_shown", "select_promotion": "offer_clicked"}
WITHOUT_ITEMS: Final = {
    "product_viewed": "page_viewed",
    "cart_updated": "page_viewed",
    "cart_item_added": "activity",
    "cart_item_removed": "activity",
}
"""What an event is that should say which product it is about, and does not."""

ORDERS: Final = frozenset({"order_completed", "order_refunded"})


class Hit(NamedTuple):
    """An event by name, with its parameters, its items, and what the export sums up of a purchase."""

    name: str
    params: Fields
    items: list[Any]
    sums: Fields


def what(hit: Hit, dropped: list[str]) -> Fields:
    """Return what an event says as native fields, without who and when; append the names of what is odd."""
    kind = _kind(hit)
    fields: Fields = {"type": kind} | READERS[kind](hit)
    coupons = [
        hit.params.get("coupon"),
        *(item.get("coupon") for item in hit.items if isinstance(item, dict)),
    ]
    if not all(isinstance(said(each), str | NoneType) for each in coupons):
        dropped.append("coupon")
    if kind == "order_completed" and not hit.items:
        # Whatever was bought, the cart is no longer there; without a value it is an order of nothing.
        value = amount_of(_value(hit, "purchase_revenue"))
        if value is None:
            dropped.append("items")
        fields["items"] = [{"sku": None, "price": value or 0.0}]
    return fields


def _kind(hit: Hit) -> str:
    if hit.name in PROMOTION_OF:
        return PROMOTION_OF[hit.name] if is_offer_id(_offer(hit)) else "activity"
    kind = KIND_OF.get(hit.name, "activity")
    return kind if hit.items else WITHOUT_ITEMS.get(kind, kind)


def _activity(hit: Hit) -> Fields:
    return {"name": hit.name[:MAX_NAME] or None} | _joins(hit)


def _page(hit: Hit) -> Fields:
    return {
        "url": hit.params.get("page_location"),
        "title": first(hit.params, "page_title", "firebase_screen"),
    }


def _search(hit: Hit) -> Fields:
    return {"query": id_of(hit.params.get("search_term")) or ""}


def _denied(hit: Hit) -> Fields:
    return {"code": first_id(hit.params, ("code", "coupon")), "reason": hit.params.get("reason")}


def _feedback(hit: Hit) -> Fields:
    return {"offer_id": _offer(hit), "order_id": said(hit.params.get("transaction_id"))}


def _product(hit: Hit) -> Fields:
    line = _lines(hit).line(hit.items[0])
    return _currency(hit) | (line if isinstance(line, dict) else {})


def _cart(hit: Hit) -> Fields:
    lines = _lines(hit)
    return {"items": [lines.line(item) for item in hit.items] or None} | _currency(hit) | _joins(hit)


def _order(hit: Hit) -> Fields:
    order_id = said(hit.params.get("transaction_id"))
    return {
        "order_id": said(hit.sums.get("transaction_id")) if order_id is None else order_id,
        "origin": "test" if _is_test(hit.params) else None,
    }


def _purchase(hit: Hit) -> Fields:
    lines = _lines(hit)
    items = [lines.line(item) for item in hit.items]
    offers = first(hit.params, "offer_ids", "offer_id")
    content = {
        "items": items,
        "offer_ids": [each.strip() for each in offers.split(",")] if isinstance(offers, str) else offers,
        "discount": lines.discount,
        "discount_codes": codes_of(lines.amounts),
        "shipping": first(hit.params, "shipping", otherwise=hit.sums.get("shipping_value")),
        "tax": first(hit.params, "tax", otherwise=hit.sums.get("tax_value")),
    }
    return _order(hit) | content | _currency(hit) | _joins(hit)


def _refund(hit: Hit) -> Fields:
    return _order(hit) | _cart(hit) | {"amount": _value(hit, "refund_value")}


READERS: Final[Mapping[str, Callable[[Hit], Fields]]] = {
    "activity": _activity,
    "page_viewed": _page,
    "product_viewed": _product,
    "searched": _search,
    "cart_item_added": _cart,
    "cart_item_removed": _cart,
    "cart_updated": _cart,
    "checkout_started": _cart,
    "order_completed": _purchase,
    "order_refunded": _refund,
    "coupon_denied": _denied,
    "offer_shown": _feedback,
    "offer_clicked": _feedback,
    "offer_dismissed": _feedback,
    "offer_redeemed": _feedback,
}


def _lines(hit: Hit) -> Lines:
    return Lines(said(hit.params.get("coupon")))


def _currency(hit: Hit) -> Fields:
    return {"currency": currency_of(hit.params.get("currency"))}


def _joins(hit: Hit) -> Fields:
    return {"cart_id": id_of(hit.params.get("cart_id")), "checkout_id": id_of(hit.params.get("checkout_id"))}


def _value(hit: Hit, name: str) -> object:
    return first(hit.params, "value", otherwise=hit.sums.get(name))


def _offer(hit: Hit) -> object:
    ids = ("offer_id", "promotion_id")
    found = first_id(hit.params, ids)
    if found is None and hit.items and isinstance(hit.items[0], dict):
        return first_id(hit.items[0], ids)
    return found


def _is_test(params: Fields) -> bool:
    """Return whether an event is of a device in debug mode, or of the shop's own people."""
    return params.get("debug_mode") not in (None, 0, "0", False) or params.get("traffic_type") == "internal"
