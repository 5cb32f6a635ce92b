"""Events of Shopify's web pixels: ``{id, name, clientId, timestamp, data, context}``.

``clientId`` is the visitor. What a pixel of the shop publishes by a name of its own is activity, but for the
names of offer feedback. Amounts are in the currency that the visitor is shown.
"""

import re
from collections.abc import Callable
from typing import Final

from schemas.adapters.json_fields import (
    Json,
    given,
    inner,
    lines,
    lines_if_any,
    named_values,
    objects,
    per_piece,
    text_id,
    total,
)
from schemas.adapters.numbers import amount_of
from schemas.adapters.shopify_ids import shopify_id
from schemas.adapters.values import MAX_NAME, granted_if, locale_of
from schemas.rejected import InvalidEvent

FEEDBACK: Final = ("offer_shown", "offer_clicked", "offer_dismissed", "offer_redeemed", "coupon_denied")

_CART_IN_PATH: Final = re.compile(r"/checkouts/cn/([^/?#]+)")
_SOURCE: Final = re.compile(r"[?&]utm_source=([^&#]+)")


def fields(event: Json) -> Json:
    """The native fields of a pixel event; raises InvalidEvent."""
    name = event.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidEvent("invalid", "name should be the name of a pixel event")
    visitor = text_id(event.get("clientId"))
    if visitor is None:
        raise InvalidEvent("invalid", "clientId is missing")
    location = inner(event, "context", "document", "location")
    common = {
        "id": text_id(event.get("id")),
        "time": event.get("timestamp"),
        "visitor_id": visitor,
        "source": _found(_SOURCE, location.get("search")),
    }
    data = inner(event, "data")
    checkout = inner(data, "checkout")
    common |= {
        "locale": _locale(checkout, event),
        "consent": granted_if(checkout.get("buyerAcceptsEmailMarketing")),
    }
    build = _BUILDERS.get(name)
    if build is not None:
        own = build(data, event)
    elif name in FEEDBACK:
        own = _feedback(name, event)
    else:
        own = _activity(data, event)
    return common | own


def _found(pattern: re.Pattern[str], text: object) -> str | None:
    found = pattern.search(text) if isinstance(text, str) else None
    return None if found is None else found[1]


def _locale(checkout: Json, event: Json) -> object:
    """The language of the checkout, with its country where the language names none, else the browser's."""
    of_checkout = inner(checkout, "localization")
    language = locale_of(inner(of_checkout, "language").get("isoCode"))
    country = inner(of_checkout, "country").get("isoCode")
    if not isinstance(language, str):
        return locale_of(inner(event, "context", "navigator").get("language"))
    return f"{language}-{country}" if "-" not in language and text_id(country) else language


def _amount(money: Json) -> object:
    return money.get("amount")


def _page(data: Json, event: Json) -> Json:
    document = inner(event, "context", "document")
    title = inner(data, "collection").get("title", document.get("title"))
    return {"type": "page_viewed", "url": inner(document, "location").get("href"), "title": title}


def _product(data: Json, _event: Json) -> Json:
    variant = inner(data, "productVariant")
    price = inner(variant, "price")
    return {
        "type": "product_viewed",
        "sku": shopify_id(variant.get("id")),
        "price": _amount(price),
        "currency": price.get("currencyCode"),
        "category": inner(variant, "product").get("type") or None,
    }


def _search(data: Json, _event: Json) -> Json:
    return {"type": "searched", "query": text_id(inner(data, "searchResult").get("query")) or ""}


def _cart_line(line: Json) -> Json:
    """A line by what a piece costs; an older one says only what the line costs."""
    variant, quantity = inner(line, "merchandise"), line.get("quantity")
    price = amount_of(_amount(inner(variant, "price")))
    if price is None:
        price = per_piece(_amount(inner(line, "cost", "totalAmount")), quantity)
    return _line(variant, price, quantity)


def _checkout_line(line: Json) -> Json:
    variant, quantity = inner(line, "variant"), line.get("quantity")
    price = amount_of(_amount(inner(variant, "price")))
    if price is None:
        price = per_piece(_amount(inner(line, "finalLinePrice")), quantity)
    return _line(variant, price, quantity)


def _line(variant: Json, price: float | None, quantity: object) -> Json:
    named = {
        "price": price,
        "quantity": quantity,
        "category": inner(variant, "product").get("type") or None,
    }
    return {"sku": shopify_id(variant.get("id")), **given(named)}


def _cart_change(kind: str) -> Callable[[Json, Json], Json]:
    def build(data: Json, _event: Json) -> Json:
        line = inner(data, "cartLine")
        currency = inner(line, "cost", "totalAmount").get("currencyCode")
        return {"type": kind, "items": [_cart_line(line)], "currency": currency}

    return build


def _cart(data: Json, event: Json) -> Json:
    cart = inner(data, "cart")
    found = lines_if_any(cart, "lines")
    if found is None:  # a cart that was never filled, or does not say with what
        return _page(data, event)
    return {
        "type": "cart_updated",
        "cart_id": shopify_id(cart.get("id")),
        "items": [_cart_line(line) for line in found],
        "currency": inner(cart, "cost", "totalAmount").get("currencyCode"),
    }


def _named(checkout: Json, event: Json) -> Json:
    """How an order may name what is being paid for: the address of a checkout has the token of its cart."""
    href = inner(event, "context", "document", "location").get("href")
    return {
        "checkout_id": shopify_id(checkout.get("token")),
        "cart_id": _found(_CART_IN_PATH, href),
        "user_id": shopify_id(inner(checkout, "order", "customer").get("id")),
    }


def _checkout(data: Json, event: Json) -> Json:
    checkout = inner(data, "checkout")
    found = lines_if_any(checkout, "lineItems")
    return _named(checkout, event) | {
        "type": "checkout_started",
        "items": None if found is None else [_checkout_line(line) for line in found],
        "currency": checkout.get("currencyCode"),
    }


def _order(data: Json, event: Json) -> Json:
    checkout = inner(data, "checkout")
    order_id = shopify_id(inner(checkout, "order").get("id"))
    if order_id is None:
        raise InvalidEvent("invalid", "data.checkout.order.id is missing")
    offer = named_values(objects(checkout, "attributes"), "key").get("offer_id")
    return _named(checkout, event) | {
        "type": "order_completed",
        "order_id": order_id,
        "items": [_checkout_line(line) for line in lines(checkout, "lineItems")],
        "currency": checkout.get("currencyCode"),
        "offer_ids": None if offer is None else [offer],
        **_discounts(checkout),
        "shipping": _amount(inner(checkout, "shippingLine", "price")),
        "tax": _amount(inner(checkout, "totalTax")),
    }


def _discounts(checkout: Json) -> Json:
    """What lowered the goods, and by which codes; a discount on shipping lowers no goods."""
    by_code: dict[str, list[object]] = {
        application["title"]: []
        for application in objects(checkout, "discountApplications")
        if application.get("type") == "DISCOUNT_CODE" and text_id(application.get("title"))
    }
    amounts = []
    for line in objects(checkout, "lineItems"):
        for allocation in objects(line, "discountAllocations"):
            amount = _amount(inner(allocation, "amount"))
            amounts.append(amount)
            code = inner(allocation, "discountApplication").get("title")
            if isinstance(code, str) and code in by_code:
                by_code[code].append(amount)
    if not amounts and not by_code:
        amounts = [_amount(inner(checkout, "discountsAmount"))]
    codes = [
        {"code": code} | ({"amount": total(lowered)} if lowered else {}) for code, lowered in by_code.items()
    ]
    return {"discount": total(amounts) or None, "discount_codes": codes or None}


def _activity(data: Json, event: Json) -> Json:
    checkout = inner(data, "checkout")
    named = _named(checkout, event) if checkout else {}
    return named | {"type": "activity", "name": event["name"][:MAX_NAME]}


def _feedback(name: str, event: Json) -> Json:
    own = inner(event, "customData")
    if name == "coupon_denied":
        return {"type": name, "code": own.get("code"), "reason": own.get("reason")}
    offer = text_id(own.get("offer_id", own.get("offerId")))
    if offer is None:
        raise InvalidEvent("invalid", "customData.offer_id is missing")
    order = shopify_id(own.get("order_id")) if name == "offer_redeemed" else None
    return {"type": name, "offer_id": offer, "order_id": order}


_BUILDERS: Final[dict[str, Callable[[Json, Json], Json]]] = {
    "page_viewed": _page,
    "collection_viewed": _page,
    "product_viewed": _product,
    "search_submitted": _search,
    "product_added_to_cart": _cart_change("cart_item_added"),
    "product_removed_from_cart": _cart_change("cart_item_removed"),
    "cart_viewed": _cart,
    "checkout_started": _checkout,
    "checkout_completed": _order,
}
