"""A partition whose records are addressed to markets: the order of offsets is the order of time."""

import msgspec
import orjson
import pytest

from operators.ingest.market_reader import MarketReader, MarketRecord
from operators.streaming.messages import MarketBatch, Product, ProductChange
from operators.streaming.watermark import NEVER
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import T0, ingest_settings, shop

PART = "shop.prices/0000"


class Prices:
    """Records like ``{"sku": "a", "at": 5, "market": "default"}``; the sku of the last one is remembered."""

    def __init__(self):
        self.last = ""

    def decode(self, message):
        said = orjson.loads(message.value)
        if "sku" not in said:
            raise InvalidEvent("invalid", "sku is missing")
        markets = [said["market"]] if "market" in said else ["default", "other"]

        def inputs_at(at_s):
            if said["sku"] == "odd":
                raise InvalidEvent("invalid", "it cannot be taken")
            self.last = said["sku"]
            return [self._change(said["sku"], at_s, market, str(message.offset)) for market in markets]

        return MarketRecord(T0 + said["at"] if "at" in said else None, inputs_at, said.get("dropped", ()))

    def _change(self, sku, at_s, market, id_):
        return ProductChange(at_s=at_s, id=id_, market=market, sku=sku, product=Product())

    def resumed(self, at_s):
        return [self._change(self.last, at_s, "default", "again")] if self.last else []

    def state(self):
        return self.last.encode()

    def restore(self, state):
        self.last = state.decode()


def reader(state=None, **settings):
    two = shop(markets=("default", "other"))
    return MarketReader(PART, ingest_settings(two, **settings), Prices(), state)


def message(said, offset=0, sent=None):
    return Message(
        orjson.dumps(said), b"k", (), "shop.prices", 0, offset, None if sent is None else T0 + sent
    )


def told(one, *said, sent=None, now=None):
    first = one.next_offset or 0
    batch = [message(each, first + number, sent) for number, each in enumerate(said)]
    return one.read(batch, None if now is None else T0 + now)


def changes(emitted, market="default"):
    batches = [each for each in emitted if isinstance(each, MarketBatch) and each.market == market]
    return [(change.sku, change.at_s - T0) for batch in batches for change in batch.events]


def test_a_record_without_a_market_is_for_every_market():
    emitted = told(reader(), {"sku": "a", "at": 1}, {"sku": "b", "at": 2, "market": "other"})
    assert changes(emitted) == [("a", 1)]
    assert changes(emitted, "other") == [("a", 1), ("b", 2)]


def test_the_watermark_is_the_time_of_the_latest_record_and_goes_to_every_market():
    one = reader()
    emitted = told(one, {"sku": "a", "at": 1}, {"sku": "b", "at": 2, "market": "other"})
    assert [each.watermarks for each in emitted] == [((PART, T0 + 2),)] * 2
    assert one.event_time_s == one.greatest_s == one.watermark_s == T0 + 2
    (same,) = told(one, {"sku": "c", "at": 2, "market": "other"})
    assert same.watermarks == ()


def test_a_record_that_is_older_than_the_one_before_it_is_placed_beside_it():
    one = reader()
    emitted = told(one, {"sku": "a", "at": 9}, {"sku": "b", "at": 3}, {"sku": "c", "at": 11})
    assert changes(emitted) == [("a", 9), ("b", 9), ("c", 11)]
    assert one.counts.late == 1


@pytest.mark.parametrize(
    ("said", "sent", "place"),
    [({"at": 5}, 90, 5), ({"at": 500}, 90, 90), ({}, 90, 90), ({"at": 5}, None, 5)],
    ids=["its own", "no later than it was sent", "none of its own", "from a file"],
)
def test_the_place_of_a_record(said, sent, place):
    assert changes(told(reader(), {"sku": "a", **said}, sent=sent)) == [("a", place)]


def test_what_comes_after_a_silence_is_no_older_than_what_markets_were_told():
    one = reader(lateness_s=10.0)
    assert [each.watermarks for each in one.idle(T0 + 110.7)] == [((PART, T0 + 100),)] * 2
    assert one.idle(T0 + 110.9) == []
    assert changes(told(one, {"sku": "a", "at": 50})) == [("a", 100)]


def test_a_record_of_which_nobody_knows_the_time_is_rejected():
    one = reader()
    (rejected,) = told(one, {"sku": "a"})
    assert dict(rejected.headers)["offerstream.class"] == b"clock"
    assert b"must tell its time" in dict(rejected.headers)["offerstream.reason"]


def test_every_record_read_is_taken_or_rejected():
    one = reader()
    emitted = told(
        one,
        {"sku": "a", "at": 1, "dropped": ["url"]},
        {"at": 2},
        {"sku": "odd", "at": 3},
        {"sku": "b"},
        sent=9,
    )
    counts = one.counts
    assert (counts.read, counts.taken, counts.records_rejected) == (4, 2, 2)
    assert (counts.events, counts.processed, counts.rejected) == (4, 2, 2)
    assert one.rejects == {"invalid": 2}
    assert one.dropped == {"url": 1}
    assert [each.id for each in emitted if not isinstance(each, MarketBatch)] == [
        "shop.prices/0/1", "shop.prices/0/2"
    ]  # fmt: skip
    assert changes(emitted) == [("a", 1), ("b", 9)]


def test_the_number_of_records_in_a_batch_changes_nothing():
    said = [{"sku": "a", "at": 4}, {"sku": "b", "at": 2}, {"at": 1}, {"sku": "c", "at": 9}]
    whole, one_by_one = reader(), reader()
    expected = changes(told(whole, *said))
    assert [each for one in said for each in changes(told(one_by_one, one))] == expected
    assert one_by_one.snapshot() == whole.snapshot()


def test_a_resumed_reader_goes_on_where_it_was_and_says_again_what_markets_must_know():
    one = reader()
    told(one, {"sku": "a", "at": 1}, {"sku": "b", "at": 7})
    again = reader(one.snapshot())
    assert (again.next_offset, again.watermark_s, again.counts) == (2, T0 + 7, one.counts)
    resumed = again.resumed()
    assert changes(resumed) == [("b", 7)]
    assert [each.watermarks for each in resumed] == [((PART, T0 + 7),)] * 2
    assert reader(reader().snapshot()).resumed() == []


def test_a_state_of_another_format_is_refused():
    state = msgspec.msgpack.decode(reader().snapshot())
    with pytest.raises(ValueError, match=r"partition shop\.prices/0000 must be of format 1; got 7"):
        reader(msgspec.msgpack.encode([7, *state[1:]]))


def test_the_end_of_a_partition_holds_nobody_up():
    one = reader()
    assert one.watermark_s == NEVER
    assert [each.watermarks for each in one.end()] == [((PART, float("inf")),)] * 2
