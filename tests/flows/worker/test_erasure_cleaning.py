"""What was erased leaves the files: some epochs later, not too often, and also after a crash."""

import sqlite3
from contextlib import closing

import pytest

from flows.cluster.membership import Member
from flows.stores.bytewax_recovery import make_store
from flows.stores.ledger import RocksLedger
from flows.worker.erasure_cleaning import DUE_FILE, EPOCHS, ErasureCleaning, rewrite_recovery
from tests.erasing import files_with

WHO = "Qx7vK2mZp4Wd9"


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def state(tmp_path):
    make_store(tmp_path / "recovery")
    ledger = RocksLedger(tmp_path / "ledger" / "default")
    for n in range(100):
        ledger.remember(f"other-{n}", 1.0, b"x" * 50)
    ledger.remember(WHO, 1.0, WHO.encode())
    ledger.replace(WHO, None)
    with closing(sqlite3.connect(tmp_path / "recovery" / "part-0.sqlite3")) as store, store:
        row = ("step", WHO, 1, WHO.encode() * 100)
        store.execute(
            "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)", row
        )
    with closing(sqlite3.connect(tmp_path / "recovery" / "part-0.sqlite3")) as store, store:
        store.execute("DELETE FROM snaps")
    yield tmp_path
    ledger.close()


def seals(cleaning, epochs):
    for _ in range(epochs):
        cleaning.sealed()
        if cleaning._thread is not None:
            cleaning._thread.join()


def test_files_are_clean_some_epochs_after_an_erasure(state):
    assert files_with(state, WHO) != []
    with ErasureCleaning(state, 300.0, Clock()) as cleaning:
        cleaning.erased()
        assert (state / DUE_FILE).exists()
        seals(cleaning, EPOCHS - 1)
        assert files_with(state, WHO) != []
        seals(cleaning, 2)
    assert files_with(state, WHO) == []
    assert not (state / DUE_FILE).exists()


def test_it_is_not_done_again_too_soon(state):
    clock = Clock()
    with ErasureCleaning(state, 300.0, clock) as cleaning:
        cleaning.erased()
        seals(cleaning, EPOCHS + 1)
        cleaning.erased()
        seals(cleaning, 3 * EPOCHS)
        assert (state / DUE_FILE).exists()
        clock.now_s = 301.0
        seals(cleaning, 2)
        assert not (state / DUE_FILE).exists()


def test_what_was_erased_lately_keeps_it_due(state):
    clock = Clock()
    with ErasureCleaning(state, 1.0, clock) as cleaning:
        cleaning.erased()
        seals(cleaning, EPOCHS - 1)
        cleaning.erased()
        seals(cleaning, 2)
        assert (state / DUE_FILE).exists()
        clock.now_s = 2.0
        seals(cleaning, EPOCHS + 1)
    assert not (state / DUE_FILE).exists()


def test_a_crash_does_not_lose_what_is_due(state):
    (state / DUE_FILE).touch()
    with ErasureCleaning(state, 300.0, Clock()) as cleaning:
        seals(cleaning, EPOCHS + 1)
    assert files_with(state, WHO) == []


def test_each_of_several_processes_says_for_itself_what_is_due(state):
    members = [Member(n, ("a:1", "b:1")) for n in range(2)]
    (state / f"{DUE_FILE}-7").touch()
    for member in members:
        with ErasureCleaning(state, 300.0, Clock(), member) as cleaning:
            seals(cleaning, EPOCHS + 1)
    assert list(state.glob(f"{DUE_FILE}*")) == []


def test_a_store_that_somebody_writes_is_left_for_later(state, monkeypatch):
    monkeypatch.setattr("flows.worker.erasure_cleaning.BUSY_S", 0.01)
    with closing(sqlite3.connect(state / "recovery" / "part-0.sqlite3", isolation_level=None)) as store:
        store.execute("BEGIN IMMEDIATE")
        assert rewrite_recovery(state / "recovery") is False
    assert rewrite_recovery(state / "recovery") is True
