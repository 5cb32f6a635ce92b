"""What the snapshot of a market costs with few and with very many open decisions, at the same traffic.

    python -m tests.benchmarks.snapshot_cost --open 5000 500000

For each number a process of its own makes that many decisions, whose windows stay open, and then goes through
epochs of the same traffic: some decisions, some orders, a snapshot. Times are processor time, medians over
the epochs; the ratios are those to the first number, in the same run. Memory is what the process has grown by
since it began, an open decision. ``resume`` is the wall time until a new process has the market back.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows.assembly import decision_settings
from flows.bench.memory import rss_bytes
from flows.settings import read_settings
from flows.stores.ledger import RocksLedger
from flows.worker.gc_tuning import tune_gc
from operators.decisions.decision_machine import DecisionMachine, MarketConfig
from operators.decisions.selection import Prediction
from tests.benchmarks.decision_cost import ordered
from tests.benchmarks.decision_load import moment, shop

START_S = 1_772_449_200.0  # a Monday at noon in Berlin
EPOCHS = 15
A_EPOCH = 250
EVERY_S = 0.05
PREDICTION = Prediction(0.4, "logistic", 100)


def machine_in(directory: Path, state: bytes | None = None) -> DecisionMachine:
    """Return the decision machine of a market whose windows stay open for three days."""
    of = shop(every_rule=True)
    times = {"reward_window": "72h", "expires_after": "24h"}
    given = of.document | {
        "offers": [each | times for each in of.document["offers"]],
        "budgets": {name: each | {"amount": 1e9} for name, each in of.document["budgets"].items()},
        "caps": {name: each | {"at_most": 10**9} for name, each in of.document["caps"].items()},
        "rules": of.document["rules"] | {"first_touch": "any"},
    }
    settings = decision_settings(read_settings(state=directory), 0.0)
    config = MarketConfig(type(of).model_validate(given), "default", RocksLedger(directory / "ledger"))
    return DecisionMachine(config, settings, state)


def run(directory: Path, count: int) -> dict[str, float]:
    """Make so many decisions, then measure epochs of the same traffic; leave the last snapshot."""
    tune_gc()
    empty = rss_bytes()
    machine = machine_in(directory)
    rng = random.Random(1)
    at_s, person = START_S, 0

    def decide(number: int) -> None:
        nonlocal at_s, person
        for _ in range(number):
            person, at_s = person + 1, at_s + EVERY_S
            one = moment(person, at_s, rng)
            machine.process_moment(one, PREDICTION)
            if person % 50 == 0:
                machine.process_order(ordered(one))
            if person % 20 == 0:
                machine.advance(at_s)
                machine.forget(at_s)

    while person < count:
        decide(min(2000, count - person))
        machine.snapshot()
    grown = rss_bytes() - empty
    seals, sizes, works = [], [], []
    state = b""
    for _ in range(EPOCHS):
        began_s = time.process_time()
        decide(A_EPOCH)
        works.append(time.process_time() - began_s)
        began_s = time.process_time()
        state = machine.snapshot()
        seals.append(time.process_time() - began_s)
        sizes.append(len(state))
    (directory / "snapshot").write_bytes(state)
    return {
        "open": machine.figures()["open_decisions"],
        "seal_ms": statistics.median(seals) * 1000,
        "seal_bytes": statistics.median(sizes),
        "decision_us": statistics.median(works) / A_EPOCH * 1e6,
        "bytes": grown / count,
    }


def resume(directory: Path) -> dict[str, float]:
    """Return how long a new process needs to have the market back, and to take its first decision."""
    state = (directory / "snapshot").read_bytes()
    began_s = time.monotonic()
    machine = machine_in(directory, state)
    machine.advance(START_S)
    return {"resume_s": time.monotonic() - began_s, "resumed": machine.figures()["open_decisions"]}


def measured(count: int) -> dict[str, float]:
    """Return the figures of one number of open decisions."""
    with tempfile.TemporaryDirectory(prefix="offerstream-") as directory:
        found: dict[str, float] = {}
        for role in ("run", "resume"):
            command = [sys.executable, "-m", "tests.benchmarks.snapshot_cost", role, directory, str(count)]
            found |= json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return found


def main() -> None:
    """Measure, or be one of the processes that do."""
    if sys.argv[1:2] == ["run"]:
        sys.stdout.write(json.dumps(run(Path(sys.argv[2]), int(sys.argv[3]))))
        return
    if sys.argv[1:2] == ["resume"]:
        sys.stdout.write(json.dumps(resume(Path(sys.argv[2]))))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--open", type=int, nargs="+", default=[5000, 500_000])
    found = [measured(count) for count in parser.parse_args().open]
    first = found[0]
    titles = ("open", "seal ms", "ratio", "bytes", "ratio", "us/decision", "B an open", "resume s")
    lines = ["".join(f"{title:>12}" for title in titles)]
    for each in found:
        seal, size = each["seal_ms"], each["seal_bytes"]
        ratios = seal / first["seal_ms"], size / first["seal_bytes"]
        lines.append(
            f"{each['open']:12.0f}{seal:12.1f}{ratios[0]:12.2f}{size:12.0f}{ratios[1]:12.2f}"
            f"{each['decision_us']:12.0f}{each['bytes']:12.0f}{each['resume_s']:12.2f}"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
