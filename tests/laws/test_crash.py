"""Laws 2, 3, 4: a crash changes nothing, live equals replay, nothing is lost. The real worker, over TCP."""

import random
import signal
import socket
import time

import msgspec
import orjson
import pytest

from operators.ingest.partition_reader import _State as Judged
from tests.laws.limits import broken_limits, records_of
from tests.laws.running import PARTITIONS, learned
from tests.laws.shopping import (
    SHOP,
    START_S,
    by_stream,
    decisions_in,
    log,
    loop,
    messages,
    plain,
    stamp,
    with_back_office,
    with_feedback,
)
from tests.worker import send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

KILLED = -signal.SIGKILL


class Expected:
    """A log that ended hours ago, so that all that can follow from it has followed, and what follows."""

    def __init__(self):
        start_s = float(int(time.time()) - 4 * 3600)
        bare = with_back_office(log(seed=5, visitors=100, start_s=start_s, minutes=50))
        self.events = with_feedback(bare, decisions_in(plain(messages(bare))))
        said, page = loop(messages(self.events))
        self.said = by_stream(said)
        self.total = len(said)
        self.carts = [decision["features"] for decision in decisions_in(said)[:20]]
        self.learned = {name: learned(market, self.carts) for name, market in page.markets.items()}


@pytest.fixture(scope="module")
def expected():
    return Expected()


def assert_nothing_changed(shop, expected):
    said = shop.said()
    assert said == expected.said
    assert broken_limits(records_of(said), SHOP) == []
    assert shop.learned(expected.carts) == expected.learned


def assert_every_record_once(said):
    """Whatever order things were read in: no id twice, each offer ended once, no budget exceeded."""
    assert broken_limits(records_of(said), SHOP) == []
    for records in said.values():
        ids = [id_ for id_, _ in records]
        assert len(ids) == len(set(ids))
    kinds = {"decision": [], "reward": [], "outcome": []}
    for record in (orjson.loads(value) for _, value in said["decisions"]):
        kinds.setdefault(record["type"], []).append(record)
    made = {each["offer_id"] for each in kinds["decision"]} - {None}
    ends = {}
    for id_, _ in said["offers"]:
        offer, _, kind = id_.rpartition("-")
        ends.setdefault(offer, []).append(kind)
    assert ends.keys() == made
    assert all(sorted(each) == ["decided", "ended"] for each in ends.values())
    with_window = {each["decision_id"] for each in kinds["decision"] if each["window_ends_at"] > each["at"]}
    assert {each["decision_id"] for each in kinds["reward"] if each["kind"] == "window"} == with_window
    assert len(made) > 10
    assert len(kinds["outcome"]) > 20


def test_live_says_and_learns_what_a_replay_of_the_same_log_does(broker, open_shop, expected):
    shop = open_shop(broker, ordered=True)
    shop.worker.start()
    shop.finish(at_least=expected.total)
    assert_nothing_changed(shop, expected)


@pytest.mark.parametrize(
    "points",
    [
        # the second of a pair happens while the worker comes back from the first
        ("ledger_put:15", "ledger_recovery"),
        ("assignment_put:20", "assignment_put:2"),
        ("produced:60", "flushed:2"),
        ("before_seal:2", "resume_scan"),
    ],
    ids=" then ".join,
)
def test_a_crash_at_any_point_changes_nothing(broker, open_shop, expected, points):
    shop = open_shop(broker, ordered=True)
    for point in points:
        assert shop.worker.start(point).ended() == KILLED
    shop.worker.start()
    shop.finish(at_least=expected.total)
    assert_nothing_changed(shop, expected)


def killed_now_and_then(shop, rng, times, total):
    """Kill the worker at random points and, when it passes them by, at random progress."""
    for _ in range(times):
        point = rng.choice(["ledger_put", "produced", "flushed", "before_seal"])
        shop.worker.start(f"{point}:{rng.randint(1, 40)}")
        progress = rng.randint(1, total)
        deadline = time.monotonic() + rng.uniform(2, 6)
        while shop.worker.runs() and time.monotonic() < deadline and shop.written() < progress:
            pass
        assert shop.worker.kill() == KILLED


def test_crashes_at_random_times_change_nothing(broker, open_shop, expected):
    shop = open_shop(broker, ordered=True)
    killed_now_and_then(shop, random.Random(7), 3, expected.total)
    shop.worker.start()
    shop.finish(at_least=expected.total)
    assert_nothing_changed(shop, expected)


@pytest.mark.parametrize("points", [("ledger_put:10", "produced:50"), ("flushed:2", "before_seal:2")])
def test_crashes_in_immediate_mode_leave_every_record_once(broker, open_shop, expected, points):
    shop = open_shop(broker, ordered=False)
    for point in points:
        assert shop.worker.start(point).ended() == KILLED
    killed_now_and_then(shop, random.Random(" ".join(points)), 1, expected.total)
    shop.worker.start()
    shop.finish()
    assert_every_record_once(shop.said())


def test_a_broker_that_dies_and_comes_back_changes_nothing(killable_broker, open_shop, expected):
    shop = open_shop(killable_broker, ordered=True)
    killable_broker.keep()
    worker = shop.worker.start()
    worker.until(lambda: shop.written() > expected.total // 4)
    worker.freeze()  # what is acknowledged from here on would be lost by a broker that saves now and then
    killable_broker.keep()
    broker_pid = killable_broker.pid
    killable_broker.kill()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", killable_broker.port))
    worker.thaw()
    worker.until_gone_or(lambda: "refused" in worker.said())
    killable_broker.start()
    assert killable_broker.pid != broker_pid
    if not worker.runs():
        worker.start()
    shop.finish(at_least=expected.total)
    assert_nothing_changed(shop, expected)


def test_garbage_duplicates_and_late_events_are_all_accounted_for(broker, open_shop, expected):
    shop = open_shop(broker, ordered=True)
    lane = messages(expected.events, PARTITIONS)["log/0001"]
    again = next(each.value for each in reversed(lane) if b'"offer_' not in each.value)
    late = orjson.dumps(expected.events[0] | {"id": "late", "time": stamp(START_S - 2 * 86_400)})
    events = shop.topics["events"]
    wrong = [(events, 1, b"k", value) for value in (b"{", b"\xff", b"[]", b"null")]
    send(shop.bootstrap, [*wrong, (events, 0, b"k", late), (events, 1, b"k", again)])
    shop.worker.start()
    shop.finish(at_least=expected.total + 5)
    said = shop.said()
    rejected = said["rejected"]
    assert len(rejected) == 5
    assert said | {"rejected": []} == expected.said
    total = {}
    of_visitors = (shop.topics["events"], shop.topics["feedback"])
    for part, states in shop.worker.remembered("ingest").items():
        if not part.startswith(of_visitors):
            continue
        for _, state in states:
            judged = msgspec.msgpack.decode(state, type=Judged)
            counts = judged.counts
            assert counts.read == counts.taken + counts.records_rejected
            assert counts.events == counts.processed + counts.duplicate + counts.rejected
            assert counts.read == (judged.next_offset or 0)
        for name in ("read", "duplicate", "late", "rejected"):
            total[name] = total.get(name, 0) + getattr(counts, name)
    assert total == {"read": len(expected.events) + 6, "duplicate": 1, "late": 0, "rejected": 5}
