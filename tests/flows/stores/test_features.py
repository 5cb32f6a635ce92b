"""What is known of a visitor can be read while the worker writes."""

import os
import signal
import subprocess
import sys

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource, run_main

from flows.stores.features import FeatureStorePartition, FeatureStoreSink, read_visitor
from operators.streaming.messages import FeatureRow


def test_a_visitor_is_found_with_the_latest_of_each_kind_while_the_store_is_open(tmp_path):
    partition = FeatureStorePartition(tmp_path / "part-0")
    partition.write_batch(
        [
            [FeatureRow("de", "ada", "visit", b"old"), FeatureRow("de", "ada", "visit", b"new")],
            [FeatureRow("de", "ada", "score/cart_idle", b"{}")],
        ]
    )
    assert read_visitor(tmp_path, "de", "ada") == {"visit": b"new", "score/cart_idle": b"{}"}
    partition.write_batch([[FeatureRow("de", "ada", "visit", b"newest")]])
    assert partition.snapshot() is None
    assert read_visitor(tmp_path, "de", "ada")["visit"] == b"newest"
    partition.close()


def test_visitors_and_markets_do_not_see_each_other(tmp_path):
    partition = FeatureStorePartition(tmp_path / "part-0")
    partition.write_batch([[FeatureRow("de", "ada", "visit", b"1"), FeatureRow("de", "ad", "visit", b"2")]])
    partition.write_batch([[FeatureRow("d", "eada", "visit", b"3"), FeatureRow("de", "é\0", "visit", b"4")]])
    assert read_visitor(tmp_path, "de", "ad") == {"visit": b"2"}
    assert read_visitor(tmp_path, "de", "ada") == {"visit": b"1"}
    assert read_visitor(tmp_path, "de", "é\0") == {"visit": b"4"}
    assert read_visitor(tmp_path, "de", "nobody") == {}
    partition.close()


def test_without_a_store_no_visitor_is_known(tmp_path):
    assert read_visitor(tmp_path / "none", "de", "ada") == {}


def test_the_dataflow_divides_the_shards_among_the_databases(tmp_path):
    rows = [(f"{shard:03d}", [FeatureRow("de", f"v{shard}", "visit", b"%d" % shard)]) for shard in range(20)]
    for _ in range(2):
        flow = Dataflow("features")
        op.output("features", op.input("rows", flow, TestingSource(rows)), FeatureStoreSink(tmp_path, 3))
        run_main(flow)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part-0", "part-1", "part-2"]
    assert [read_visitor(tmp_path, "de", f"v{shard}") for shard in (0, 19)] == [
        {"visit": b"0"},
        {"visit": b"19"},
    ]


WRITER = """
import sys
from pathlib import Path
from flows.stores.features import FeatureStorePartition
from operators.streaming.messages import FeatureRow
partition = FeatureStorePartition(Path(sys.argv[1]))
for number in range(10**9):
    partition.write_batch([[FeatureRow("de", f"v{number}", "visit", b"x" * 100)]])
    print(number, flush=True)
"""


def test_what_was_written_survives_kill_9(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "part-0")], stdout=subprocess.PIPE, text=True
    ) as child:
        for _ in range(100):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.stdout.read()
    assert all(read_visitor(tmp_path, "de", f"v{number}") for number in (0, 57, 99))
