"""Where keys, partitions and the parts of the state are, for any number of processes."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from flows.cluster.key_hash import key_hash
from flows.cluster.loads import Load, LoadLog, known_loads, readers_of
from flows.cluster.membership import Member, check_processes, output_owners, owners, slots_of
from flows.cluster.placement import market_keys, name_in, owner_of_key, shard_keys
from schemas.errors import SetupError

ROOT = Path(__file__).parents[3]
OF_TWO = ("a:1", "b:2")


WHERE = """
import sys
from bytewax import operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource, cluster_main
from tests.flows.cluster.where import Echo, Where

*keys, workers = sys.argv[1:]
flow = Dataflow("flow")
items = op.input("input", flow, TestingSource([(key, 0) for key in keys]))
op.output("output", op.stateful_batch("echo", items, lambda _state: Echo()), Where())
cluster_main(flow, [], 0, worker_count_per_proc=int(workers))
"""


@pytest.mark.parametrize("workers", [2, 3])
def test_a_key_is_where_bytewax_puts_it(workers):
    keys = [*shard_keys(), *market_keys(["default", "uk"]).values(), "", "ärger", "x" * 7, "x" * 8]
    command = [sys.executable, "-c", WHERE, *keys, str(workers)]  # Bytewax changes how a process panics
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    said = (line.rpartition(" ") for line in done.stdout.splitlines())
    assert {key: int(worker) for key, _, worker in said} == {key: key_hash(key) % workers for key in keys}


@pytest.mark.parametrize(("processes", "fewest", "most"), [(2, 25, 39), (3, 12, 26), (4, 12, 20)])
def test_shards_are_dealt_out_and_process_0_has_fewest(processes, fewest, most):
    counts = Counter(owner_of_key(key, processes) for key in shard_keys())
    assert min(counts.values()) == counts[0]
    assert fewest <= counts[0] <= max(counts.values()) <= most
    assert len(set(shard_keys())) == 64
    assert [name_in(key) for key in shard_keys()] == [f"{shard:03d}" for shard in range(64)]


def test_markets_are_dealt_out_in_the_order_in_which_they_appeared():
    keys = market_keys(["de", "uk", "fr"])
    assert [owner_of_key(key, 2) for key in keys.values()] == [0, 1, 0]
    assert [owner_of_key(key, 3) for key in keys.values()] == [0, 1, 2]
    assert market_keys(["de", "uk", "fr", "at"]).items() >= keys.items()


def test_output_partitions_are_not_in_process_0_which_has_the_first_market():
    parts = [f"offers/{number:04d}" for number in range(4)]
    assert owners(parts, 2) == dict(zip(parts, (0, 1, 0, 1), strict=True))
    assert set(output_owners(parts, 1).values()) == {0}
    assert set(output_owners(parts, 2).values()) == {1}
    assert set(output_owners(parts, 3).values()) == {1, 2}
    owned = [part for number in range(3) for part in Member(number, ("a:1", "b:2", "c:3")).own(parts)]
    assert sorted(owned) == parts


def test_each_slot_has_one_process():
    slots = [slot for number in range(2) for slot in slots_of(Member(number, OF_TWO))]
    assert sorted(slots) == slots_of(Member())


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (Member(2, OF_TWO), "--process must be from 0 to 1; got 2"),
        (Member(0, OF_TWO), "there must be at most 1 processes, one for each input partition; got 2"),
    ],
)
def test_too_many_processes_are_refused(member, words):
    with pytest.raises(SetupError, match=words):
        check_processes(member, ["events/0000"])


def load(process_s, run="1", processes=2, **reading_s):
    return Load(run=run, processes=processes, process_s=process_s, reading_s=reading_s)


def test_reading_is_what_evens_the_processes_out():
    loads = [load(50.0, a=10.0, b=10.0), load(30.0, c=10.0, d=10.0)]
    assert readers_of("abcd", 2, loads) == {"a": 1, "b": 1, "c": 0, "d": 1}


def test_each_process_reads_something_however_busy_it_is():
    assert set(readers_of("abc", 2, [load(900.0, a=1.0, b=2.0), load(30.0, c=1.0)]).values()) == {0, 1}


def test_a_partition_that_nobody_knows_is_as_much_as_any_other():
    assert readers_of("abcd", 2, [load(10.0, a=10.0), load(10.0, b=10.0)]) == dict(
        zip("abcd", (0, 1, 0, 1), strict=True)
    )


def test_loads_count_where_all_processes_wrote_them_in_one_run(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.cluster.loads.ENOUGH_S", 0.0)
    for number in (0, 1):
        assert known_loads(tmp_path, 2) == []
        with LoadLog(tmp_path, Member(number, OF_TWO), "run") as log:
            log.read("a/0000", 0.5)
            log.read("a/0000", 0.5)
    assert [each.reading_s for each in known_loads(tmp_path, 2)] == [{"a/0000": 1.0}] * 2
    assert known_loads(tmp_path, 1) == []
    with LoadLog(tmp_path, Member(0, OF_TWO), "another run"):
        pass
    assert known_loads(tmp_path, 2) == []
