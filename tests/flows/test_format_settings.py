"""What a shop sets about its formats reaches what reads them."""

import json

import pytest

from flows.assembly import reader_of
from flows.settings import read_settings
from schemas.errors import SetupError
from schemas.message import Message

VIEW = {
    "type": "track",
    "event": "Product Viewed",
    "messageId": "m-1",
    "anonymousId": "a-1",
    "timestamp": "2026-03-01T12:00:00Z",
    "properties": {"product_id": "507", "sku": "G-32"},
}


@pytest.mark.parametrize(("key", "sku"), [(None, "507"), ("product_id", "507"), ("sku", "G-32")])
def test_the_product_key_is_that_of_the_settings(key, sku):
    settings = read_settings(None, product_key=key)
    reader = reader_of(settings, settings.shop(), lambda _: "segment", None, ordered=True)("web/0000", None)
    sent = reader.read([Message(json.dumps(VIEW).encode())], None)
    (view,) = (event for each in sent for event in getattr(each, "events", ()))
    assert view.sku == sku


def test_a_product_key_is_one_of_two():
    with pytest.raises(SetupError, match=r"^PRODUCT_KEY must be 'product_id' or 'sku'; got 'name'$"):
        read_settings(None, product_key="name")


def test_what_is_no_topic_of_events_has_no_format():
    with pytest.raises(SetupError, match=r"formats must name topics of events, .*; got 'shop\.catalog'$"):
        read_settings(None, formats="shop.catalog=segment")


def test_an_order_needs_no_unit_costs_where_there_is_a_catalog(tmp_path):
    offers = tmp_path / "offers.toml"
    offers.write_text("[markets.default]\n[markets.rated]\nmargin_rate = 0.4\n")
    settings = read_settings(None, offers=offers)
    order = {
        "type": "order_completed",
        "id": "e-1",
        "time": "2026-03-01T12:00:00Z",
        "visitor_id": "v-1",
        "order_id": "o-1",
        "items": [{"sku": "A-7", "price": 5.0}],
    }

    def rejects(market, **more):
        make = reader_of(settings, settings.shop(), lambda _: "native", None, ordered=True, **more)
        reader = make("shop.events/0000", None)
        reader.read([Message(json.dumps(order | {"market": market}).encode())], None)
        return reader.rejects

    assert rejects("default") == {"invalid": 1}
    assert rejects("rated") == rejects("default", has_catalog=True) == {}
