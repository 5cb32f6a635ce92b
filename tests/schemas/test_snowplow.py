"""Enriched events of Snowplow in both of their forms, and what of them cannot be taken."""

import json

import pytest

from schemas.adapters import decoder
from schemas.adapters.snowplow_rows import COLUMNS, WANTED
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

SHOP = "com_snowplowanalytics_snowplow_ecommerce_"
ACTION = f"unstruct_event_{SHOP}snowplow_ecommerce_action_1"
NOBODY = "00000000-0000-0000-0000-000000000000"
ROW = {
    "event_id": "e-1",
    "event": "page_view",
    "domain_userid": "d-1",
    "derived_tstamp": "2026-03-01T12:00:00Z",
}
PRODUCT = {"id": "L-20", "category": "lamps", "price": 40, "currency": "EUR"}


def decoded(row):
    value = row if isinstance(row, bytes) else json.dumps(row).encode()
    return decoder("snowplow", MAX_EVENT_BYTES)(Message(value))


def read(row=(), **changed):
    return decoded({**ROW, **dict(row), **changed}).event


def acted(kind, **entities):
    contexts = {f"contexts_{SHOP}{name}_1": found for name, found in entities.items()}
    return ROW | {"event": "unstruct", ACTION: {"type": kind}} | contexts


def line(**cells):
    return "\t".join(cells.get(name, "") for name in COLUMNS).encode()


def described(name, data):
    return {"schema": f"iglu:com.snowplowanalytics.snowplow.ecommerce/{name}/jsonschema/1-0-0", "data": data}


UNSTRUCT = {"schema": "-", "data": described("snowplow_ecommerce_action", {"type": "product_view"})}
CONTEXTS = {"schema": "-", "data": [described("product", PRODUCT)]}


def test_the_columns_are_those_of_an_enriched_event():
    assert len(COLUMNS) == len(set(COLUMNS)) == 131
    assert set(WANTED) < set(COLUMNS)


def test_tab_separated_values_say_what_json_says():
    cells = {**ROW, "event": "unstruct", "derived_tstamp": "2026-03-01 12:00:00.000"}
    cells |= {"unstruct_event": json.dumps(UNSTRUCT), "contexts": json.dumps(CONTEXTS)}
    assert decoded(line(**cells)).event == decoded(acted("product_view", product=[PRODUCT])).event
    assert decoded(line(**cells) + b"\r\n").event.sku == "L-20"


def test_entities_may_stand_in_json_as_they_do_in_a_column():
    row = ROW | {"unstruct_event": UNSTRUCT, "contexts": json.dumps(CONTEXTS)}
    assert decoded(row).event.sku == "L-20"


@pytest.mark.parametrize("name", ["contexts", "derived_contexts", "unstruct_event"])
@pytest.mark.parametrize("wrong", ["{", "[]", 5, {"data": 5}, {}])
def test_what_should_describe_itself_and_does_not_costs_only_itself(name, wrong):
    row = decoded(ROW | {name: wrong})
    assert row.event.type == "page_viewed"
    assert row.dropped == (() if wrong == {} else (name,))


@pytest.mark.parametrize(
    "schema",
    [
        None,
        "product",
        "iglu:com.acme/a/jsonschema/x",
        "iglu:" + "a" * 400,
        "iglu:com.acme/a/jsonschema/1-0-0",
    ],
)
def test_what_another_schema_describes_is_ignored(schema):
    other = {"schema": schema, "data": {"id": 1}}
    row = decoded(ROW | {"contexts": {"data": [other, 7]}, "unstruct_event": {"data": other}})
    assert (row.event.type, row.dropped) == ("page_viewed", ())


LADDER = {"domain_userid": "d-1", "network_userid": "n-1", "domain_sessionid": "s-1", "user_id": "u-1"}


def test_the_visitor_is_the_best_id_that_is_there():
    visitors = []
    ids = dict(LADDER)
    for name in LADDER:
        visitors.append(read(ids | {"domain_userid": ids.get("domain_userid")}).visitor_id)
        del ids[name]
    assert visitors == list(LADDER.values())
    with pytest.raises(InvalidEvent, match="domain_userid, network_userid and domain_sessionid are missing"):
        read(domain_userid=None)


def test_the_cookie_of_nobody_and_that_of_a_server_are_no_visitor():
    ids = LADDER | {"domain_userid": ""}
    assert read(ids).visitor_id == "n-1"
    assert read(ids, network_userid=NOBODY).visitor_id == "s-1"
    assert read(ids, platform="srv").visitor_id == "s-1"
    assert read(ids, platform="srv", domain_sessionid=None).visitor_id == "u-1"


@pytest.mark.parametrize(
    "row",
    [
        acted("transaction", transaction=[{"transaction_id": "T", "revenue": 5, "currency": "EUR"}]),
        acted("refund", refund=[{"transaction_id": "T", "refund_amount": 5, "currency": "EUR"}]),
        ROW | {"event": "transaction", "tr_orderid": "T", "tr_total": 5},
    ],
)
def test_what_became_of_an_order_needs_no_visitor(row):
    order = decoded(row | {"domain_userid": None, "user_id": "u-1"}).event
    assert (order.visitor_id, order.user_id, order.order_id) == (None, "u-1", "T")


def test_the_user_of_the_shop_stands_in_for_that_of_the_tracker_unless_a_guest():
    def user(**said):
        return decoded(acted("list_click", user=[{"id": "u-2"} | said])).event.user_id

    assert user() == user(is_guest=False) == "u-2"
    assert user(is_guest=True) is None


@pytest.mark.parametrize("wrong", ["noon", 5, ""])
def test_a_time_that_is_odd_costs_only_itself(wrong):
    row = decoded(ROW | {"derived_tstamp": wrong, "collector_tstamp": "2026-03-01 12:00:01.5"})
    assert row.event.time.isoformat() == "2026-03-01T12:00:01.500000+00:00"
    assert row.dropped == ("derived_tstamp",)


@pytest.mark.parametrize(
    "kind",
    [
        "product_view",
        "add_to_cart",
        "remove_from_cart",
        "checkout_step",
        "promo_view",
        "transaction",
        "refund",
    ],
)
@pytest.mark.parametrize("found", [None, [], [7], {}])
def test_an_action_without_what_it_is_about_is_activity(kind, found):
    names = ("product", "checkout_step", "promotion", "transaction", "refund")
    event = decoded(acted(kind, **dict.fromkeys(names, found))).event
    assert (event.type, event.name) == ("activity", kind)


def test_a_single_entity_may_stand_without_its_list():
    event = decoded(acted("add_to_cart", product={"id": "A", "price": 5, "currency": "EUR"})).event
    assert [(line.sku, line.price) for line in event.items] == [("A", 5)]


def test_an_action_that_is_not_known_is_activity():
    assert decoded(acted("share")).event.name == "share"
    assert decoded(acted(5)).event.name is None


def test_a_transaction_without_products_counts_with_what_was_paid_for_goods():
    said = {
        "transaction_id": "T",
        "revenue": 60,
        "tax": 10,
        "shipping": 5,
        "discount_amount": 5,
        "currency": "eur",
    }
    order = decoded(acted("transaction", transaction=[said])).event
    assert [(item.sku, item.price) for item in order.items] == [(None, 50)]
    assert (order.discount, order.discount_codes, order.currency) == (5, (), "EUR")
    nothing = decoded(acted("transaction", transaction=[{"transaction_id": "T"}]))
    assert nothing.event.items[0].price == 0
    assert "items" in nothing.dropped


def test_a_code_that_is_none_costs_only_itself():
    said = {"transaction_id": "T", "revenue": 60, "discount_code": ["TEN"], "currency": "EUR"}
    order = decoded(acted("transaction", transaction=[said], product=[PRODUCT]))
    assert order.event.discount_codes == ()
    assert order.dropped == ("discount_codes",)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"a\tb", "2 columns; an enriched event has 131"),
        (ROW | {"event_id": ""}, "event_id is missing"),
        (ROW | {"derived_tstamp": None}, "derived_tstamp is missing"),
        (ROW | {"derived_tstamp": "noon"}, "derived_tstamp should be a time like 2026-01-31T12:00:00.000Z"),
        (acted("transaction", transaction=[{"revenue": 5}]), "order_id is missing"),
    ],
)
def test_what_is_no_event_is_refused_in_words(row, words):
    with pytest.raises(InvalidEvent) as wrong:
        decoded(row)
    assert wrong.value.class_ == "invalid"
    assert words in wrong.value.reason


def test_an_array_within_an_array_is_refused():
    with pytest.raises(InvalidEvent, match="an enriched event must be a JSON object or tab-separated values"):
        decoder("snowplow", MAX_EVENT_BYTES)(Message(b"[5]", part=0))


def test_what_is_no_text_is_refused():
    with pytest.raises(InvalidEvent, match="encoding: not UTF-8"):
        decoded(b"\xff\t")
    with pytest.raises(InvalidEvent, match="not_json: not JSON"):
        decoded(b"{")
