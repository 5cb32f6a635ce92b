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
