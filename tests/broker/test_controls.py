"""Controls of a live worker: in force within seconds, after a crash, and with a lost state directory."""

import re
import shutil
import time
import uuid

import orjson
import pytest

from flows.cli import main
from flows.kafka.cluster import Cluster
from flows.kafka.follow import TopicFollower
from flows.kafka.topics import ensure_topics
from tests.broker.test_live import QUICK, carted, send_events
from tests.worker import TEN_PERCENT, Worker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

STREAMS = ("offers", "decisions", "rejected")


class Shop:
    """A worker, what it has written so far, and the command line."""

    def __init__(self, worker, capfd):
        self.worker = worker
        self.records = []
        self._capfd = capfd
        cluster = Cluster(worker.bootstrap)
        ensure_topics(cluster, {worker.topics[each]: 2 for each in STREAMS})
        self._follower = TopicFollower(cluster, [worker.topics[each] for each in STREAMS])

    def of_type(self, type_):
        """The records of a type that were written so far."""
        self.records += self._follower.poll()
        values = [
            orjson.loads(each.value) for each in self.records if each.topic != self.worker.topics["rejected"]
        ]
        return [each for each in values if each["type"] == type_]

    def rejected(self):
        self.of_type("")
        return [dict(each.headers) for each in self.records if each.topic == self.worker.topics["rejected"]]

    def decided(self, visitor):
        """The decision about a new visitor, once it is made."""
        send_events(self.worker, carted(visitor))

        def found():
            return [each for each in self.of_type("decision") if each["visitor_id"] == visitor]

        self.worker.until(found)
        return found()[0]

    def control(self, *words, by=True, code=0):
        """Run the command as a marketer does."""
        worker = self.worker
        given = ["--bootstrap", worker.bootstrap, "--offers", str(worker.state.parent / "offers.toml")]
        given += ["--set", f"topics=controls={worker.topics['controls']}", *(["--by", "ann"] if by else [])]
        assert main(["control", *words, *given]) == code
        said = self._capfd.readouterr()
        return said.out if code == 0 else said.err


@pytest.fixture
def shop(broker, tmp_path, capfd):
    tail = uuid.uuid4().hex[:8]
    topics = {name: f"{name}-{tail}" for name in ("events", "feedback", *STREAMS)}
    offers = tmp_path / "offers.toml"
    offers.write_text(TEN_PERCENT)
    args = ("--from", "earliest")
    settings = QUICK | {"policy": "always:ten", "triggers": "cart_changed"}
    with Worker(broker.bootstrap, tmp_path / "state", topics, offers=offers, args=args, **settings) as worker:
        yield Shop(worker.start().started(), capfd)


def test_a_pause_is_in_force_at_once_and_after_a_crash_and_with_a_lost_state(shop):
    worker = shop.worker
    assert shop.decided("ann")["eligible"] == ["no_offer", "ten"]

    assert shop.control("pause", "ten").endswith("Version 1 is in force.\n")
    sent = time.monotonic()
    worker.until(lambda: shop.of_type("control_applied"))
    assert time.monotonic() - sent < 5  # two seconds are promised; a busy machine gets some more
    worker.until(lambda: shop.of_type("offer.revoked"))
    ben = shop.decided("ben")
    assert (ben["removed"], ben["controls_version"]) == ({"ten": "paused"}, 1)

    worker.kill()
    worker.start().started()
    cid = shop.decided("cid")
    assert (cid["removed"], cid["controls_version"]) == ({"ten": "paused"}, 1)

    worker.kill()
    shutil.rmtree(worker.state)
    worker.start().started()
    dan = shop.decided("dan")
    assert (dan["removed"], dan["controls_version"]) == ({"ten": "paused"}, 1)
    assert len(shop.of_type("control_applied")) == 1  # what was so before a first start is not told as new
    assert worker.stop() == 0


def test_an_invalid_change_is_rejected_with_its_reason_and_the_last_valid_one_stays(shop):
    assert "markets.default.holdout must be" in shop.control("set", "markets.default.holdout", "2", code=2)
    shop.control("pause", "ten")
    change = {"type": "change", "id": "x", "by": "eve", "at": "2026-11-30T12:00:00Z"}
    value = orjson.dumps(change | {"set": {"markets.default.holdout": 2}})
    send_events(shop.worker, value, topic="controls", key=b"change/x")
    shop.worker.until(shop.rejected)
    (headers,) = shop.rejected()
    assert headers["offerstream.class"] == b"control"
    assert headers["offerstream.reason"].startswith(
        b"markets.default.holdout must be less than or equal to 1"
    )
    assert shop.decided("ann")["controls_version"] == 1
    assert re.search(r"eve +refused: markets\.default\.holdout", shop.control("history", by=False))
    assert shop.worker.stop() == 0


def test_controls_in_several_partitions_have_no_order_and_are_refused(shop):
    shop.worker.kill()
    topic = f"controls-{uuid.uuid4().hex[:8]}"
    ensure_topics(Cluster(shop.worker.bootstrap), {topic: 2})
    shop.worker.topics["controls"] = topic
    assert "must have 1 partition, so that its records have one order; it has 2" in shop.control(
        "kill", code=2
    )
