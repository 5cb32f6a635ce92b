"""Law 17: who was erased is nowhere, and nothing brings that person back: no crash, no old event."""

import random
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

import orjson
import pytest

from flows.backup.service import EVERY_S
from flows.backup.take import back_up
from flows.cli import main
from flows.worker.erasure_cleaning import DUE_FILE
from tests.erasing import files_with
from tests.laws.running import learned
from tests.laws.shopping import (
    by_stream,
    decisions_in,
    log,
    loop,
    messages,
    plain,
    records_in,
    stamp,
    with_back_office,
    with_feedback,
)

KILLED = -signal.SIGKILL
PERSON, ACCOUNT = "Qx7vK2mZp4Wd9", "Rj3nT8yBc6Lh5"


def at(event):
    return datetime.fromisoformat(event["time"]).timestamp()


def renamed(events, visitor, account):
    """The log in which one visitor and the account have names that stand nowhere else."""
    names = {visitor: PERSON, account: ACCOUNT}
    out = []
    for event in events:
        changed = {
            name: names.get(event[name], event[name]) for name in ("visitor_id", "user_id") if name in event
        }
        if event["id"].startswith(f"{visitor}-"):
            changed["id"] = event["id"].replace(visitor, "somebody")
        if "order_id" in event:
            changed["order_id"] = event["order_id"].replace(f"o-{visitor}-", "o-somebody-")
        out.append(event | changed)
    return out


def with_erasure(events, **who):
    """The log with an erasure in the middle of what the person does, and with old events told again later."""
    mine = [event for event in events if event.get("visitor_id") == PERSON or event.get("user_id") == ACCOUNT]
    carted = [event for event in mine if event["type"] == "cart_item_added"]
    middle = carted[len(carted) // 2]
    erased_s = at(middle) + 0.001
    erasure = {"type": "visitor_erased", "id": "forget-me", "time": stamp(erased_s), **who}
    is_over = lambda event: at(event) > erased_s and event in mine  # noqa: E731
    before = [event for event in events if not is_over(event)]
    again = [event | {"id": f"again-{n}"} for n, event in enumerate(mine) if at(event) < erased_s]
    return sorted([*before, erasure], key=lambda event: (event["time"], event["id"])) + again


def story(start_s, **who):
    bare = with_back_office(log(seed=5, visitors=100, start_s=start_s, minutes=50))
    account, visitor = next(
        (event["user_id"], event["visitor_id"])
        for event in bare
        if event.get("user_id") and event.get("visitor_id") and event["type"] == "order_completed"
    )
    bare = renamed(bare, visitor, account)
    told = with_feedback(bare, decisions_in(plain(messages(bare))))
    return with_erasure(told, **who)


class Expected:
    def __init__(self):
        self.events = story(float(int(time.time()) - 4 * 3600), visitor_id=PERSON, user_id=ACCOUNT)
        said, page = loop(messages(self.events))
        self.records = said
        self.said = by_stream(said)
        self.total = len(said)
        self.carts = [decision["features"] for decision in decisions_in(said)[:20]]
        self.learned = {name: learned(market, self.carts) for name, market in page.markets.items()}


@pytest.fixture(scope="module")
def expected():
    return Expected()


def test_the_story_has_something_to_erase(expected):
    erased = records_in(expected.records, "erasure")
    assert {each["user_id"] for each in erased} == {ACCOUNT}
    assert any(len(each["visitor_ids"]) > 1 for each in erased)
    assert any(each["cut_short"] for each in erased)
    assert sum(each["cut_short"] for each in records_in(expected.records, "reward")) == sum(
        each["cut_short"] for each in erased
    )


def test_nothing_is_said_of_the_person_afterwards(expected):
    erased_at = min(each["at"] for each in records_in(expected.records, "erasure"))
    later = [
        each
        for each in expected.records
        if PERSON.encode() in each.value and orjson.loads(each.value).get("at", "") > erased_at
    ]
    assert later == []


@pytest.fixture
def open_shop(open_shop):
    return partial(open_shop, erasure_cleaning="1ms")


def finish(shop, at_least=0):
    """Let the worker say everything and clean up after the erasure."""
    worker = shop.worker.started()
    worker.until(worker.is_caught_up)
    worker.until(lambda: shop.written() >= at_least, 30)
    worker.until(lambda: not (worker.state / DUE_FILE).exists(), 30)
    metrics = worker.metrics()
    assert worker.stop() == 0
    said = metrics + worker.log.read_text()
    assert not [id_ for id_ in (PERSON, ACCOUNT, '"v7', "visitor_id") if id_ in said]


def assert_forgotten(shop):
    assert files_with(shop.worker.state, PERSON, ACCOUNT) == []


@pytest.mark.broker
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "points",
    [
        (),
        ("entry_rewritten", "row_replaced"),
        ("row_replaced:2", "rows_written:50"),
        ("ledger_put:25", "ledger_recovery"),
    ],
    ids=" then ".join,
)
def test_an_erased_person_is_in_no_file_whenever_the_worker_dies(broker, open_shop, expected, points):
    shop = open_shop(broker, ordered=True)
    for point in points:
        assert shop.worker.start(point).ended() == KILLED
    shop.worker.start()
    finish(shop, at_least=expected.total)
    assert shop.said() == expected.said
    assert shop.learned(expected.carts) == expected.learned
    assert_forgotten(shop)


@pytest.mark.broker
@pytest.mark.timeout(300)
def test_crashes_at_random_times_bring_nobody_back(broker, open_shop, expected):
    shop, rng = open_shop(broker, ordered=True), random.Random(11)
    for _ in range(4):
        shop.worker.start()
        progress = rng.randint(1, expected.total)
        shop.worker.until_gone_or(lambda wanted=progress: shop.written() >= wanted, 60)
        assert shop.worker.kill() == KILLED
    shop.worker.start()
    finish(shop, at_least=expected.total)
    assert shop.said() == expected.said
    assert_forgotten(shop)


@pytest.mark.broker
@pytest.mark.timeout(300)
def test_as_things_come_an_erased_person_is_gone_too(broker, open_shop):
    shop = open_shop(broker, ordered=False)
    shop.worker.start()
    finish(shop)
    assert_forgotten(shop)


@pytest.mark.broker
@pytest.mark.timeout(300)
def test_a_backup_from_before_the_erasure_brings_nobody_back(broker, open_shop, expected, tmp_path, capsys):
    shop, copy = open_shop(broker, ordered=True), tmp_path / "copy"
    worker = shop.worker
    shop.read_a_part(expected.total // 6)
    with ThreadPoolExecutor() as beside:
        made = beside.submit(back_up, worker.state, copy)
        time.sleep(EVERY_S)
        worker.thaw()
        worker.until(made.done)
    made.result()
    finish(shop, at_least=expected.total)
    looked_for = ("visitor", ACCOUNT, "--everywhere", *worker.settings)
    assert main(list(looked_for)) == 0
    assert capsys.readouterr().out == f"nowhere in {worker.state}\n"
    assert main([*looked_for, "--backup", str(copy)]) == 1
    assert str(copy) in capsys.readouterr().out
    assert main([*looked_for, "--bootstrap", shop.bootstrap]) == 1
    assert f"{shop.topics['events']}: records (" in capsys.readouterr().out
    shutil.rmtree(worker.state)
    assert shop.command("restore", str(copy), "--reconcile") == 0
    assert files_with(worker.state, PERSON, ACCOUNT) != []
    worker.start()
    worker.started().until((worker.state / DUE_FILE).exists, 60)
    finish(shop, at_least=expected.total)
    assert shop.said() == expected.said
    assert_forgotten(shop)


@pytest.mark.broker
@pytest.mark.timeout(300)
def test_what_is_relearned_from_topics_knows_nobody_who_was_erased(broker, open_shop):
    shop = open_shop(broker, ordered=False)
    shop.worker.start()
    finish(shop)
    before = shop.said()
    shutil.rmtree(shop.worker.state)
    assert shop.command("relearn", "--read-from", "latest") == 0
    assert files_with(shop.worker.state / "relearned", PERSON, ACCOUNT) == []
    shop.worker.start()
    shop.worker.started().until((shop.worker.state / DUE_FILE).exists, 60)
    finish(shop)
    assert shop.said() == before
    assert_forgotten(shop)
