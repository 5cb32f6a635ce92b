"""What the records of the catalog mean for markets."""

import json

import pytest

from operators.ingest.catalog_records import CatalogRecords
from operators.ingest.market_reader import MarketReader
from operators.streaming.messages import MarketBatch, Product, Trace
from schemas.message import Message
from schemas.shop import Market, Shop
from tests.builders import T0, ingest_settings

SHOP = Shop(
    markets={
        "ch": Market(name="ch", currency="CHF", rates={"EUR": 0.9}),
        "de": Market(name="de"),
        "us": Market(name="us", currency="USD"),
    }
)


def read(*values, key=b"A-7"):
    settings = ingest_settings(SHOP)
    reader = MarketReader("shop.catalog/0000", settings, CatalogRecords(settings, 10_000))
    messages = [
        Message(None if value is None else json.dumps(value).encode(), key, (), "shop.catalog", 0, n, T0 + n)
        for n, value in enumerate(values)
    ]
    emitted = reader.read(messages, None)
    found = {each.market: list(each.events) for each in emitted if isinstance(each, MarketBatch)}
    rejected = [dict(each.headers) for each in emitted if not isinstance(each, MarketBatch)]
    return found, rejected, reader


def test_a_product_without_a_market_is_one_of_every_market():
    found, rejected, _ = read({"sku": "A-7", "stock": 3, "title": "Shoe"})
    assert rejected == []
    assert {market: [change.product for change in changes] for market, changes in found.items()} == {
        market: [Product(stock=3, title="Shoe")] for market in ("ch", "de", "us")
    }


def test_amounts_in_another_currency_are_converted():
    found, _, _ = read({"sku": "A-7", "market": "ch", "price": 10.0, "unit_cost": 5.0, "currency": "EUR"})
    [change] = found["ch"]
    assert (change.product.price, change.product.unit_cost) == (9.0, 4.5)
    assert found["de"] == []


def test_a_market_without_a_rate_gets_the_product_without_its_amounts():
    found, rejected, reader = read({"sku": "A-7", "price": 10.0, "stock": 3, "currency": "EUR"})
    assert rejected == []
    assert [found[market][0].product.price for market in ("ch", "de", "us")] == [9.0, 10.0, None]
    assert found["us"][0].product.stock == 3
    assert reader.dropped == {"currency": 1}


def test_amounts_that_no_market_can_count_are_rejected():
    _, [rejected], _ = read({"sku": "A-7", "market": "us", "price": 10.0, "currency": "EUR"})
    assert rejected["offerstream.class"] == b"currency"
    assert rejected["offerstream.reason"] == b"amounts in EUR; the markets count in USD"


def test_a_product_of_a_market_that_is_not_there_is_rejected():
    _, [rejected], _ = read({"sku": "A-7", "market": "fr"})
    assert rejected["offerstream.reason"] == b"market 'fr' is not among ch, de, us"


@pytest.mark.parametrize(
    ("key", "sku", "markets"),
    [(b"A-7", "A-7", ["ch", "de", "us"]), (b"de/A-7", "A-7", ["de"]), (b"a/b", "a/b", ["ch", "de", "us"])],
)
def test_a_record_without_a_value_removes_the_product_where_its_key_says(key, sku, markets):
    found, _, _ = read(None, key=key)
    removed = {market: [(each.sku, each.product) for each in changes] for market, changes in found.items()}
    assert {market: changes for market, changes in removed.items() if changes} == {
        market: [(sku, None)] for market in markets
    }


def test_a_change_has_the_trace_of_its_record():
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    records = CatalogRecords(ingest_settings(SHOP), 1000)

    def traced(value):
        record = records.decode(Message(b'{"sku": "A-7"}', b"A-7", (("traceparent", value),)))
        return record.inputs_at(T0)[0].trace, record.dropped

    assert traced(parent.encode()) == (Trace(parent), ())
    assert traced(b"odd") == (None, ("traceparent",))


def test_a_change_is_called_by_its_product_and_its_time():
    at = {"sku": "A-7", "at": "2020-01-01T00:00:00Z"}
    found, _, _ = read(at | {"stock": 1}, at | {"stock": 0}, at | {"sku": "B-2"}, {"sku": "A-7"})
    first, again, other, later = (change.id for change in found["de"])
    assert first == again
    assert len({first, other, later}) == 3
