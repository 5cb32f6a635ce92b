"""A copy of a state directory: made beside its owner, checked, refused in words where it is of no use."""

import fcntl
import pickle
import sqlite3
from contextlib import closing, suppress

import msgspec
import pytest
from rocksdict import DbClosedError

from flows.backup import request as asked
from flows.backup.copy_of_state import MANIFEST, check_copy, plain
from flows.backup.request import Answer, Request
from flows.backup.seal_gate import SealGate
from flows.backup.service import BackupService
from flows.backup.take import back_up
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.ledger import RocksLedger
from flows.worker.state_dir import STATE_FORMAT, FirstStart, locked_state_dir, write_first_start
from operators.decisions.decision_machine import MarketConfig
from operators.decisions.market import MarketStation
from schemas.errors import DataError, SetupError
from tests.builders import market_settings, shop


@pytest.fixture
def state(tmp_path):
    """A state directory with one market, whose first epoch is sealed, and its station."""
    directory = tmp_path / "state"
    recovery_config(directory / "recovery")
    write_first_start(
        directory,
        FirstStart(
            format=STATE_FORMAT, started_at_s=1.0, shards=64, markets=("default",), sources={}, sinks={}
        ),
    )
    return directory


@pytest.fixture
def station(state):
    ledger = RocksLedger(state / "ledger" / "default")
    yield MarketStation(MarketConfig(shop(), "default", ledger), market_settings())
    with suppress(DbClosedError):
        ledger.close()


def seals(state, station, epoch):
    """An epoch is sealed: the station is asked for its snapshot, and the store is written."""
    row = ("offerstream.markets", "default", epoch, pickle.dumps(station.snapshot()))
    with closing(sqlite3.connect(state / "recovery" / "part-0.sqlite3")) as store, store:
        store.execute("INSERT OR REPLACE INTO exs (ex_num, worker_count, resume_epoch) VALUES (0, 1, 1)")
        store.execute(
            "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)", row
        )
        store.execute(
            "INSERT OR REPLACE INTO fronts (ex_num, worker_index, worker_frontier) VALUES (0, 0, ?)",
            (epoch + 1,),
        )


def test_without_a_worker_the_command_copies_by_itself(state, station, tmp_path):
    seals(state, station, 1)
    station.decisions._ledger.close()
    done = back_up(state, tmp_path / "copy")
    assert (done.by, done.epoch) == (0, 2)
    manifest = check_copy(tmp_path / "copy")
    assert (manifest.epoch, manifest.state_format) == (2, STATE_FORMAT)
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    ledger = RocksLedger(tmp_path / "copy" / "ledger" / "default")
    assert ledger.rows.number() == station.decisions._rows._number - 1
    ledger.close()


def test_a_worker_copies_what_it_has_open_while_seals_wait(state, station, tmp_path):
    seals(state, station, 1)
    gate = SealGate()
    with locked_state_dir(state), BackupService(state, gate, every_s=0.01):
        done = back_up(state, tmp_path / "copy")
        gate.wait()
    assert done.by == 1
    assert done.linked > 0
    check_copy(tmp_path / "copy")
    assert not list(state.glob("backup-answer-*")) + list(state.glob(asked.REQUEST_FILE))


def test_a_process_that_hangs_is_told_apart_from_a_copy(state, tmp_path):
    with locked_state_dir(state), pytest.raises(SetupError, match="no worker has answered within 0 s"):
        back_up(state, tmp_path / "copy", wait_s=0.05)
    assert not (tmp_path / "copy" / MANIFEST).exists()


def test_all_processes_of_a_worker_must_answer(state, tmp_path):
    words = "of 2 processes of the worker, 1 did not answer"
    service = BackupService(state, SealGate(), 0, 2, every_s=0.01)
    with locked_state_dir(state), service, pytest.raises(SetupError, match=words):
        back_up(state, tmp_path / "copy", wait_s=0.3)


@pytest.mark.usefixtures("station")
def test_seals_wait_from_the_request_until_the_databases_are_copied(state, tmp_path):
    gate = SealGate()
    service = BackupService(state, gate)
    asked.ask(state, Request("one", "hold", str(tmp_path)))
    service.look()
    assert not gate._is_open.is_set()
    assert asked.read_answers(state, "one") == {0: Answer("one", "held", 0, 1)}
    asked.ask(state, Request("one", "copy", str(tmp_path)))
    service.look()
    assert gate._is_open.is_set()
    assert asked.read_answers(state, "one")[0].copied == ("ledger/default",)


@pytest.mark.parametrize("gone", [True, False])
def test_seals_do_not_wait_for_somebody_who_is_gone(state, tmp_path, monkeypatch, gone):
    gate = SealGate()
    service = BackupService(state, gate)
    asked.ask(state, Request("one", "hold", str(tmp_path)))
    service.look()
    if gone:
        asked.forget(state)
    else:
        monkeypatch.setattr("flows.backup.service.time.monotonic", lambda: 1e12)
    service.look()
    assert gate._is_open.is_set()
    assert gone or "seals have waited" in asked.read_answers(state, "one")[0].words


@pytest.mark.usefixtures("station")
def test_a_copy_that_fails_lets_the_worker_go_on_and_says_why(state, tmp_path):
    gate = SealGate()
    (tmp_path / "file").touch()
    service = BackupService(state, gate)
    for phase in ("hold", "copy"):
        asked.ask(state, Request("one", phase, str(tmp_path / "file")))
        service.look()
    assert gate._is_open.is_set()
    assert asked.read_answers(state, "one")[0].did == "failed"


def test_two_backups_at_once_are_refused(state, tmp_path):
    with (state / asked.LOCK_FILE).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SetupError, match=r"another backup of .* is being made"):
            back_up(state, tmp_path / "copy")


def test_what_is_no_state_or_not_empty_is_refused(state, tmp_path):
    with pytest.raises(SetupError, match="--state must be a directory that the worker wrote"):
        back_up(tmp_path / "nothing", tmp_path / "copy")
    with pytest.raises(SetupError, match=r"DIR must be new or empty; got .*: files in it"):
        back_up(state, state)


@pytest.fixture
def copy(state, station, tmp_path):
    seals(state, station, 1)
    station.decisions._ledger.close()
    back_up(state, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_copy_that_is_not_complete_is_refused(copy):
    next((copy / "recovery").glob("*.sqlite3")).unlink()
    with pytest.raises(DataError, match=r"\.sqlite3 must have .* bytes; got no such file"):
        check_copy(copy)
    (copy / MANIFEST).unlink()
    with pytest.raises(DataError, match="`offerstream backup` wrote to its end"):
        check_copy(copy)


def test_a_copy_of_another_format_is_refused_with_what_to_do(copy):
    manifest = msgspec.json.decode((copy / MANIFEST).read_bytes())
    (copy / MANIFEST).write_bytes(msgspec.json.encode(manifest | {"state_format": 6}))
    with pytest.raises(DataError, match=r"has state format 6, .* rebuild a state with `offerstream relearn`"):
        check_copy(copy)
    (copy / MANIFEST).write_bytes(msgspec.json.encode(manifest | {"format": 2}))
    with pytest.raises(DataError, match="has backup format 2, this version reads 1"):
        check_copy(copy)
    (copy / MANIFEST).write_bytes(b"{}")
    with pytest.raises(DataError, match="must be what `offerstream backup` wrote; got"):
        check_copy(copy)


def test_rows_of_another_time_do_not_belong_to_a_copy(copy):
    ledger = RocksLedger(copy / "ledger" / "default")
    ledger.rows.write(99, {})
    ledger.close()
    manifest = msgspec.json.decode((copy / MANIFEST).read_bytes())
    (copy / MANIFEST).write_bytes(msgspec.json.encode(manifest | {"files": {}}))
    with pytest.raises(DataError, match="are those of snapshot 99, not of 1"):
        check_copy(copy)


def test_a_copy_whose_snapshots_hold_code_is_refused():
    assert plain(pickle.dumps((1, "a", b"b"))) == (1, "a", b"b")
    with pytest.raises(DataError, match="a snapshot must hold plain values only; got: "):
        plain(pickle.dumps(SetupError("x")))
