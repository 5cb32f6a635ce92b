"""The live page of the real worker, used as people use it: with clicks in a browser."""

import os
import re
import signal
import uuid
from pathlib import Path

import orjson
import pytest

from flows.kafka.cluster import Cluster
from flows.kafka.follow import TopicFollower
from flows.kafka.topics import ensure_topics
from tests.broker.driving import until
from tests.broker.test_live import QUICK, carted, send_events
from tests.worker import TEN_PERCENT, Worker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

STREAMS = ("offers", "decisions", "rejected")


class Shop:
    """A worker with its page, what it has written, and visitors who fill carts."""

    def __init__(self, worker):
        self.worker = worker
        self.records = []
        cluster = Cluster(worker.bootstrap)
        ensure_topics(cluster, {worker.topics[each]: 2 for each in STREAMS})
        self._follower = TopicFollower(cluster, [worker.topics[each] for each in STREAMS])

    @property
    def url(self):
        return re.search(r"live page on (\S+)", self.worker.said())[1]

    def of_type(self, type_):
        self.records += self._follower.poll()
        values = [orjson.loads(each.value) for each in self.records]
        return [each for each in values if each["type"] == type_]

    def decided(self, visitor):
        """The decision about a new visitor, once it is made."""
        send_events(self.worker, carted(visitor))

        def found():
            return [each for each in self.of_type("decision") if each["visitor_id"] == visitor]

        self.worker.until(found)
        return found()[0]


@pytest.fixture
def run(broker, tmp_path):
    """Starts workers with a page, and ends them."""
    workers = []

    def start(**more):
        topics = {name: f"{name}-{uuid.uuid4().hex[:8]}" for name in ("events", "feedback", *STREAMS)}
        offers = tmp_path / "offers.toml"
        offers.write_text(TEN_PERCENT)
        settings = QUICK | {"policy": "always:ten", "triggers": "cart_changed", "ui": "127.0.0.1:0", **more}
        worker = Worker(
            broker.bootstrap,
            tmp_path / "state",
            topics,
            offers=offers,
            args=("--from", "earliest"),
            **settings,
        )
        workers.append(worker)
        return Shop(worker.start().started())

    yield start
    for worker in workers:
        worker.__exit__()


def opened(chromium, shop):
    """Open the page, and wait until it has read and is live."""
    chromium.visit(shop.url, 1280, 900)
    chromium.until("document.documentElement.dataset.live === 'yes'")


def test_an_offer_is_paused_by_a_click_and_no_more_of_it_comes_out(run, chromium):
    shop = run()
    assert shop.decided("ann")["arm"] == "ten"
    opened(chromium, shop)
    chromium.until("document.querySelector('#decisions').textContent.includes('ann')")
    chromium.write("#by", "Clara")
    chromium.click("#b-ten")

    chromium.until("document.querySelector('.changes .badge')?.textContent === 'in force'")
    assert "Clara" in chromium.run("document.querySelector('.changes').textContent")
    shop.worker.until(lambda: shop.of_type("control_applied"))
    (applied,) = shop.of_type("control_applied")
    assert (applied["by"], applied["set"]) == ("Clara", {"offers.ten.paused": True})
    shop.worker.until(lambda: shop.of_type("offer.revoked"))
    made = len(shop.of_type("offer.decided"))
    for visitor in ("ben", "cid", "dan"):
        assert shop.decided(visitor)["removed"] == {"ten": "paused"}
    assert len(shop.of_type("offer.decided")) == made

    chromium.until("document.querySelector('#b-ten').textContent.startsWith('Resume')")
    chromium.click("#b-ten")
    shop.worker.until(lambda: len(shop.of_type("control_applied")) == 2)
    assert shop.decided("eve")["arm"] == "ten"
    assert shop.worker.stop() == 0


def test_all_offers_are_stopped_after_a_question_and_a_market_is_rolled_back(run, chromium):
    shop = run()
    assert shop.decided("ann")["arm"] == "ten"
    opened(chromium, shop)
    chromium.write("#by", "Clara")
    chromium.click("#s-shadow")
    chromium.until("document.querySelector('#sure')")
    chromium.click("#sure")
    shop.worker.until(lambda: shop.of_type("control_applied"))
    assert shop.decided("ben")["stage"] == "shadow"

    chromium.until("document.documentElement.dataset.live === 'yes'")
    assert chromium.run("document.querySelector('#by').value") == "Clara"  # it is remembered
    chromium.click("#b-kill")
    chromium.until("document.querySelector('#sure')")
    chromium.click("#sure")
    shop.worker.until(lambda: len(shop.of_type("control_applied")) == 2)
    assert shop.decided("cid")["removed"] == {"ten": "killed"}


def test_a_page_to_read_has_no_buttons_and_refuses_to_act(run, chromium):
    shop = run(ui_access="read")
    shop.decided("ann")
    opened(chromium, shop)
    assert chromium.run("document.querySelectorAll('button').length") == 0
    status = "fetch('/act', {method: 'POST', body: 'do=pause+ten&by=eve'}).then(answer => answer.status)"
    assert chromium.run(status) == 403
    assert shop.decided("ben")["arm"] == "ten"
    assert shop.of_type("control_applied") == []


def test_a_decision_leads_to_why_it_was_taken(run, chromium):
    shop = run()
    decided = shop.decided("ann")
    opened(chromium, shop)
    link = f"#d-{decided['decision_id']}"
    chromium.until(f"document.getElementById({link[1:]!r})")
    chromium.run(f"document.getElementById({link[1:]!r}).click()")
    words = chromium.until(
        "document.querySelector('h1')?.textContent === 'Why this was chosen' && document.body.textContent"
    )
    assert "In words" in words
    assert "ann" in words


def test_a_page_that_dies_costs_the_worker_nothing_and_comes_back(run, chromium):
    shop = run()
    opened(chromium, shop)
    (page,) = children(shop.worker.process.pid)
    os.kill(page, signal.SIGKILL)
    shop.worker.until(lambda: "the live page has ended with status -9" in shop.worker.said())
    assert shop.decided("ann")["arm"] == "ten"
    shop.worker.until(lambda: [each for each in children(shop.worker.process.pid) if each != page])
    chromium.until("document.querySelector('#decisions').textContent.includes('ann')")


def test_the_page_ends_with_a_worker_that_is_killed(run):
    shop = run()
    (page,) = children(shop.worker.process.pid)
    shop.worker.kill()
    until(lambda: not runs(page))


def test_an_address_that_others_reach_needs_tokens(broker, tmp_path):
    topics = {name: f"{name}-{uuid.uuid4().hex[:8]}" for name in ("events", "feedback", *STREAMS)}
    with Worker(broker.bootstrap, tmp_path / "state", topics, ui="0.0.0.0:0") as worker:
        assert worker.start().ended() == 2
        assert "UI_TOKENS must name a file of tokens" in worker.said()


def children(pid):
    """The processes that a process has started and that still run."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sorted({int(each) for thread in threads for each in (thread / "children").read_text().split()})


def runs(pid):
    """Whether a process is there, and is no remains of one."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
