"""A disk is lost: a backup with what was published since, or the topics alone, and the worker goes on."""

import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from flows.backup.service import EVERY_S
from flows.backup.take import back_up
from flows.worker.state_dir import StateInUseError, locked_state_dir
from tests.laws.test_crash import Expected, assert_every_record_once

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def expected():
    return Expected()


def assert_all_records_once(shop, expected):
    """Each record of the whole log stands once; what a restored worker has learned may differ a little."""
    said = shop.said()
    assert_every_record_once(said)
    for stream, records in expected.said.items():
        assert {id_ for id_, _ in said[stream]} == {id_ for id_, _ in records}


@contextmanager
def eventually_free(state, seconds=10):
    """Hold a state directory once the processes of a supervisor that was killed are gone, too."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with locked_state_dir(state):
                yield
                return
        except StateInUseError:
            assert time.monotonic() < deadline, "the processes outlive their supervisor"
            time.sleep(0.02)


def test_a_backup_under_load_is_put_back_with_what_was_published_since(
    broker, open_shop, expected, tmp_path, capsys
):
    shop = open_shop(broker, ordered=True)
    worker, copy = shop.worker, tmp_path / "copy"
    shop.read_a_part(expected.total // 8)
    with ThreadPoolExecutor() as beside:
        made = beside.submit(back_up, worker.state, copy)
        time.sleep(EVERY_S)  # it looks as soon as it goes on
        worker.thaw()
        worker.until(made.done)
    assert made.result().by == 1
    worker.until(lambda: shop.written() >= expected.total * 3 // 4)
    assert worker.kill() == KILLED
    shutil.rmtree(worker.state)
    if shop.command("restore", str(copy)) != 0:  # 0 where a fast worker had written all before it was copied
        assert "records that the backup does not know" in capsys.readouterr().err
        assert shop.command("restore", str(copy), "--reconcile") == 0
        assert "decisions put into the ledger" in capsys.readouterr().out
    worker.start()
    shop.finish(at_least=expected.total)
    assert_all_records_once(shop, expected)


def test_a_backup_of_two_processes_goes_on_as_one(broker, open_shop, expected, tmp_path):
    shop = open_shop(broker, ordered=True)
    worker, copy, alone = shop.worker, tmp_path / "copy", shop.worker.arguments
    worker.arguments = [*alone, "--processes", "2"]
    worker.start().until(lambda: shop.written() >= expected.total // 8)
    assert back_up(worker.state, copy).by == 2
    assert worker.kill() == KILLED
    with eventually_free(worker.state):
        shutil.rmtree(worker.state)
    assert shop.command("restore", str(copy), "--reconcile") == 0
    worker.arguments = alone
    worker.start()
    shop.finish(at_least=expected.total)
    assert_all_records_once(shop, expected)


def test_a_worker_goes_on_with_what_is_relearned_from_its_topics(broker, open_shop, expected, capsys):
    shop = open_shop(broker, ordered=False)
    worker = shop.worker
    shop.read_a_part(expected.total // 5)
    assert worker.kill() == KILLED
    before = shop.said()
    shutil.rmtree(worker.state)
    assert shop.command("relearn") == 0
    assert "policy after" in capsys.readouterr().out
    assert shop.command("relearn") == 2
    assert "nothing is rebuilt over a state that is there" in capsys.readouterr().err
    worker.start()
    shop.finish()
    after = shop.said()
    for stream, records in before.items():
        known = dict(after[stream])
        assert all(known[id_] == value for id_, value in records)
    for records in after.values():
        ids = [id_ for id_, _ in records]
        assert len(ids) == len(set(ids))
    decided = {id_ for id_, _ in after["decisions"]}
    known = {id_ for id_, _ in before["decisions"]}
    new_offers = {id_ for id_, _ in after["offers"]} - {id_ for id_, _ in before["offers"]}
    new_offers = {id_.removesuffix("-decided") for id_ in new_offers if id_.endswith("-decided")}
    assert new_offers <= decided - known
