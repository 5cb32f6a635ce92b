"""Laws 2, 3 and 4: a crash changes nothing, live equals replay, nothing is lost. The real worker, over TCP."""

import random
import socket
import time
import uuid

import orjson
import pytest

from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from tests.laws.shopping import OFFERS_TOML, by_stream, decisions_in, log, messages, plain, with_feedback
from tests.worker import TOPICS, Worker, count, read, send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

PARTITIONS = 2
POINTS = ("ledger_put:30", "produced:200", "flushed:3", "before_seal:3", "adoption", "tail_read")
OUTPUTS = ("offers", "decisions", "rejected")


@pytest.fixture(scope="module")
def shopping():
    """A log that ended two hours ago, so that all that can follow from it has followed, and what follows."""
    start_s = float(int(time.time()) - 4 * 3600)
    bare = log(seed=5, visitors=60, start_s=start_s, minutes=50)
    events = with_feedback(bare, decisions_in(plain(messages(bare))))
    return events, by_stream(plain(messages(events)))


class Shop:
    """Topics with the log in them, and a worker over them."""

    def __init__(self, bootstrap, directory, events, *, ordered):
        tail = uuid.uuid4().hex[:8]
        self.bootstrap = bootstrap
        self.topics = {name: f"{name}-{tail}" for name in TOPICS}
        self.cluster = Cluster(bootstrap, group=f"group-{tail}")
        ensure_topics(self.cluster, dict.fromkeys(self.topics.values(), PARTITIONS))
        offers = directory / "offers.toml"
        offers.write_text(OFFERS_TOML)
        self.worker = Worker(
            bootstrap,
            directory / "state",
            self.topics,
            offers=offers,
            args=["--from", "earliest", "--emit-after", "2001-01-01T00:00:00Z", *(["--ordered"] * ordered)],
            cooldown="15m",
            session_gap="6m",
            correction="2h",
            epoch="500ms",
            max_age_on_site="9d",
            max_age_app="9d",
            max_age_email="9d",
        )
        self.fill(events)

    def fill(self, events):
        lanes = messages(events, PARTITIONS)
        records = []
        for part, lane in lanes.items():
            for message in lane:
                kind = orjson.loads(message.value)["type"]
                topic = self.topics["feedback" if kind.startswith("offer_") else "events"]
                records.append((topic, int(part[-4:]), b"k", message.value))
        send(self.bootstrap, records)

    def outputs(self):
        return [self.topics[name] for name in OUTPUTS]

    def written(self):
        return count(self.bootstrap, self.outputs(), PARTITIONS)

    def said(self):
        """Id and bytes of every record, by stream."""
        return {
            name: sorted((id_, value) for id_, value, _ in read(self.bootstrap, self.topics[name], PARTITIONS))
            for name in OUTPUTS
        }


def total(expected):
    return sum(map(len, expected.values()))


def assert_each_id_once(said):
    for records in said.values():
        ids = [id_ for id_, _ in records]
        assert len(ids) == len(set(ids))


def assert_offers_make_sense(said):
    """Every published offer is a decision, and was revoked or expired at most once."""
    decided = {
        value["offer_id"]
        for value in (orjson.loads(raw) for _, raw in said["decisions"])
        if value["type"] == "decision" and value["offer_id"] is not None
    }
    kinds = {}
    for id_, _ in said["offers"]:
        offer, _, kind = id_.rpartition(".")
        kinds.setdefault(offer, set()).add(kind)
    assert kinds.keys() == decided
    assert all("decided" in kinds[offer] and len(kinds[offer]) == 2 for offer in kinds)


def test_live_says_what_a_replay_of_the_same_log_says(broker, tmp_path, shopping):
    events, expected = shopping
    shop = Shop(broker.bootstrap, tmp_path, events, ordered=True)
    shop.worker.start()
    shop.worker.until(lambda: shop.written() >= total(expected))
    assert shop.worker.stop() == 0
    assert shop.said() == expected


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_changes_nothing(broker, tmp_path, shopping, point):
    events, expected = shopping
    shop = Shop(broker.bootstrap, tmp_path, events, ordered=True)
    if point.startswith(("adoption", "tail_read")):
        assert shop.worker.start("ledger_put:40").ended() == -9
    assert shop.worker.start(point).ended() == -9
    shop.worker.start()
    shop.worker.until(lambda: shop.written() >= total(expected))
    assert shop.worker.stop() == 0
    assert shop.said() == expected


@pytest.mark.parametrize("seed", [1, 2])
def test_crashes_at_any_time_leave_every_record_once_in_immediate_mode(broker, tmp_path, shopping, seed):
    events, _ = shopping
    rng = random.Random(seed)
    shop = Shop(broker.bootstrap, tmp_path, events, ordered=False)
    for _ in range(2):
        shop.worker.start(f"{rng.choice(['ledger_put', 'produced', 'flushed'])}:{rng.randint(1, 60)}")
        if rng.random() < 0.5:
            shop.worker.started()
            shop.worker.kill()
        else:
            shop.worker.ended()
    shop.worker.start()
    settled(shop)
    assert shop.worker.stop() == 0
    said = shop.said()
    assert_each_id_once(said)
    assert_offers_make_sense(said)
    outcomes = [value for _, value in said["decisions"] if b'"type":"outcome"' in value]
    assert len(outcomes) > 30


def test_a_broker_that_dies_and_comes_back_changes_nothing(killable_broker, tmp_path, shopping):
    events, expected = shopping
    shop = Shop(killable_broker.bootstrap, tmp_path, events, ordered=True)
    shop.worker.start("before_seal:2").ended()
    killable_broker.keep()
    shop.worker.start().started()
    killable_broker.kill()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", killable_broker.port)):
        pass
    killable_broker.start()
    if shop.worker.process.poll() is not None:
        shop.worker.start()
    shop.worker.until(lambda: shop.written() >= total(expected))
    assert shop.worker.stop() == 0
    assert shop.said() == expected


def test_what_is_read_is_accounted_for_after_garbage_duplicates_and_late_events(broker, tmp_path, shopping):
    events, expected = shopping
    shop = Shop(broker.bootstrap, tmp_path, events, ordered=True)
    late = events[0] | {"id": "late"}
    records = [(shop.topics["events"], 0, b"k", orjson.dumps(late))]
    records += [(shop.topics["events"], 1, b"k", value) for value in (b"{", b"\xff", b"[]", b"null")]
    lane = messages(events, PARTITIONS)["log/0001"]
    again = next(m.value for m in reversed(lane) if b'"product_viewed"' in m.value)
    send(shop.bootstrap, [*records, (shop.topics["events"], 1, b"k", again)])
    shop.worker.start()
    shop.worker.until(lambda: shop.written() >= total(expected) + 5)
    assert shop.worker.stop() == 0
    said = shop.said()
    assert {name: said[name] for name in ("offers", "decisions")} == {
        name: expected[name] for name in ("offers", "decisions")
    }
    assert len(said["rejected"]) == 5


def settled(shop, seconds=60):
    """Wait until every window of the log has ended: as many rewards as decisions with a window."""

    def is_over():
        kinds = {"decision": 0, "reward": 0}
        for _, raw, _ in read(shop.bootstrap, shop.topics["decisions"], PARTITIONS):
            value = orjson.loads(raw)
            if value["type"] == "decision" and value["window_ends_at"] > value["at"]:
                kinds["decision"] += 1
            elif value["type"] == "reward" and value["kind"] == "window":
                kinds["reward"] += 1
        return kinds["decision"] == kinds["reward"] > 30 and shop.written() > 0

    shop.worker.until(is_over, seconds)
