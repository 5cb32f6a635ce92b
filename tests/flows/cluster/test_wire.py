"""What crosses from one process to another comes out as it went in, and costs no search for its names."""

import pickle

import pytest
from msgspec import UNSET

from flows.cluster import wire
from flows.local.batched_sink import Records
from operators.streaming.messages import MarketBatch, OutputRecord, PageView, ShardBatch, UserKnown

VIEW = PageView(at_s=1.5, visitor="v", id="e", market="default", user="u")
RECORDS = [
    OutputRecord("offers", "offer.decided", "v", "id", b"{}", (("h", b"1"),), 2.0),
    OutputRecord("rejected", "rejected", "v", "id", b"", own_key=None, is_null=True),
    OutputRecord("rejected", "rejected", "v", "id", b"", own_key=b"\xff"),
    OutputRecord("rejected", "rejected", "v", "id", b"", own_key=UNSET, is_null=True),
]
KNOWN = UserKnown(at_s=1.0, visitor="v", id="k", market="default", user="u")


@pytest.mark.parametrize(
    "item",
    [
        ShardBatch(3, "events/0001", (VIEW,), float("-inf"), 2.5),
        MarketBatch("default", (KNOWN,), ((3, 5.0), ("catalog/0000", float("inf")))),
        *[Records([each]) for each in RECORDS],
        Records(RECORDS),
    ],
)
def test_items_come_out_as_they_went_in(item):
    wire.register()
    assert pickle.loads(pickle.dumps(item)) == item


def test_nothing_is_looked_up_that_pickle_has_to_search_for():
    wire.register()
    record = Records([OutputRecord("offers", "offer.decided", "v", "id", b"{}")])
    for item in (ShardBatch(3, "p", (VIEW,), 0.0), MarketBatch("default", (KNOWN,), ()), record):
        assert b"rebuild" not in pickle.dumps(item)
        assert b"UNSET" not in pickle.dumps(item)
