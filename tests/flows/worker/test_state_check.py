"""A damaged state directory is told by the part that is damaged, by a command and at start."""

import sqlite3
from contextlib import closing

import msgspec
import pytest

from flows.cli import main
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.ledger import RocksLedger
from flows.worker.noted_databases import check_noted, noted_databases
from flows.worker.state_dir import START_FILE
from schemas.errors import StateError
from tests.flows.worker.test_state_dir import first_start


@pytest.fixture
def state(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    (state / START_FILE).write_bytes(msgspec.json.encode(first_start(sources={"events/0000": 0})))
    recovery_config(state / "recovery", partitions=4)
    for part in sorted((state / "recovery").iterdir()):
        with closing(sqlite3.connect(part)) as store, store:
            store.executemany(
                "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)",
                [("step", f"{n}", 1, b"x" * 400) for n in range(50)],
            )
    with noted_databases(state):
        ledger = RocksLedger(state / "ledger" / "de")
        for seq in range(200):
            ledger.put(seq, f"d{seq}", ("visitor",), float(seq), bytes(range(256)) * 8)
        ledger._database.flush()
        ledger.close()
    return state


def checked(state, capfd):
    code = main(["state", "check", "--state", str(state)])
    said = capfd.readouterr()
    return code, said.out.splitlines(), said.err


def test_a_sound_state_is_read_and_found_so(state, capfd):
    code, lines, said = checked(state, capfd)
    assert (code, said) == (0, "")
    assert lines[0] == "ok      start.json: state format 1, 1 partitions"
    assert lines[1] == "ok      recovery/part-0.sqlite3: 50 snapshots"
    assert lines[-1] == "ok      ledger/de: 801 keys"


def damage(path, how):
    if how == "deleted":
        path.unlink()
        return
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    if how == "cut":
        del data[middle:]
    else:
        data[middle : middle + 64] = bytes(byte ^ 0xFF for byte in data[middle : middle + 64])
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("part", "how"),
    [
        *(("ledger/de/*.sst", how) for how in ("deleted", "cut", "flipped")),
        *(("ledger/de/MANIFEST*", how) for how in ("deleted", "flipped")),
        *(("recovery/part-3*", how) for how in ("deleted", "cut", "flipped")),
    ],
)
def test_the_part_that_is_damaged_is_named_with_what_to_do(state, capfd, part, how):
    if (part, how) == ("recovery/part-3*", "flipped"):
        (path,) = state.glob(part)
        path.write_bytes(b"\xff" * 100 + path.read_bytes()[100:])
    else:
        damage(next(state.glob(part)), how)
    code, lines, said = checked(state, capfd)
    assert code == 74
    assert any(line.startswith(f"DAMAGED {part.rpartition('/')[0]}") for line in lines)
    assert said.startswith(f"offerstream state: the state directory {state} is damaged: ")
    assert "from a backup, or start with a new one" in said


def test_what_is_no_state_directory_is_said(tmp_path, capfd):
    code, lines, _ = checked(tmp_path, capfd)
    assert code == 74
    assert lines[0] == f"DAMAGED start.json: {tmp_path} holds no state of a worker"
    assert lines[1] == "DAMAGED recovery: there are no snapshots: the whole of it is gone"


def test_a_database_that_is_gone_is_missed_at_start(state):
    check_noted(state)
    for path in (state / "ledger" / "de").iterdir():
        path.unlink()
    with pytest.raises(
        StateError, match="is damaged: ledger/de is gone; bring the directory back as a whole"
    ):
        check_noted(state)


def test_a_ledger_does_not_end_early_where_it_is_damaged(state):
    damage(next(state.glob("ledger/de/*.sst")), "flipped")
    ledger = RocksLedger(state / "ledger" / "de")
    with pytest.raises(Exception, match="Corruption: block checksum mismatch"):
        list(ledger.after(0))
    ledger.close()


def test_a_log_of_writes_that_is_damaged_in_the_middle_is_refused(tmp_path):
    ledger = RocksLedger(tmp_path / "de")
    for seq in range(50):
        ledger.put(seq, f"d{seq}", (), float(seq), bytes(1000))
    log = max((tmp_path / "de").glob("*.log"), key=lambda path: path.stat().st_size)
    copied = log.read_bytes()
    ledger.close()
    for path in (tmp_path / "de").glob("*.sst"):
        path.unlink()
    broken = bytearray(copied)
    broken[len(broken) // 2] ^= 0xFF
    log.write_bytes(broken)
    with pytest.raises(Exception, match="Corruption"):
        RocksLedger(tmp_path / "de")
