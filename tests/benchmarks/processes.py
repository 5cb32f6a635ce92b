"""How much faster several processes are than one, over files, with all that a worker keeps on disk.

    python tests/benchmarks/processes.py --load bench --processes 1 2 --rounds 3

The loads: ``bench`` is that of ``offerstream bench`` with one market, ``two`` the same with two markets, and
``real`` the REES46 sample in OFFERSTREAM_DATA, so many copies of its visitors at a time. Each round runs each
number of processes once, one after the other, so that a machine that is busy slows all of them. Beside the
events per second stands the processor time of each process: the longest of them is what bounds the speed on
cores that nobody else uses. Runs before the first round tell who had how much to do, as a worker knows it.
"""

import argparse
import os
import pickle
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median
from zlib import crc32

import orjson
from bytewax.inputs import FixedPartitionedSource
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from bytewax.testing import cluster_main, run_main

from flows.assembly import reader_of, stations_of
from flows.bench.load import recorded_load, worker_settings
from flows.cluster import wire
from flows.cluster.loads import LoadLog, known_loads, readers_of
from flows.cluster.membership import Member
from flows.dataflow import Edges, build_dataflow
from flows.files.input_file import examine
from flows.files.source import FileSource
from flows.kafka.broker_process import free_port
from flows.kafka.sink import murmur2
from flows.local.batched_sink import BatchedSink
from flows.local.callback_sink import CallbackSink
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.catalog import Catalogs
from flows.stores.features import FeatureStoreSink
from flows.stores.ledger import Ledgers
from flows.stores.state_rows import ShardRows
from flows.worker.gc_tuning import tune_gc

FILES = 4
SINK_PARTS = 8


def tell(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Owned(FixedPartitionedSource):
    """The files of a process."""

    def __init__(self, source, owned):
        self._source, self._owned = source, owned

    def list_parts(self):
        return self._owned

    def build_part(self, step_id, for_part, resume_state):
        return self._source.build_part(step_id, for_part, resume_state)


class Timed:
    """A reader whose processor time is noted."""

    def __init__(self, reader, log):
        self.__dict__["_reader"], self.__dict__["_log"] = reader, log

    def __getattr__(self, name):
        return getattr(self._reader, name)

    def read(self, messages, now_s):
        began_s = time.thread_time()
        output = self._reader.read(messages, now_s)
        if self._log is not None:
            self._log.read(self._reader.partition, time.thread_time() - began_s)
        return output


class _Counter(StatefulSinkPartition):
    def __init__(self, counts):
        self._counts = counts

    def write_batch(self, items):
        for item in items:
            self._counts[item.type] = self._counts.get(item.type, 0) + 1

    def snapshot(self):
        return None


class CountingSink(FixedPartitionedSink):
    """As many partitions as a topic; each record is counted by its type and forgotten."""

    def __init__(self, member, counts):
        self._member, self._counts = member, counts

    def list_parts(self):
        return self._member.own(f"out/{part:04d}" for part in range(SINK_PARTS))

    def part_fn(self, item_key):
        return murmur2(item_key)

    def build_part(self, _step_id, _for_part, _resume_state):
        return _Counter(self._counts)


def run(files, form, state, member, loads):
    """Run one process; return its times and what it has written."""
    settings = worker_settings(Path(state))
    shop = settings.shop()
    make = reader_of(settings, shop, lambda _topic: form, settings.state / "seen", ordered=False)
    log = LoadLog(Path(loads), member, state) if member.addresses else None
    known = known_loads(Path(loads), member.count)
    source = FileSource(
        [examine(Path(file), form) for file in files], lambda part, was: Timed(make(part, was), log)
    )
    readers = readers_of(source.list_parts(), member.count, known)
    owned = [part for part, reader in readers.items() if reader == member.index]
    ledgers, catalogs = Ledgers(settings.state / "ledger"), Catalogs(settings.state / "catalog")
    stations = stations_of(
        *(settings, shop, source.list_parts(), ledgers.of, catalogs.of),
        rows_of=ShardRows(settings.state / "rows", member.index).of,
        ordered=False,
    )
    counts = {}
    outputs = {name: BatchedSink(CountingSink(member, counts), SINK_PARTS) for name in settings.output_topics}
    features = FeatureStoreSink(settings.state / "features", member=member)
    figures = CallbackSink(lambda _items: None, member=member)
    flow = build_dataflow(Edges(Owned(source, owned), outputs, features, figures, None, member), stations)
    if member.leads:
        recovery_config(settings.state / "recovery")
    tell("ready")
    sys.stdin.buffer.read(1)
    store = recovery_config(settings.state / "recovery")
    tune_gc()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    epoch = timedelta(seconds=10)
    if member.addresses:
        wire.register()
        cluster_main(flow, list(member.addresses), member.index, epoch_interval=epoch, recovery_config=store)
    else:
        run_main(flow, epoch_interval=epoch, recovery_config=store)
    if log is not None:
        log.save()
    return {
        "wall_s": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "counts": counts,
        "reads": owned,
    }


def measure(files, form, processes, loads):
    """Return wall time, the processor time of each process, and what was written."""
    with tempfile.TemporaryDirectory(prefix="processes-") as state:
        addresses = tuple(f"127.0.0.1:{free_port()}" for _ in range(processes)) if processes > 1 else ()
        children = []
        for number in range(processes):
            child = subprocess.Popen(
                [sys.executable, __file__, "--member"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            pickle.dump((files, form, state, Member(number, addresses), loads), child.stdin)
            child.stdin.flush()
            children.append(child)
            assert child.stdout.readline() == b"ready\n"
        for child in children:
            child.stdin.write(b"g")
            child.stdin.close()
        said = [orjson.loads(child.stdout.read().splitlines()[-1]) for child in children]
        assert [child.wait() for child in children] == [0] * processes
    counts = {}
    for each in said:
        for kind, number in each["counts"].items():
            counts[kind] = counts.get(kind, 0) + number
    return max(each["wall_s"] for each in said), [each["cpu_s"] for each in said], counts


def bench_load(directory, events, visitors, markets):
    """Write the load of ``offerstream bench``, by visitor into files; of two markets every other one."""
    files = [directory / f"{number}.jsonl" for number in range(FILES)]
    out = [file.open("wb") for file in files]
    for load in recorded_load(events, visitors):
        value = load.value
        if markets == 2 and crc32(load.visitor + b"m") % 2:
            value = value.replace(b'"market":"default"', b'"market":"uk"').replace(b'"EUR"', b'"GBP"')
        out[crc32(load.visitor) % FILES].write(value + b"\n")
    for file in out:
        file.close()
    return [str(file) for file in files], "native", events


def real_load(directory, copies):
    """Write copies of the sample's visitors at a time, by visitor into files."""
    lines = (Path(os.environ["OFFERSTREAM_DATA"]) / "rees46_oct2019_sample.csv").read_bytes().splitlines()
    files = [directory / f"{number}.csv" for number in range(FILES)]
    out = [file.open("wb") for file in files]
    for file in out:
        file.write(lines[0] + b"\n")
    rows = [line.split(b",") for line in lines[1:-1]]
    for row in rows:
        for copy in range(copies):
            visitor = row[7] + b"%03d" % copy
            own = b",".join([*row[:7], visitor, row[8] + b"-%d" % copy])
            out[crc32(visitor) % FILES].write(own + b"\n")
    for file in out:
        file.close()
    return [str(file) for file in files], "rees46", len(rows) * copies


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", choices=("bench", "two", "real"), default="bench")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--visitors", type=int, default=20_000)
    parser.add_argument("--copies", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-") as made:
        if args.load == "real":
            files, form, events = real_load(Path(made), args.copies)
        else:
            markets = 2 if args.load == "two" else 1
            files, form, events = bench_load(Path(made), args.events, args.visitors, markets)
        walls = {number: [] for number in args.processes}
        longest = {number: [] for number in args.processes}
        for number in args.processes:
            if number > 1:  # the loads that even out who reads what
                measure(files, form, number, made)
        for _ in range(args.rounds):
            for number in args.processes:
                wall_s, cpu_s, counts = measure(files, form, number, made)
                walls[number].append(wall_s)
                longest[number].append(max(cpu_s))
                each = " ".join(f"{one:.2f}" for one in cpu_s)
                tell(
                    f"{number} processes: {events / wall_s:7.0f} events/s, processor time {each} s, {counts}"
                )
    first = args.processes[0]
    for number in args.processes[1:]:
        pairs = [one / many for one, many in zip(walls[first], walls[number], strict=True)]
        alike = [one / many for one, many in zip(longest[first], longest[number], strict=True)]
        tell(f"{number} against {first}: wall {in_words(pairs)}, longest processor time {in_words(alike)}")


def in_words(ratios):
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    if sys.argv[1:] == ["--member"]:
        tell(orjson.dumps(run(*pickle.load(sys.stdin.buffer))).decode())
    else:
        main()
