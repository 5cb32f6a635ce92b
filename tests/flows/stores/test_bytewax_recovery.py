"""What a crashed worker left of an unsealed epoch is not resumed from."""

import pickle
import sqlite3
from contextlib import closing
from datetime import timedelta

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from flows.stores.bytewax_recovery import drop_unsealed, recovery_config


@pytest.fixture
def store(tmp_path):
    directory = tmp_path / "recovery"
    recovery_config(directory, partitions=8)
    return directory


def wrote(directory, part, table, *rows):
    names = {
        "exs": "ex_num, worker_count, resume_epoch",
        "fronts": "ex_num, worker_index, worker_frontier",
        "snaps": "step_id, state_key, snap_epoch, ser_change",
    }[table]
    marks = ", ".join("?" * (names.count(",") + 1))
    with closing(sqlite3.connect(directory / f"part-{part}.sqlite3")) as database, database:
        database.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def kept(directory):
    found = []
    for path in directory.glob("part-*.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            found += database.execute("SELECT state_key, snap_epoch FROM snaps").fetchall()
    return sorted(found)


def test_a_new_store_has_its_partitions_and_nothing_to_drop(store):
    assert len(list(store.glob("part-*.sqlite3"))) == 8
    assert drop_unsealed(store) == 0


def test_a_first_epoch_that_was_never_sealed_leaves_nothing(store):
    wrote(store, 7, "exs", (0, 1, 1))
    wrote(store, 2, "snaps", ("markets", "uk", 1, b""), ("visits", "001", 1, b""))
    assert drop_unsealed(store) == 2
    assert kept(store) == []


def test_what_was_sealed_stays_and_what_came_after_it_goes_from_every_partition(store):
    wrote(store, 7, "exs", (0, 1, 1))
    wrote(store, 1, "fronts", (0, 0, 5))
    wrote(store, 0, "exs", (1, 1, 5))
    wrote(store, 3, "fronts", (1, 0, 9))
    wrote(store, 2, "snaps", ("markets", "uk", 4, b""), ("markets", "uk", 9, b""))
    wrote(store, 4, "snaps", ("visits", "001", 8, b""), ("visits", "002", 10, b""))
    recovery_config(store, partitions=8)
    assert kept(store) == [("001", 8), ("uk", 4)]


def test_an_execution_that_sealed_nothing_resumes_where_it_began(store):
    wrote(store, 7, "exs", (0, 1, 1))
    wrote(store, 1, "fronts", (0, 0, 5))
    wrote(store, 0, "exs", (1, 1, 5))
    wrote(store, 2, "snaps", ("a", "sealed", 4, b""), ("a", "unsealed", 5, b""))
    assert drop_unsealed(store) == 1
    assert kept(store) == [("sealed", 4)]


def test_of_two_processes_the_one_that_is_behind_counts(store):
    wrote(store, 0, "exs", (0, 2, 1))
    wrote(store, 1, "fronts", (0, 0, 7), (0, 1, 6))
    wrote(store, 2, "snaps", ("a", "five", 5, b""), ("a", "six", 6, b""))
    drop_unsealed(store)
    assert kept(store) == [("five", 5)]


def counted(store, *keys):
    """How often each key came, by a run that resumes where the last one on this store ended."""
    flow, counted = Dataflow("counting"), []
    read = op.input("read", flow, TestingSource(keys))
    keyed = op.key_on("keyed", read, str)
    counts = op.stateful_map("counts", keyed, lambda count, _: ((count or 0) + 1, (count or 0) + 1))
    op.output("counted", counts, TestingSink(counted))
    run_main(flow, epoch_interval=timedelta(0), recovery_config=recovery_config(store))
    return counted


def test_a_key_that_is_silent_after_a_crash_keeps_its_sealed_state(store):
    assert counted(store, "ann", "bob") == [("ann", 1), ("bob", 1)]
    with closing(
        sqlite3.connect(next(path for path in store.glob("part-*.sqlite3") if rows_of_ann(path)))
    ) as database:
        (step, unsealed), *_ = database.execute(
            "SELECT step_id, snap_epoch + 1 FROM snaps WHERE state_key = 'ann'"
        )
        with database:  # as an execution leaves it that crashes while it seals
            row = (step, "ann", unsealed, pickle.dumps(100))
            database.execute(
                "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)", row
            )
    keys = ["ann", "bob", *["bob"] * 3, TestingSource.ABORT(), "ann"]
    assert counted(store, *keys)[0] == ("bob", 2)
    assert counted(store, *keys)[-1] == ("ann", 2)


def rows_of_ann(path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT count(*) FROM snaps WHERE state_key = 'ann'").fetchone()[0]
