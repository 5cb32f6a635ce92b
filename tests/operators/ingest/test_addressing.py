"""Which shards an event goes to."""

import pytest

from operators.ingest.addressing import send_order
from operators.streaming.ids import SHARDS, shard_of
from tests.builders import ordered, refunded, struct


def sent(event):
    shards = {}
    send_order(struct(event), shards)
    return {shard: [each.is_home for each in events] for shard, events in shards.items()}


@pytest.mark.parametrize("keys", [{"cart_id": "c"}, {"checkout_id": "k"}, {"user_id": "u"}])
def test_an_order_that_may_be_of_any_cart_goes_everywhere_and_is_at_home_once(keys):
    found = sent(ordered(1, None, order_id="o", **keys))
    assert len(found) == SHARDS
    assert [shard for shard, homes in found.items() if homes == [True]] == [shard_of("o")]
    assert sum(homes == [False] for homes in found.values()) == SHARDS - 1


def test_an_order_of_a_visitor_alone_goes_to_the_visitors_shard():
    assert sent(ordered(1)) == {shard_of("ann"): [True]}


def test_a_refund_goes_where_its_order_is_at_home():
    assert sent(refunded(1, "o")) == {shard_of("o"): [True]}
