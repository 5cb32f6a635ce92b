"""What a decision costs with the default rules and with all of them, beside another version of this project.

    python -m tests.benchmarks.decision_cost --before ../before

A decision is one call of ``process_moment`` that chooses between six offers for a cart of three lines; "with
its end" is the end of its offer and of its window, and what is learned from it, as well. The ledger and the
catalog are on disk. A third of the persons have earlier decisions, and consent is known of everybody. Of the
products few are in most carts (Zipf's law). Processor time, in blocks that the versions take in turns, each
in a process of its own: a ratio is that of neighbouring blocks, the median over all. ``--before`` is a
working copy of another version, such as that before there were rules. With ``--operations`` the operations of
Python are counted instead, which depend on no machine and leave out what is not Python.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from flows.assembly import decision_settings
from flows.settings import read_settings
from flows.stores.ledger import RocksLedger
from flows.worker.gc_tuning import tune_gc
from operators.decisions.decision_machine import DecisionMachine, MarketConfig
from operators.decisions.selection import Prediction
from operators.streaming import messages
from operators.streaming.messages import Moment, Order
from tests.benchmarks.decision_load import SKUS, moment, shop

DAY_S = 86_400.0
START_S = 1_772_449_200.0  # a Monday at noon in Berlin
KNOWN = 2000
"""So many persons have a decision of ten days before; they teach the policy."""
PREDICTION = Prediction(0.4, "logistic", 100)


class Load:
    """A market with a past: its moments come in blocks, one a day at noon, twenty a second."""

    def __init__(self, directory: Path, clock: Callable[[], float], *, every_rule: bool) -> None:
        self._clock = clock
        settings = decision_settings(read_settings(state=directory), 0.0)
        self.machine = DecisionMachine(config(directory, every_rule=every_rule), settings)
        self._rng = random.Random(1)
        self._persons, self._known, self._at_s = KNOWN, 0, START_S
        if every_rule:
            given = {"at_s": START_S - 30 * DAY_S, "id": "controls/1", "market": "default"}
            change = messages.ControlsChange(**given, version=1, settings=())
            self.machine.process_controls(change)
        for person in range(KNOWN):
            past = moment(person, START_S - 10 * DAY_S + person, self._rng)
            self._agree(past)
            self.machine.process_moment(past, PREDICTION)
            if self._rng.random() < 0.4:
                self.machine.process_order(ordered(past))
        self._end_day()

    def block(self, size: int) -> tuple[float, float]:
        """Return the microseconds of a decision, and with its end."""
        persons = [(self._known + at) % KNOWN for at in range(size // 3)]
        persons += range(self._persons, self._persons + size - len(persons))
        self._known, self._persons = self._known + size // 3, self._persons + size
        self._rng.shuffle(persons)
        given = [moment(person, self._at_s + at / 20, self._rng) for at, person in enumerate(persons)]
        for each in given:
            self._agree(each)
        process = self.machine.process_moment
        began_s = self._clock()
        for each in given:
            process(each, PREDICTION)
        decided_s = self._clock() - began_s
        return decided_s / size * 1e6, (decided_s + self._end_day()) / size * 1e6

    def _end_day(self) -> float:
        self._at_s += DAY_S
        began_s = self._clock()
        self.machine.advance(self._at_s - DAY_S / 4)
        self.machine.forget(self._at_s - DAY_S / 4)
        return self._clock() - began_s

    def _agree(self, of: Moment) -> None:
        if hasattr(messages, "ConsentKnown"):
            given = {"at_s": of.at_s - 1, "visitor": of.visitor, "market": of.market, "source": "event"}
            consent = {"email": True, "app": True}
            event = messages.ConsentKnown(**given, id=f"consent-{of.id}", consent=consent)
            self.machine.know_person(event)


def config(directory: Path, *, every_rule: bool) -> MarketConfig:
    """Return a market; the shop's own table of a version that knows no rules."""
    given, ledger = shop(every_rule=every_rule), RocksLedger(directory / "ledger")
    if "market" in MarketConfig._fields:
        return MarketConfig(given.markets["default"], given.offers, ledger)
    if not every_rule:
        return MarketConfig(given, "default", ledger)
    from flows.stores.catalog import RocksCatalog  # noqa: PLC0415  an earlier version has none

    catalog = RocksCatalog(directory / "catalog")
    product = messages.Product(
        price=30.0,
        unit_cost=12.0,
        stock=12,
        title="A product of this shop",
        url="https://shop.example/products/0000000",
        image="https://shop.example/images/0000000.jpg",
        category="shoes",
    )
    for number in range(SKUS):
        catalog.put(f"sku-{number}", START_S - 20 * DAY_S, product)
    return MarketConfig(given, "default", ledger, catalog)


def ordered(of: Moment) -> Order:
    """Return the order of a cart."""
    given = {"at_s": of.at_s + 60, "visitor": of.visitor, "market": of.market, "lines": of.lines}
    names = messages.cart_names(of.cart)
    return Order(**given, id=f"order-of-{of.id}", position=of.id, order=f"order-{of.id}", names=names)


def operations_clock() -> Callable[[], float]:
    """Count the operations of Python from now on; return what says how many there were, in millions."""
    count = 0

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal count
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    return lambda: count / 1e6


def measure(size: int, *, every_rule: bool, operations: bool) -> None:
    """Answer each line of standard input with the cost of one more block."""
    with tempfile.TemporaryDirectory() as directory:
        clock = operations_clock() if operations else time.thread_time
        load = Load(Path(directory), clock, every_rule=every_rule)
        tune_gc()
        for _ in sys.stdin:
            sys.stdout.write(json.dumps(load.block(size)) + "\n")
            sys.stdout.flush()


class Version:
    """A version of the project under some rules, in a process of its own."""

    def __init__(self, root: Path, rules: str, size: int, *, operations: bool = False) -> None:
        here = Path(__file__).parents[2]
        path = os.pathsep.join([str(root), str(here)])  # the benchmark is this one, all else that version's
        self._process = subprocess.Popen(
            [
                *(sys.executable, __file__, "--measure", rules, "--size", str(size)),
                *(["--operations"] if operations else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )

    def block(self) -> tuple[float, float]:
        """Return what a decision costs in one more block."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        decision, with_end = json.loads(self._process.stdout.readline())
        return decision, with_end

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, help="a working copy of another version")
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--size", type=int, default=300, help="decisions of a block")
    parser.add_argument("--operations", action="store_true", help="count operations of Python")
    parser.add_argument("--measure", choices=("default", "all"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.size, every_rule=args.measure == "all", operations=args.operations)
        return
    here = Path(__file__).parents[2]
    wanted = {} if args.before is None else {"before": (args.before.resolve(), "default")}
    wanted |= {"default rules": (here, "default"), "all rules": (here, "all")}
    versions = {
        name: Version(root, rules, args.size, operations=args.operations)
        for name, (root, rules) in wanted.items()
    }
    for version in versions.values():
        version.block()
    blocks = [{name: version.block() for name, version in versions.items()} for _ in range(args.blocks)]
    for version in versions.values():
        version.close()
    first = next(iter(versions))
    write = sys.stdout.write
    unit = "operations" if args.operations else "µs"
    write(f"| {unit} (beside {first}) | a decision | with its end |\n|---|---|---|\n")
    for name in versions:
        cells = []
        for what in (0, 1):
            took_us = statistics.median(each[name][what] for each in blocks)
            ratio = statistics.median(each[name][what] / each[first][what] for each in blocks)
            cells.append(f"{took_us:.0f} ({ratio:.2f})")
        write(f"| {name} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
