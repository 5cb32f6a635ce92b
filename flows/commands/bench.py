"""``offerstream bench``."""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from rich.console import Console

from flows.bench.figures import FIGURES
from flows.bench.load import spin_ms
from flows.bench.run import MEASURES, QUICK, Bench, Scale, figures
from flows.bench.table import machine, show, write
from flows.commands.common import check_json, writing
from flows.kafka.broker_process import EmbeddedBroker, embedded_binary
from flows.observability.printable import terminal_width

NEED_A_BROKER = {name for each in (Bench.start, Bench.kafka, Bench.latency) for name in MEASURES[each]}

EXAMPLES = """\
  offerstream bench
  offerstream bench --only page_events_per_s --only kafka_events_per_s
  BENCH_JSON=bench.jsonl offerstream bench --broker localhost:9092"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``bench``."""
    parser.add_argument(
        "--only",
        action="append",
        choices=FIGURES,
        metavar="NAME",
        help="one figure; may be repeated: " + ", ".join(FIGURES),
    )
    parser.add_argument(
        "--quick", action="store_true", help="a moment's look that everything runs; its figures mean nothing"
    )
    parser.add_argument(
        "--broker",
        default="embedded",
        metavar="embedded|HOST:PORT",
        help="where Kafka's figures come from (default: %(default)s)",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=os.environ.get("BENCH_JSON"),
        metavar="FILE",
        help="write JSON lines there (default: the path in BENCH_JSON)",
    )


def run(args: argparse.Namespace) -> None:
    """Measure, print the table and write the lines."""
    check_json(args.json)
    wanted = args.only or FIGURES
    if args.broker == "embedded" and NEED_A_BROKER.intersection(wanted):
        embedded_binary()  # reported now, not after minutes of other figures
    with ExitStack() as opened:
        directory = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="offerstream-bench-")))

        @cache
        def bootstrap() -> str:
            embedded = args.broker == "embedded"
            return opened.enter_context(EmbeddedBroker()).bootstrap if embedded else str(args.broker)

        bench = Bench(QUICK if args.quick else Scale(), bootstrap, directory)
        found, spins_ms = [], [spin_ms()]
        for each in figures(bench, wanted):
            found.append(each)
            spins_ms.append(spin_ms())
            sys.stderr.write(f"{each.name}: {each.value:g} {each.unit}, ratio {each.ratio:g}\n")
    console = Console(width=terminal_width(200))
    show(found, console)
    console.print(f"broker: {args.broker}; machine: {machine(spins_ms)}", highlight=False)
    if args.json is not None:
        with writing("--json", args.json):
            write(args.json, found)
