"""Who is erased leaves nothing in a shard, and is not brought back by what happened before."""

import msgspec
import pytest

from operators.ingest.addressing import send_erasure
from operators.sessions.shard import Shard
from operators.streaming.ids import SHARDS, shard_of
from operators.streaming.messages import (
    CartAddition,
    Erasure,
    Line,
    Moment,
    OrderRefund,
    PageView,
    PersonErased,
    ShardBatch,
    UserKnown,
)
from tests.builders import session_settings
from tests.rows import everything_in

V, U = "visitor-in-question", "user-in-question"
BOOK = (Line("book", 1, 20.0),)


def viewed(at_s, n, visitor=V, user=None, **more):
    return PageView(at_s, visitor, f"e-{n}", "default", user, **more)


def carted(at_s, n, visitor=V, user=None):
    return CartAddition(at_s, visitor, f"e-{n}", "default", user, cart="c-1", lines=BOOK)


def erased(at_s, visitor="", user=None, **more):
    return Erasure(at_s, visitor, "e-erased", "default", user, **more)


@pytest.fixture
def shard():
    return Shard(shard_of(V), ["p"], session_settings(), ordered=False)


def told(shard, *events, watermark_s=0.0):
    return shard.process([ShardBatch(shard.shard, "p", events, watermark_s)])


def test_a_visitor_in_the_middle_of_a_visit_leaves_nothing(shard):
    told(shard, viewed(10.0, 1, user=U), carted(20.0, 2))
    output = told(shard, erased(30.0, V))
    assert [(type(each), each.visitor) for each in output.events] == [(PersonErased, V)]
    assert [(row.visitor, row.kind) for row in output.features] == [(V, "")]
    assert shard.figures()["visits"] == shard.figures()["carts"] == shard.figures()["timers"] == 0
    assert V.encode() not in shard.snapshot()
    assert told(shard, watermark_s=10_000.0).events == ()


def test_a_user_is_erased_with_every_visitor_seen_as_the_user(shard):
    told(shard, viewed(10.0, 1, user=U), carted(11.0, 2), viewed(12.0, 3, visitor="somebody"))
    output = told(shard, erased(30.0, user=U, is_home=False))
    assert [(each.visitor, each.user, each.is_home) for each in output.events] == [(V, U, False)]
    assert shard.figures()["visits"] == 1
    assert not any(who.encode() in shard.snapshot() for who in (V, U))


def test_what_was_left_behind_or_bought_names_nobody_either(shard):
    told(shard, viewed(10.0, 1, user=U), carted(20.0, 2, user=U), watermark_s=10_000.0)
    told(shard, erased(10_001.0, V, U))
    assert not any(who.encode() in shard.snapshot() for who in (V, U))


@pytest.mark.parametrize("who", [{"visitor": V}, {"user": U}])
def test_what_happened_before_is_dropped_and_what_comes_after_is_somebody_new(shard, who):
    told(shard, viewed(5.0, 0, user=U), erased(30.0, **who))
    assert told(shard, carted(29.0, 1, user=U)).events == ()
    late = viewed(31.0, 2, user=U, happened_s=20.0)
    assert told(shard, late).events == ()
    assert shard.figures()["visits"] == 0
    again = told(shard, carted(40.0, 3, user=U)).events
    assert {type(each) for each in again} == {UserKnown, Moment}
    assert next(each for each in again if isinstance(each, Moment)).visits_before == 0


def test_it_is_remembered_without_the_id_beyond_a_restart_and_for_a_time(shard):
    told(shard, erased(30.0, V, U))
    state = shard.snapshot()
    assert not any(who.encode() in state for who in (V, U))
    again = Shard(shard.shard, ["p"], session_settings(), ordered=False, state=state)
    assert told(again, carted(29.0, 1)).events == ()
    told(again, watermark_s=31 * 86_400.0)
    assert len(told(again, carted(29.0, 1)).events) == 1


def test_the_key_decides_what_is_remembered():
    names = set()
    for key in (b"one", b"two"):
        settings = msgspec.structs.replace(session_settings(), erasure_key=key)
        shard = Shard(shard_of(V), ["p"], settings, ordered=False)
        told(shard, erased(30.0, V))
        names |= {name for name in everything_in(shard._rows) if name.startswith(b"e")}
    assert len(names) == 2


def test_a_refund_after_the_erasure_says_nothing_of_whose_order_it_was(shard):
    told(shard, erased(30.0, V, U))
    refund = OrderRefund(40.0, V, "e-1", "default", U, order="o-1", position="p/1")
    [event] = told(shard, refund).events
    assert (event.order, event.visitor, event.user) == ("o-1", "", None)


def test_an_erasure_of_a_user_goes_to_every_shard_and_is_at_home_in_one():
    shards = {}
    send_erasure(erased(30.0, V), shards)
    assert list(shards) == [shard_of(V)]
    shards = {}
    send_erasure(erased(30.0, user=U), shards)
    assert len(shards) == SHARDS
    assert [shard for shard, [event] in shards.items() if event.is_home] == [shard_of(U)]
