"""The whole worker beside a plain loop and other engines that do a small job, in one run on one broker.

    python -m tests.benchmarks.peers.run --events 60000 --engines build/peers/bin/python

The engines are Bytewax and Quix Streams with their stock parts; ``make peers`` installs them. Their job
is in ``job.py``: parse, a session a visitor, 14 features, one River score a cart addition, learning from
orders. The worker does all that it ever does. All read a backlog from 8 partitions on Apache Kafka. Processor
time is that of all threads of a process, without its start. Every figure counts as a ratio to the plain loop
of the same round. ``OFFERSTREAM_DATA`` is the folder of the real mix; without it that is left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from flows.bench.kafka import send
from flows.bench.load import OFFERS, spin_ms
from flows.bench.worker import PARTITIONS, BenchTopics, BenchWorker
from tests.benchmarks.peers.streams import Stream, bench_load, rees46, toy
from tests.brokers import ApacheBroker

ROOT = Path(__file__).parents[3]
OTHERS = ("bytewax", "bytewax, collector off", "quix")
EPOCH_S = 5.0


class Took(NamedTuple):
    """Events a second, microseconds of processor time an event, the share of events that were decided on."""

    rate: float
    cpu_us: float
    decided: float | None = None


def engine(name: str, python: str, topics: BenchTopics, events: int) -> Took:
    """Let an engine do the small job."""
    given = {
        "engine": name,
        "bootstrap": topics.cluster.bootstrap,
        "group": f"{topics.cluster.group}-{name[:4]}-{time.time_ns()}",
        "source": topics.names["events"],
        "sink": topics.names["scores"],
        "partitions": PARTITIONS,
        "events": events,
    }
    command = [python, "-W", "ignore", "-m", "tests.benchmarks.peers.engines"]
    done = subprocess.run(
        command, input=json.dumps(given), stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True
    )
    took = json.loads(done.stdout.splitlines()[-1])
    return Took(events / took["wall_s"], took["cpu_s"] / events * 1e6)


def worker(topics: BenchTopics, directory: Path, events: int) -> Took:
    """Let the worker do all that it does."""
    with BenchWorker(topics, directory, epoch=f"{EPOCH_S:g}s", offers=str(OFFERS)) as running:
        progress = running.wait_for(events)
    began = next(each for each in progress if each.events)
    ended = progress[-1]
    read = ended.events - began.events
    rate, cpu_s = read / (ended.at_s - began.at_s), ended.cpu_s - began.cpu_s
    return Took(rate, cpu_s / read * 1e6, ended.decisions / ended.events)


def measure(stream: Stream, bootstrap: str, args: argparse.Namespace, others: tuple[str, ...]):
    """Print what each took, as ratios to the plain loop of its round."""
    events = len(stream.events)
    rows: dict[str, list[tuple[Took, Took]]] = {}
    spins = [spin_ms()]
    for _ in range(args.rounds):
        with ExitStack() as opened:
            directory = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            names = ("events", "feedback", "offers", "decisions", "rejected", "scores")
            topics = opened.enter_context(BenchTopics(bootstrap, *names))
            send(topics.cluster, topics.names["events"], stream.events)
            loop = engine("plain", args.engines, topics, events)
            rows.setdefault("plain loop", []).append((loop, loop))
            for name in others:
                rows.setdefault(name, []).append((engine(name, args.engines, topics, events), loop))
            rows.setdefault("the worker", []).append((worker(topics, directory / "state", events), loop))
            spins.append(spin_ms())
    decided = statistics.median(took.decided or 0.0 for took, _ in rows["the worker"])
    write = sys.stdout.write
    write(
        f"\n{stream.name}: {events} events, {stream.cart_share:.1%} cart additions, {decided:.1%} decided, "
        f"{stream.spacing_s * 1000:.3g} ms apart; a million additions took "
        f"{min(spins):.0f} to {max(spins):.0f} ms\n\n"
        "| | events/s | to the loop | µs of processor an event | to the loop |\n|---|---|---|---|---|\n"
    )
    for name, pairs in rows.items():
        rate, cpu_us = (statistics.median(took[at] for took, _ in pairs) for at in (0, 1))
        of_loop = [statistics.median(took[at] / loop[at] for took, loop in pairs) for at in (0, 1)]
        write(f"| {name} | {rate:,.0f} | {of_loop[0]:.3f} | {cpu_us:.1f} | {of_loop[1]:.2f} |\n")
    sys.stdout.flush()


def streams(args: argparse.Namespace) -> dict[str, Stream]:
    """The streams that are wanted."""
    made = {
        "toy-1": lambda: toy(args.events, 0.001),
        "toy-9": lambda: toy(args.events, 0.009),
        "bench": lambda: bench_load(args.events),
    }
    data = os.environ.get("OFFERSTREAM_DATA")
    if data is not None:
        made["real"] = lambda: rees46(args.events, Path(data, "rees46_oct2019_sample.csv"))
    return {name: make() for name, make in made.items() if name in args.streams}


def main() -> None:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--streams", nargs="+", default=["toy-1", "toy-9", "bench", "real"])
    parser.add_argument("--engines", default=str(ROOT / "build/peers/bin/python"), help="their Python")
    parser.add_argument("--without", nargs="*", default=[], help="engines that are left out")
    parser.add_argument("--bootstrap", help="a broker that runs already")
    args = parser.parse_args()
    others = tuple(name for name in OTHERS if name not in args.without)
    with ExitStack() as opened:
        bootstrap = args.bootstrap or opened.enter_context(ApacheBroker()).bootstrap
        for name, stream in streams(args).items():
            measure(stream, bootstrap, args, others if name.startswith("toy") else ())


if __name__ == "__main__":
    main()
