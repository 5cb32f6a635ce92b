"""The dry run in words, from a ledger on disk that its worker has open."""

from datetime import timedelta

import pytest

from flows.controls.dry_run import dry_run_lines
from flows.stores.ledger import RocksLedger
from operators.controls.in_force import controlled
from schemas.errors import SetupError
from schemas.shop import Shop
from tests.builders import Desk
from tests.operators.decisions.test_dry_run import FILE

BEFORE = Shop.model_validate(FILE)
DAY = timedelta(hours=24)


def after(settings):
    return controlled(BEFORE, settings, lambda _shop: None)


def test_the_ledger_of_a_running_worker_tells_what_would_have_been(tmp_path):
    ledger = RocksLedger(tmp_path / "ledger" / "default")
    Desk("ten", of=BEFORE, ledger=ledger).idle(0, "ann")
    changed = after({"offers.ten.paused": True, "markets.default.holdout": 0.2})
    first, *rules, last = dry_run_lines(tmp_path, BEFORE, changed, DAY)
    assert first.startswith("default: 1 decisions in the 1d up to 2023-11-14 22:13Z; 1 would have had other")
    assert rules == [
        "  ten would not have been allowed once: paused",
        "  expected number of choices by arm, before -> after:",
        "    no_offer: 0.2 -> 1.0",
        "    ten: 0.8 -> 0.0",
    ]
    assert last.startswith("  holdout 0.0 -> 0.2: who was seen in the last 30 days stays where they are")
    ledger.close()


def test_a_directory_without_a_ledger_is_refused(tmp_path):
    with pytest.raises(SetupError, match="--state must be a directory that the worker wrote"):
        list(dry_run_lines(tmp_path, BEFORE, BEFORE, DAY))
