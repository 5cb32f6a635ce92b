"""How much of the oracle's advantage over no offer the learned policy reaches in the demo's default world.

Simulated shoppers go through the whole dataflow in ordered mode and react to its offers; each seed prints a
line. Every figure is an exact expectation: what the chosen arm was worth for that cart, compared with its
best arm (the oracle knows the shopper's segment) and with no offer. Carts of the holdout are left out. The
best fixed arm is that of `operators.simulation.oracle` over carts of the same world.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import orjson

from flows.settings import read_settings
from flows.studies.backtest.compare import with_demo_offers
from flows.studies.backtest.shoppers import Shoppers, WorldLength, world_of
from flows.studies.backtest.shopping import shop_in
from flows.studies.backtest.true_values import TRUTH
from operators.simulation import World
from operators.simulation.oracle import hesitating_carts, oracle_values

STEP = 5000
HELD_OUT = 1.12
"""The factor by which more decisions are made than wanted, for the tenth that is held out."""


def truths(policy, seed, decisions):
    """What each decision of the policy was worth, and the best fixed arm's profit per cart."""
    settings = with_demo_offers(read_settings(seed=seed)).model_copy(update={"policy": policy})
    world = world_of(Shoppers(), settings, WorldLength(decisions=int(decisions * HELD_OUT)))
    with tempfile.TemporaryDirectory() as out:
        shop_in(World(seed, world), settings, settings.shop(), Path(out))
        rows = [orjson.loads(line) for line in Path(out, TRUTH).read_bytes().splitlines()]
    known = oracle_values(hesitating_carts(seed, world, 4000), world.offers)
    return [row for row in rows if not row["holdout"]][:decisions], known.arms[known.best_fixed].mean


def share(rows):
    """The share of the oracle's advantage over no offer."""
    value, best, none = (sum(row[name] for row in rows) for name in ("value", "best", "no_offer"))
    return (value - none) / (best - none)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy", default="linear_thompson")
    parser.add_argument("--decisions", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    last = []
    for seed in range(args.first, args.first + args.seeds):
        rows, fixed = truths(args.policy, seed, args.decisions)
        shares = [share(rows[at : at + STEP]) for at in range(0, len(rows), STEP)]
        last.append(shares[-1])
        profit = sum(row["value"] for row in rows) / len(rows)
        sys.stdout.write(
            f"seed {seed}: share of the oracle's advantage, by {STEP} decisions: "
            f"{' '.join(f'{each:.3f}' for each in shares)}; "
            f"profit per decision {profit:.2f}, of the best fixed arm {fixed:.2f}\n"
        )
        sys.stdout.flush()
    sys.stdout.write(f"median of the last step: {statistics.median(last):.3f}\n")


if __name__ == "__main__":
    main()
