"""One native event as other systems write it: a function a format."""

import json
from datetime import datetime

from schemas.adapters.snowplow_rows import COLUMNS

DIRECT = (
    *("cart_id", "checkout_id", "currency", "order_id", "offer_ids", "discount", "shipping", "tax"),
    *("offer_id", "query", "reason", "market", "url", "title"),
)
SHOP = "com.snowplowanalytics.snowplow.ecommerce"


def segment(event):
    names = {
        "page_viewed": "Page",
        "product_viewed": "Product Viewed",
        "searched": "Products Searched",
        "cart_item_added": "Product Added",
        "cart_item_removed": "Product Removed",
        "cart_updated": "Cart Viewed",
        "checkout_started": "Checkout Started",
        "order_completed": "Order Completed",
        "order_updated": "Order Updated",
        "order_refunded": "Order Refunded",
        "order_cancelled": "Order Cancelled",
        "coupon_denied": "Coupon Denied",
        "offer_shown": "Promotion Viewed",
        "offer_clicked": "Offer Clicked",
        "offer_dismissed": "Offer Dismissed",
        "offer_redeemed": "Offer Redeemed",
        "activity": event.get("name"),
    }
    properties = {name: event[name] for name in DIRECT if name in event}
    properties |= product(event, "product_id") if "sku" in event else {}
    if "items" in event:
        properties["products"] = [product(item, "product_id") for item in event["items"]]
    if "amount" in event:
        properties["total"] = event["amount"]
    if "discount_codes" in event:
        properties["coupon"] = event["discount_codes"][0]["code"]
    if "code" in event:
        properties["coupon_id"] = event["code"]
    call = {
        "type": "track",
        "event": names[event["type"]],
        "messageId": event["id"],
        "timestamp": event["time"],
    }
    if event["type"] == "page_viewed":
        call = {**call, "type": "page"}
    call |= {"anonymousId": event.get("visitor_id"), "userId": event.get("user_id"), "properties": properties}
    device, source = event.get("device"), event.get("source")
    session = event.get("session_id")
    return json.dumps(
        call | {"context": {"sessionId": session, "device": {"type": device}, "campaign": {"source": source}}}
    )


def product(item, id_name):
    return {name: value for name, value in item.items() if name != "sku"} | {id_name: item["sku"]}


def ga4_parts(event):
    """The name, the parameters and the items of an event."""
    names = {
        "page_viewed": "page_view",
        "product_viewed": "view_item",
        "searched": "search",
        "cart_item_added": "add_to_cart",
        "cart_item_removed": "remove_from_cart",
        "cart_updated": "view_cart",
        "checkout_started": "begin_checkout",
        "order_completed": "purchase",
        "order_refunded": "refund",
        "offer_shown": "view_promotion",
        "offer_clicked": "select_promotion",
        "activity": event.get("name"),
    }
    of_ours = {
        "query": "search_term",
        "url": "page_location",
        "title": "page_title",
        "order_id": "transaction_id",
        "offer_id": "promotion_id" if event["type"] in names else "offer_id",
        "session_id": "ga_session_id",
        "amount": "value",
        "code": "coupon",
    }
    direct = {*DIRECT, "source"} - {"order_id", "offer_ids", "discount", "offer_id", "query", "url", "title"}
    params = {name: event[name] for name in direct if name in event}
    params |= {theirs: event[ours] for ours, theirs in of_ours.items() if ours in event}
    if "offer_ids" in event:
        params["offer_ids"] = ",".join(event["offer_ids"])
    items = [ga4_item(item) for item in ([event] if "sku" in event else event.get("items", []))]
    for code in event.get("discount_codes", ()):
        params["coupon"] = code["code"]
        pieces = items[0].get("quantity", 1)
        items[0] |= {
            "discount": code["amount"] / pieces,
            "price": items[0]["price"] - code["amount"] / pieces,
        }
    return names.get(event["type"], event["type"]), params, items


def ga4_item(item):
    kept = {name: item[name] for name in ("price", "quantity", "unit_cost") if name in item}
    return kept | {"item_id": item["sku"], "item_category": item.get("category")}


def micros(event):
    return round(datetime.fromisoformat(event["time"]).timestamp() * 1e6)


def ga4_payload(event):
    name, params, items = ga4_parts(event)
    device = {"category": event.get("device")}
    payload = {"client_id": event.get("visitor_id"), "user_id": event.get("user_id"), "device": device}
    told = {"name": name, "params": params | ({"items": items} if items else {})}
    return json.dumps(payload | {"timestamp_micros": micros(event), "events": [told]})


def ga4_row(event):
    name, params, items = ga4_parts(event)
    slots = {str: "string_value", int: "int_value", float: "double_value"}
    values = [
        {"key": key, "value": {slots[type(value)]: str(value) if type(value) is int else value}}
        for key, value in params.items()
    ]
    row = {
        "event_name": name,
        "event_timestamp": str(micros(event)),
        "user_pseudo_id": event.get("visitor_id"),
    }
    row |= {"user_id": event.get("user_id"), "device": {"category": event.get("device")}}
    return json.dumps(row | {"event_params": values, "items": items, "ecommerce": None})


def snowplow(event):
    """The cells of an event, its action and its entities."""
    actions = {
        "product_viewed": "product_view",
        "cart_item_added": "add_to_cart",
        "cart_item_removed": "remove_from_cart",
        "checkout_started": "checkout_step",
        "order_completed": "transaction",
        "order_refunded": "refund",
        "offer_shown": "promo_view",
        "offer_clicked": "promo_click",
    }
    cells = {"event_id": event["id"], "derived_tstamp": event["time"], "event": "unstruct"}
    theirs = {"visitor_id": "domain_userid", "session_id": "domain_sessionid", "device": "dvce_type"}
    theirs |= {"source": "mkt_source", "user_id": "user_id", "url": "page_url", "title": "page_title"}
    cells |= {name: event[ours] for ours, name in theirs.items() if ours in event}
    kind = event["type"]
    if kind == "page_viewed":
        return cells | {"event": "page_view"}, None, []
    if kind == "activity":
        return cells | {"event_name": event["name"]}, None, []
    if kind == "searched":
        return cells, ("com.snowplowanalytics.snowplow", "site_search", {"terms": [event["query"]]}), []
    currency = {"currency": event["currency"]} if "currency" in event else {}
    entities = [
        ("product", product(item, "id") | currency)
        for item in ([event] if "sku" in event else event.get("items", []))
    ]
    if "cart_id" in event:
        entities.append(("cart", {"cart_id": event["cart_id"], "total_value": 1} | currency))
    if kind == "checkout_started":
        entities = [each for each in entities if each[0] == "cart"] + [("checkout_step", {"step": 1})]
    if kind == "order_completed":
        said = {"transaction_id": event["order_id"], "revenue": 1} | currency
        said |= {name: event[name] for name in ("shipping", "tax") if name in event}
        for code in event.get("discount_codes", ()):
            said |= {"discount_code": code["code"], "discount_amount": code["amount"]}
        entities.append(("transaction", said))
    if kind == "order_refunded":
        entities.append(
            ("refund", {"transaction_id": event["order_id"], "refund_amount": event.get("amount")} | currency)
        )
    if "offer_id" in event:
        entities.append(("promotion", {"id": event["offer_id"]}))
    return cells, (SHOP, "snowplow_ecommerce_action", {"type": actions[kind]}), entities


def snowplow_json(event):
    cells, action, entities = snowplow(event)
    row = dict(cells)
    if action is not None:
        vendor, name, data = action
        row[f"unstruct_event_{vendor.replace('.', '_')}_{name}_1"] = data
    for name, data in entities:
        row.setdefault(f"contexts_{SHOP.replace('.', '_')}_{name}_1", []).append(data)
    return json.dumps(row)


def snowplow_tsv(event):
    cells, action, entities = snowplow(event)
    cells |= {"derived_tstamp": cells["derived_tstamp"].replace("T", " ").removesuffix("Z")}
    if action is not None:
        vendor, name, data = action
        inner = {"schema": f"iglu:{vendor}/{name}/jsonschema/1-0-0", "data": data}
        cells["unstruct_event"] = json.dumps({"schema": "-", "data": inner})
    if entities:
        described = [
            {"schema": f"iglu:{SHOP}/{name}/jsonschema/1-0-0", "data": data} for name, data in entities
        ]
        cells["contexts"] = json.dumps({"schema": "-", "data": described})
    return "\t".join(cells.get(name, "") for name in COLUMNS)
