"""The subscriber that the documentation shows knows which offers are open, also across a killed worker."""

import re
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from tests.broker.driving import until
from tests.worker import TEN_PERCENT, TOPICS, Worker, read, send

pytestmark = pytest.mark.broker

PAGE = Path(__file__).parents[2] / "docs/how-to/follow-offers.md"
PARTITIONS = 2
KILLED = -9
FLAT = {"flat_offers": "true"}
QUICK = FLAT | {"idle_after": "1s", "lateness": "1s", "epoch": "300ms", "partitions": PARTITIONS}


def subscriber():
    """The class that the page shows."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}
    exec(code, names)
    return names["OpenOffers"]


@pytest.fixture
def worker(broker, tmp_path):
    topics = {name: f"{name}-{uuid.uuid4().hex[:8]}" for name in (*TOPICS, "offers_flat")}
    ensure_topics(Cluster(broker.bootstrap), dict.fromkeys(topics.values(), PARTITIONS))
    (tmp_path / "offers.toml").write_text(TEN_PERCENT)
    args = ("--from", "earliest", "--set", "policy=always:ten", "--emit-after", "2001-01-01T00:00:00Z")
    with Worker(
        broker.bootstrap, tmp_path / "state", topics, offers=tmp_path / "offers.toml", args=args, **QUICK
    ) as one:
        yield one


def tell(worker, kind, visitors, **more):
    now = datetime.fromtimestamp(time.time(), UTC).isoformat()
    events = [
        {"type": kind, "id": uuid.uuid4().hex, "time": now, "visitor_id": visitor}
        | {
            name: each.replace("NAME", visitor) if isinstance(each, str) else each
            for name, each in more.items()
        }
        for visitor in visitors
    ]
    send(worker.bootstrap, [(worker.topics["events"], 0, b"k", orjson.dumps(each)) for each in events])


def life_of_offers(worker):
    """From all records of the topic: the visitors of the offers made, and of those that have ended."""
    found = [
        orjson.loads(value) for _, value, _ in read(worker.bootstrap, worker.topics["offers"], PARTITIONS)
    ]
    made = {each["data"]["offer_id"]: each["subject"] for each in found if each["type"] == "offer.decided"}
    ended = {each["data"]["offer_id"]: each["subject"] for each in found if each["type"] != "offer.decided"}
    return made, ended


def test_a_subscriber_of_offers_alone_knows_which_are_open_across_a_killed_worker(worker):
    follower = subscriber()(worker.bootstrap, worker.topics["offers"], group=uuid.uuid4().hex)

    def view():
        follower.follow(0.1)
        return {id_: each["visitor_id"] for id_, each in follower.open().items()}

    def truth():
        made, ended = life_of_offers(worker)
        assert ended.keys() <= made.keys()
        return {id_: visitor for id_, visitor in made.items() if id_ not in ended}

    visitors = [f"v{number}" for number in range(8)]
    items = [{"sku": "A", "price": 40.0}]
    tell(worker, "cart_item_added", visitors, items=items)
    assert worker.start(crash_at="produced:22").ended() == KILLED  # in the middle of the first offers
    until(lambda: view() == truth())
    worker.start().until(lambda: len(view()) == len(visitors))
    assert view() == truth()
    tell(worker, "order_completed", visitors[:3], order_id="o-NAME", items=items)
    worker.until(lambda: len(view()) == len(visitors) - 3)
    assert view() == truth()
    assert worker.kill() == KILLED
    worker.start()
    tell(worker, "order_completed", visitors[3:5], order_id="o-NAME", items=items)
    worker.until(lambda: sorted(view().values()) == visitors[5:])
    assert view() == truth()
    assert worker.stop() == 0
    found = [read(worker.bootstrap, worker.topics[name], PARTITIONS) for name in ("offers", "offers_flat")]
    nested, flat = ([(id_, headers["ce_type"]) for id_, _, headers in each] for each in found)
    assert len(flat) == len(visitors) + 5
    by_offer = [sorted(each, key=lambda record: record[0].partition("-")[0]) for each in (nested, flat)]
    assert by_offer[0] == by_offer[1]  # of one offer in the same order
    follower.consumer.close()
