"""How large the page of a report is, and what memory and time it takes, by the number of decisions.

    python -m tests.benchmarks.report_size --decisions 1000000

The records are made up, one decision with its reward and its outcome at a time, a minute apart, and given to
the report as it would read them from files; they stand in no file and are gone once they are counted.
"""

import argparse
import random
import resource
import sys
import time

from flows.studies.report.market_report import MarketReport
from flows.studies.report.page import page
from flows.studies.report.run_figures import RunFigures
from tests.report_log import ARMS, VALUES, decision, outcome, reward

SOURCES = ("search", "ads", "mail", "direct", "social")


def fold(decisions: int) -> MarketReport:
    """Return the report of so many decisions."""
    rng, of_run = random.Random(1), RunFigures({"default": 0.1}, {})
    market = MarketReport("default", of_run, is_monitored=True)
    held = False
    for n in range(decisions):
        held = rng.random() < 0.1 if n % 2 == 0 else held
        chances = {ARMS[0]: 1.0} if held else dict.fromkeys(ARMS, 1 / len(ARMS))
        features = {"source": rng.choice(SOURCES), "device": rng.choice(("mobile", "desktop"))}
        group = {"held": held, "no_offer": ARMS[0], "share": 0.1}
        arm = rng.choice(list(chances))
        one = decision(n, 60.0 * n, chances, arm, features=features | {"segment": f"s{n % 40}"}, **group)
        predicted = rng.random()
        market.observe_time(one.at.seconds)
        market.add_decision(one)
        market.add_reward(reward(one, ordered=rng.random() < VALUES[one.arm] / 20))
        abandoned, treated = rng.random() < predicted, one.arm != ARMS[0]
        market.add_outcome(outcome(one, predicted, abandoned=abandoned, treated=treated))
    return market


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decisions", type=int, default=1_000_000)
    decisions = parser.parse_args().decisions
    began_s = time.process_time()
    market = fold(decisions)
    folded_s = time.process_time() - began_s
    size = len(page("synthetic", [market]).encode())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    drawn_s = time.process_time() - began_s - folded_s
    sys.stdout.write(
        f"{decisions:,} decisions: page {size:,} bytes, peak memory {peak} MB; processor time "
        f"{folded_s:.0f} s to count them and {drawn_s:.0f} s to draw\n"
    )


if __name__ == "__main__":
    main()
