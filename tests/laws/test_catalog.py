"""Laws 1, 2 and 9 with a catalog: batches and crashes change nothing, and no offer is on what is sold out."""

import random
from datetime import datetime, timedelta
from zlib import crc32

import orjson
import pytest
from bytewax.testing import run_main

from flows.assembly import reader_of, stations_of
from flows.dataflow import Edges, build_dataflow
from flows.local.callback_sink import DiscardSink
from flows.local.in_process import InProcessDataflow
from flows.local.memory import CollectSink, ListSource
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.catalog import Catalogs
from flows.stores.ledger import Ledgers
from schemas.message import Message
from schemas.shop import Shop
from tests.laws.shopping import OFFERS, RULES, START_S, by_stream, log, messages, settings, stamp

TOPIC = "shop.catalog"
NOBODY_KNOWS = Shop.model_validate(
    {
        "rules": RULES | {"margin": {"floor": 0.1}},
        "markets": {"default": {"holdout": 0.1}, "uk": {"currency": "GBP", "rates": {"EUR": 0.9}}},
        "offers": [offer | {"reward_window": "10m"} for offer in OFFERS],
    }
)
"""Only the catalog tells what products cost, and of one product it tells nothing."""


def products(seed=2):
    """What the shop says of twenty products, all the hour long: (time, product), in the order of time."""
    rng = random.Random(seed)
    told = []
    for number in range(20):
        at_s = START_S - 60.0
        while at_s < START_S + 5400.0:
            product = {
                "sku": f"s{number}",
                "at": stamp(at_s),
                "currency": "EUR",
                "title": f"Product {number}",
            }
            about = {"unit_cost": round(rng.uniform(2, 15), 2), "stock": rng.choice([0, 1, 1, 2, 5, 9, 9])}
            told.append((at_s, product | about))
            at_s += rng.uniform(120, 900)
    return [product for _, product in sorted(told, key=lambda each: (each[0], each[1]["sku"]))]


def lanes(parts=2):
    """The log and the catalog as source partitions; the records of a product are in one of them."""
    out = messages(log(visitors=100), parts) | {f"{TOPIC}/{part:04d}": [] for part in range(parts)}
    for product in products():
        key = product["sku"].encode()
        lane = out[f"{TOPIC}/{crc32(key) % parts:04d}"]
        lane.append(Message(orjson.dumps(product), key, (), TOPIC, crc32(key) % parts, len(lane)))
    return out


def readers():
    return reader_of(settings(), NOBODY_KNOWS, lambda _: "native", None, ordered=True, has_catalog=True)


def plain(parts, batch, catalogs):
    stations = stations_of(settings(), NOBODY_KNOWS, parts, Ledgers().of, catalogs.of, ordered=True)
    dataflow, make = InProcessDataflow(stations), readers()
    one_by_one = {part: make(part, None) for part in parts}
    said = []
    for start in range(0, max(map(len, parts.values())), batch):
        for part, reader in one_by_one.items():
            said += dataflow.process(reader.read(parts[part][start : start + batch], None))[0]
    for reader in one_by_one.values():
        said += dataflow.process(reader.end())[0]
    return said


@pytest.fixture(scope="module")
def expected():
    return by_stream(plain(lanes(), 100, Catalogs()))


def records(said, stream, *types):
    found = (orjson.loads(value) for _, value in said[stream])
    return [each for each in found if not types or each["type"] in types]


def test_the_log_leads_to_what_catalogs_do(expected):
    removed = [why for each in records(expected, "decisions", "decision") for why in each["removed"].values()]
    assert {"out_of_stock", "margin_floor", "margin_unknown"} <= set(removed)
    reasons = [each["data"]["reason"] for each in records(expected, "offers", "offer.revoked")]
    assert reasons.count("out_of_stock") > 5
    rewards = records(expected, "decisions", "reward")
    assert len({each["margin"] for each in rewards}) > 5
    assert any(each["partial"] for each in rewards)
    assert expected["rejected"] == []


@pytest.mark.parametrize(("parts", "batch"), [(2, 7), (2, 5000), (1, 40), (3, 100)])
def test_batches_and_partitions_change_nothing(expected, tmp_path, parts, batch):
    catalogs = Catalogs(tmp_path)
    assert by_stream(plain(lanes(parts), batch, catalogs)) == expected
    catalogs.close()


@pytest.mark.parametrize("crash_after", [3, 25, 60])
def test_a_crash_changes_nothing_though_the_catalog_is_not_rolled_back(expected, tmp_path, crash_after):
    ledgers, catalogs = Ledgers(), Catalogs(tmp_path / "catalog")
    ends = {name: CollectSink() for name in settings().output_topics}
    parts = lanes()
    source = ListSource(parts, readers(), batch=20, crash_after=crash_after)
    for _ in range(2):
        stations = stations_of(settings(), NOBODY_KNOWS, parts, ledgers.of, catalogs.of, ordered=True)
        flow = build_dataflow(Edges(source, ends, DiscardSink(), DiscardSink()), stations)
        store = recovery_config(tmp_path / "recovery")
        run_main(flow, epoch_interval=timedelta(milliseconds=20), recovery_config=store)
    assert by_stream(said for end in ends.values() for said in end.items) == expected
    catalogs.close()


def test_no_offer_is_open_on_what_is_sold_out(expected):
    stock = {}
    for product in products():
        stock.setdefault(product["sku"], []).append((seconds(product["at"]), product["stock"]))
    ended = {
        each["data"]["offer_id"]: seconds(each["data"]["at"])
        for each in records(expected, "offers", "offer.revoked", "offer.expired", "offer.redeemed")
    }
    made = records(expected, "offers", "offer.decided")
    assert made
    for each in made:
        from_s, until_s = seconds(each["data"]["at"]), ended[each["data"]["offer_id"]]
        for item in each["data"]["cart"]["items"]:
            told = stock.get(item["sku"], [])
            before = [pieces for at_s, pieces in told if at_s <= from_s]
            assert not before or before[-1] > 0
            assert all(pieces > 0 for at_s, pieces in told if from_s < at_s < until_s)


def seconds(text):
    return datetime.fromisoformat(text).timestamp()
