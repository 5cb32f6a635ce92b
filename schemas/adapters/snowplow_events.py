"""What an enriched event of Snowplow says in native words: one function an action."""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final

from schemas.adapters.decoded import Fields
from schemas.adapters.numbers import amount_of
from schemas.adapters.snowplow_rows import entity
from schemas.adapters.values import MAX_NAME, codes_of, currency_of, first_id, given, id_of, is_offer_id

SHOP: Final = "com_snowplowanalytics_snowplow_ecommerce_"
ACTION: Final = f"unstruct_event_{SHOP}snowplow_ecommerce_action_1"
SEARCH: Final = "unstruct_event_com_snowplowanalytics_snowplow_site_search_1"
SCREEN: Final = "unstruct_event_com_snowplowanalytics_mobile_screen_view_1"

ORDERS: Final = frozenset({"order_completed", "order_refunded"})


def what(row: Fields, dropped: list[str]) -> Fields:
    """Return what an event says as native fields, without who and when; append the names of what is odd."""
    action = row.get(ACTION)
    if isinstance(action, dict):
        kind = action.get("type")
        return _acted(kind if isinstance(kind, str) else "", row, dropped)
    search = row.get(SEARCH)
    if isinstance(search, dict):
        terms = search.get("terms")
        words = [str(term) for term in terms] if isinstance(terms, list) else []
        return {"type": "searched", "query": " ".join(words)}
    screen = row.get(SCREEN)
    if isinstance(screen, dict):
        return {"type": "page_viewed", "title": screen.get("name")}
    if row.get("event") == "page_view":
        return {"type": "page_viewed", "url": row.get("page_url"), "title": row.get("page_title")}
    if row.get("event") == "transaction":
        return _old_transaction(row, dropped)
    name = first_id(row, ("se_action", "event_name", "event"))
    return {"type": "activity", "name": str(name)[:MAX_NAME] if name is not None else None}


def _acted(kind: str, row: Fields, dropped: list[str]) -> Fields:
    reader = ACTIONS.get(kind)
    fields = None if reader is None else reader(row, dropped)
    # Without the entity that an action is about, all that is known is that the visitor did something.
    return {"type": "activity", "name": kind[:MAX_NAME] or None} | _cart(row) if fields is None else fields


def _list_view(row: Fields, _: list[str]) -> Fields:
    return {"type": "page_viewed", "url": row.get("page_url"), "title": row.get("page_title")}


def _product_view(row: Fields, _: list[str]) -> Fields | None:
    products = _products(row)
    return {"type": "product_viewed"} | _currency(row) | products[0] if products else None


def _cart_change(kind: str) -> Callable[[Fields, list[str]], Fields | None]:
    def changed(row: Fields, _: list[str]) -> Fields | None:
        products = _products(row)
        return {"type": kind, "items": products} | _currency(row) | _cart(row) if products else None

    return changed


def _checkout_step(row: Fields, _: list[str]) -> Fields | None:
    steps = entity(row, f"{SHOP}checkout_step_1")
    if not steps or steps[0].get("step") not in (1, "1"):
        return None
    return {"type": "checkout_started"} | _currency(row) | _cart(row)


def _promotion(kind: str) -> Callable[[Fields, list[str]], Fields | None]:
    def promoted(row: Fields, _: list[str]) -> Fields | None:
        ids = (each.get("id") for each in entity(row, f"{SHOP}promotion_1"))
        ours = next(filter(is_offer_id, ids), None)
        return None if ours is None else {"type": kind, "offer_id": ours}

    return promoted


def _transaction(row: Fields, dropped: list[str]) -> Fields | None:
    transactions = entity(row, f"{SHOP}transaction_1")
    if not transactions:
        return None
    (transaction,) = transactions[:1]
    off = transaction.get("discount_amount")
    code = id_of(transaction.get("discount_code"))
    if not isinstance(code, str | NoneType):
        dropped.append("discount_codes")
    shipping, tax = transaction.get("shipping"), transaction.get("tax")
    return (
        {
            "type": "order_completed",
            "order_id": id_of(transaction.get("transaction_id")),
            "items": _products(row) or _worth(transaction.get("revenue"), off, (shipping, tax), dropped),
            "discount": off,
            "discount_codes": codes_of({code: amount_of(off)} if isinstance(code, str) else {}),
            "shipping": shipping,
            "tax": tax,
        }
        | _currency(row)
        | _cart(row)
    )


def _old_transaction(row: Fields, dropped: list[str]) -> Fields:
    shipping, tax = row.get("tr_shipping"), row.get("tr_tax")
    return {
        "type": "order_completed",
        "order_id": id_of(row.get("tr_orderid")),
        "items": _worth(row.get("tr_total"), None, (shipping, tax), dropped),
        "shipping": shipping,
        "tax": tax,
        "currency": currency_of(row.get("tr_currency")),
    }


def _worth(revenue: object, off: object, beside: tuple[object, ...], dropped: list[str]) -> list[Fields]:
    """Return an order without products as one line: what was paid for goods, and what was taken off."""
    paid = amount_of(revenue)
    if paid is None:
        dropped.append("items")
    less = sum(amount_of(each) or 0.0 for each in beside)
    return [{"sku": None, "price": max((paid or 0.0) - less, 0.0) + (amount_of(off) or 0.0)}]


def _refund(row: Fields, _: list[str]) -> Fields | None:
    refunds = entity(row, f"{SHOP}refund_1")
    if not refunds:
        return None
    return {
        "type": "order_refunded",
        "order_id": id_of(refunds[0].get("transaction_id")),
        "items": _products(row) or None,
        "amount": refunds[0].get("refund_amount"),
    } | _currency(row)


ACTIONS: Final[Mapping[str, Callable[[Fields, list[str]], Fields | None]]] = {
    "list_view": _list_view,
    "product_view": _product_view,
    "add_to_cart": _cart_change("cart_item_added"),
    "remove_from_cart": _cart_change("cart_item_removed"),
    "checkout_step": _checkout_step,
    "promo_view": _promotion("offer_shown"),
    "promo_click": _promotion("offer_clicked"),
    "transaction": _transaction,
    "refund": _refund,
}
"""What an action reports; list_click and trns_error, as all others, are activity."""


def _products(row: Fields) -> list[Any]:
    return [
        given(
            {
                "sku": id_of(product.get("id")),
                "price": product.get("price"),
                "quantity": product.get("quantity"),
                "category": product.get("category"),
            }
        )
        for product in entity(row, f"{SHOP}product_1")
    ]


def _cart(row: Fields) -> Fields:
    carts = entity(row, f"{SHOP}cart_1")
    return {"cart_id": id_of(carts[0].get("cart_id"))} if carts else {}


def _currency(row: Fields) -> Fields:
    """Return the currency of the first entity that has one; each of them must."""
    for kind in ("transaction_1", "refund_1", "cart_1", "product_1"):
        for each in entity(row, SHOP + kind):
            currency = currency_of(each.get("currency"))
            if currency is not None:
                return {"currency": currency}
    return {}
