"""The ledger remembers every decision, on disk as in memory."""

import os
import signal
import subprocess
import sys

import pytest

from flows.stores.hot_rows import HotRows
from flows.stores.ledger import Ledgers, RocksLedger, read_decisions
from flows.stores.memory_ledger import MemoryLedger


@pytest.fixture(params=["memory", "rocks"])
def ledger(request, tmp_path):
    made = MemoryLedger() if request.param == "memory" else RocksLedger(tmp_path)
    yield made
    made.close()


def decide(ledger, *seqs, visitor="ada", names=None):
    names = (f"visitor:{visitor}",) if names is None else names
    for seq in seqs:
        ledger.put(seq, f"d{seq}", names, 1000.0 + seq, b"entry %d" % seq)


def test_a_decision_is_found_by_its_id(ledger):
    decide(ledger, 0, 1)
    assert ledger.get("d1") == b"entry 1"
    assert ledger.get("d2") is None
    assert ledger.get("d") is None


def test_entries_after_a_number_come_oldest_first(ledger):
    decide(ledger, *range(1, 301))
    assert list(ledger.after(297)) == [b"entry 298", b"entry 299", b"entry 300"]
    assert len(list(ledger.after(-1))) == 300
    assert list(ledger.after(300)) == []


def test_the_decisions_of_a_name_come_newest_first(ledger):
    decide(ledger, 1, 300)
    decide(ledger, 301, visitor="ad")
    decide(ledger, 302, visitor="ada\0")
    decide(ledger, 303, visitor="")
    assert list(ledger.named("visitor:ada")) == [b"entry 300", b"entry 1"]
    assert list(ledger.named("visitor:")) == [b"entry 303"]
    assert list(ledger.named("visitor:bob")) == []


def test_a_decision_is_found_by_each_of_its_names_until_it_is_forgotten(ledger):
    names = ("visitor:ada", "cart:c" + "é" * 400, "user:u")
    decide(ledger, 1, names=names)
    decide(ledger, 2, names=names[1:])
    assert [list(ledger.named(name)) for name in names] == [
        [b"entry 1"],
        [b"entry 2", b"entry 1"],
        [b"entry 2", b"entry 1"],
    ]
    ledger.forget(5000.0)
    assert [list(ledger.named(name)) for name in names] == [[], [], []]


def test_an_entry_never_replaces_another(ledger):
    decide(ledger, 1, 2)
    for seq in (1, 2):
        with pytest.raises(ValueError, match=f"seq must be greater than 2, .*; got {seq}"):
            decide(ledger, seq)


def test_what_is_old_is_forgotten_everywhere(ledger):
    decide(ledger, *range(1, 11))
    assert ledger.forget(1006.0) == 5
    assert ledger.forget(1006.0) == 0
    assert ledger.get("d5") is None
    assert ledger.get("d6") == b"entry 6"
    assert len(list(ledger.named("visitor:ada"))) == len(list(ledger.after(0))) == 5
    assert ledger.forget(float("-inf")) == 0
    assert ledger.forget(float("inf")) == 5
    assert list(ledger.after(0)) == list(ledger.named("visitor:ada")) == []


def test_an_old_entry_that_comes_late_is_forgotten_too(ledger):
    decide(ledger, 1)
    ledger.forget(5000.0)
    decide(ledger, 2)
    assert ledger.forget(5000.0) == 1
    assert ledger.get("d2") is None


def test_forgetting_on_disk_is_bounded_a_call_and_leaves_nothing(tmp_path):
    ledger = RocksLedger(tmp_path)
    decide(ledger, *range(2500))
    assert [ledger.forget(1e9) for _ in range(4)] == [1000, 1000, 500, 0]
    assert list(ledger._database.keys()) == []
    ledger.close()


def test_a_ledger_opened_again_goes_on_after_its_last_entry(tmp_path):
    ledger = RocksLedger(tmp_path, sync=True)
    decide(ledger, 1, 2)
    ledger.close()
    again = RocksLedger(tmp_path)
    assert list(again.after(0)) == [b"entry 1", b"entry 2"]
    with pytest.raises(ValueError, match="greater than 2"):
        decide(again, 2)
    decide(again, 3)
    again.close()


def test_markets_do_not_see_each_other(tmp_path):
    for ledgers in (Ledgers(), Ledgers(tmp_path)):
        decide(ledgers.of("de"), 1)
        assert ledgers.of("fr").get("d1") is None
        assert ledgers.of("de").get("d1") == b"entry 1"
        ledgers.close()


def test_decisions_are_read_while_the_worker_has_them_open(tmp_path):
    ledgers = Ledgers(tmp_path)
    decide(ledgers.of("de"), 1)
    assert read_decisions(tmp_path, "de", "ada") == [b"entry 1"]
    decide(ledgers.of("de"), 2)
    ledgers.of("de")._database.flush()
    decide(ledgers.of("de"), 3)
    assert read_decisions(tmp_path, "de", "ada") == [b"entry 3", b"entry 2", b"entry 1"]
    assert read_decisions(tmp_path, "fr", "ada") == []
    ledgers.close()


DECIDER = """
import sys
from pathlib import Path
from flows.stores.ledger import RocksLedger
ledger = RocksLedger(Path(sys.argv[1]))
for seq in range(10**9):
    ledger.put(seq, f"d{seq}", ("visitor:ada",), 1000.0 + seq, b"x" * 200)
    print(seq, flush=True)
"""


def test_every_decision_taken_survives_kill_9(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", DECIDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        for _ in range(500):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        taken = 500 + len([line for line in child.stdout.read().split("\n") if line])
    ledger = RocksLedger(tmp_path)
    kept = len(list(ledger.after(-1)))
    # The one decision more is a put whose print the kill cut off.
    assert kept in (taken, taken + 1)
    assert len(list(ledger.named("visitor:ada"))) == kept
    assert all(ledger.get(f"d{seq}") for seq in range(kept))
    ledger.close()


# Assignments beside the decisions


def test_what_is_remembered_of_an_identity_is_what_was_written_last(ledger):
    assert ledger.recall("user:u-5") is None
    ledger.remember("user:u-5", 1000.0, b"one")
    ledger.remember("user:u-5", 2000.0, b"two")
    ledger.remember("user:u", 2000.0, b"other")
    assert [ledger.recall(who) for who in ("user:u-5", "user:u", "user:u-50")] == [b"two", b"other", None]


def test_identities_are_forgotten_by_when_they_were_last_written_of(ledger):
    for number in range(10):
        ledger.remember(f"visitor:{number}", 1000.0 + number, b"x")
    ledger.remember("visitor:0", 2000.0, b"again")
    decide(ledger, 1)
    assert ledger.forget_identities(1005.0) == 4
    assert ledger.forget_identities(1005.0) == 0
    assert [number for number in range(10) if ledger.recall(f"visitor:{number}")] == [0, 5, 6, 7, 8, 9]
    ledger.remember("visitor:late", 1.0, b"x")
    assert ledger.forget_identities(1005.0) == 1
    assert ledger.forget_identities(float("inf")) == 6
    assert ledger.recall("visitor:0") is None
    assert ledger.get("d1") == b"entry 1"


def test_forgetting_identities_on_disk_is_bounded_a_call_and_leaves_nothing(tmp_path):
    ledger = RocksLedger(tmp_path)
    for number in range(2500):
        ledger.remember(f"visitor:{number % 2000}", 1000.0 + number, b"x")
    assert [ledger.forget_identities(1e9) for _ in range(4)] == [500, 1000, 500, 0]
    assert list(ledger._database.keys()) == []
    ledger.close()


def test_assignments_are_there_when_a_ledger_is_opened_again(tmp_path):
    ledger = RocksLedger(tmp_path)
    ledger.remember("visitor:v", 1000.0, b"known")
    ledger.close()
    again = RocksLedger(tmp_path)
    assert again.recall("visitor:v") == b"known"
    again.close()


def test_what_is_remembered_with_an_entry_is_known_at_once_and_written_with_it(ledger):
    ledger.remember_with_entry("visitor:v", 1000.0, b"known")
    assert ledger.recall("visitor:v") == b"known"
    decide(ledger, 1)
    ledger.remember("visitor:v", 2000.0, b"later")
    decide(ledger, 2)
    assert ledger.recall("visitor:v") == b"later"


def test_what_is_remembered_with_an_entry_is_lost_with_it(tmp_path):
    ledger = RocksLedger(tmp_path)
    for seq, visitor in enumerate(("visitor:v", "visitor:w")):
        ledger.remember_with_entry(visitor, 1000.0, b"known")
        if seq == 0:
            decide(ledger, seq)
    ledger.close()
    again = RocksLedger(tmp_path)
    assert [again.recall(visitor) for visitor in ("visitor:v", "visitor:w")] == [b"known", None]
    assert again.forget_identities(1001.0) == 1
    again.close()


def test_what_is_kept_in_memory_of_identities_is_bounded_and_changes_nothing(tmp_path):
    ledger = RocksLedger(tmp_path)
    ledger._hot = HotRows(ledger._read, limit=4)
    for number in range(10):
        assert ledger.recall(f"visitor:{number}") is None
        ledger.remember(f"visitor:{number}", 1000.0 + number, b"%d" % number)
    assert len(ledger._hot) + len(ledger._hot._older) == 4
    assert [ledger.recall(f"visitor:{number}") for number in range(10)] == [b"%d" % n for n in range(10)]
    ledger.close()
