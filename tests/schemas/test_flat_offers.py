"""The flat form of an offer's record has only scalars, whatever the record has, and fits its schema."""

import json
import math
from pathlib import Path

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.decisions.flat_offer import flat_offer
from operators.streaming.messages import OutputRecord
from schemas.flat_offers import FlatOfferDecided, flat
from schemas.json_schemas import json_schemas
from schemas.offers import (
    EndedOfferData,
    OfferCart,
    OfferCartItem,
    OfferConsent,
    OfferData,
    OfferDecided,
    OfferExpired,
    OfferRedeemed,
    OfferRevoked,
    Promotion,
    Terms,
    Treatment,
    read_offer_record,
)
from schemas.records import Timestamp, encode
from tests.builders import OFTEN, T0

GOLDEN = Path(__file__).parent / "golden" / "offers.jsonl"
SCHEMA = jsonschema.Draft202012Validator(json_schemas()["offer_flat.json"])
PLAIN = "^[A-Za-z0-9-]+$"

plain_ids = st.from_regex(r"[0-9a-f]{24}", fullmatch=True)
ids = st.text(min_size=1, max_size=20)
texts = st.text(max_size=10)
names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
times = st.floats(T0, T0 + 1e6).map(Timestamp)
money = st.floats(0, 1e6)
shares = st.floats(0, 1)
numbers = st.floats(-1e6, 1e6)
currencies = st.sampled_from(["EUR", "GBP"])


def maybe(strategy):
    return st.none() | strategy


items = st.builds(
    OfferCartItem,
    sku=maybe(ids),
    price=maybe(money),
    quantity=st.integers(1, 1000),
    **dict.fromkeys(("category", "title", "url", "image"), maybe(texts)),
)
carts = st.builds(
    OfferCart,
    id=ids,
    value=money,
    currency=currencies,
    items=st.lists(items, max_size=14).map(tuple),
    lines_left_out=st.integers(0, 5),
    url=maybe(texts),
)
scalars = texts | st.booleans() | st.integers(-(2**53), 2**53) | numbers
treatments = st.builds(
    Treatment,
    name=names,
    kind=st.sampled_from(["percent_off", "reminder"]),
    value=money,
    channel=st.sampled_from(["on_site", "email", "app"]),
    promotion=maybe(st.builds(Promotion, code=maybe(ids), pool=maybe(ids))),
    currency=maybe(currencies),
    terms=maybe(
        st.builds(Terms, min_cart_value=money, max_discount=maybe(money), combinable=maybe(st.booleans()))
    ),
    priority=maybe(st.integers(-5, 5)),
    disclosure=maybe(texts),
    attributes=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), scalars, max_size=4),
)
consents = st.builds(
    OfferConsent, granted=st.booleans(), at=times, source=st.sampled_from(["event", "controls"])
)
both = {
    "offer_id": plain_ids,
    "decision_id": plain_ids,
    "moment_id": plain_ids,
    "visitor_id": ids,
    "user_id": maybe(ids),
    "market": names,
    "at": times,
}
offers = st.builds(
    OfferData,
    **both,
    expires_at=times,
    trigger=st.sampled_from(["cart_idle", "session_ended"]),
    abandonment=shares,
    propensity=shares,
    policy=texts,
    policy_version=st.integers(0, 2**53),
    model=texts,
    model_version=st.integers(0, 2**53),
    session_id=maybe(ids),
    cart=carts,
    treatment=treatments,
    locale=maybe(texts),
    timezone=maybe(texts),
    not_before=maybe(times),
    consent=st.dictionaries(st.sampled_from(["email", "app"]), consents),
    expected_profit=maybe(numbers),
    uplift=maybe(numbers),
    controls_version=st.integers(0, 2**53),
)


def enveloped(kind, data, **more):
    return st.builds(
        kind,
        id=plain_ids.map(lambda id_: f"{id_}-of-it"),
        source=st.just("offerstream/default"),
        subject=ids,
        time=times,
        correlationid=plain_ids,
        causationid=ids,
        data=data,
        **more,
    )


ended = st.builds(EndedOfferData, **both, reason=texts.filter(bool), order_id=maybe(ids))
records = st.one_of(
    enveloped(OfferDecided, offers, expirytime=times),
    enveloped(OfferRedeemed, ended),
    enveloped(OfferExpired, ended),
    enveloped(OfferRevoked, ended),
)


@OFTEN
@given(records)
def test_every_offer_record_is_flat_and_as_its_schema_says(record):
    found = json.loads(orjson.dumps(flat(record)))
    assert all(isinstance(value, str | int | float) for value in found.values())
    assert all(not isinstance(value, float) or math.isfinite(value) for value in found.values())
    SCHEMA.validate(found)


@OFTEN
@given(records)
def test_the_stream_of_flat_offers_has_the_ids_keys_and_headers_of_the_stream_of_offers(record):
    nested = OutputRecord(
        "offers", record.type, "ann", record.id, encode(record), (("traceparent", b"00"),), 5.0
    )
    made = flat_offer(nested)
    assert (made.stream, made.type, made.key, made.id) == ("offers_flat", record.type, "ann", record.id)
    assert (made.headers, made.since_s) == (nested.headers, None)
    assert json.loads(made.value) == json.loads(orjson.dumps(flat(read_offer_record(nested.value))))


def golden():
    return [flat(read_offer_record(line)) for line in GOLDEN.read_bytes().splitlines()]


def test_everything_known_of_an_offer_is_told():
    full, *_ = golden()
    assert {field for field in FlatOfferDecided.__struct_fields__ if field not in full} == {"promotion_pool"}
    assert (full["event_id"], full["event_type"]) == ("d1-decided", "offer.decided")
    assert (full["offer_name"], full["offer_kind"], full["offer_value"], full["offer_currency"]) == (
        "ten_percent", "percent_off", 10.0, "GBP",
    )  # fmt: skip
    assert (full["promotion_code"], full["cart_value"], full["cart_lines"]) == ("SAVE10", 19.0, 902)
    assert (full["item_1_sku"], full["item_1_title"], full["item_2_quantity"]) == ("mug", "Blue mug", 1)
    assert (full["attribute_campaign"], full["attribute_vip"]) == ("autumn", False)


def test_the_end_of_an_offer_has_its_reason_and_the_order():
    ends = [{name: each.get(name) for name in ("event_type", "reason", "order_id")} for each in golden()[2:]]
    assert [tuple(end.values()) for end in ends] == [
        ("offer.redeemed", "redeemed", "o-1"),
        ("offer.redeemed", "redeemed", None),
        ("offer.expired", "expired", None),
        ("offer.revoked", "out_of_stock", None),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"offer_id": "default.d1"},
        {"event_id": "d1_decided"},
        {"cart": {"id": "c"}},
        {"item_1_tags": "x"},
        {"item_11_sku": "x"},
        {"item_1_sku": ["x"]},
        {"attribute_campaign": {"nested": 1}},
        {"attribute_campaign": None},
        {"locale": None},
    ],
)
def test_the_schema_refuses_what_is_not_flat_or_not_ours(wrong):
    full, *_ = golden()
    SCHEMA.validate(full)
    with pytest.raises(jsonschema.ValidationError):
        SCHEMA.validate(full | wrong)
