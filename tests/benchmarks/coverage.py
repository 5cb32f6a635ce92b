"""How often the 95 % intervals hold the truth, in adaptively logged worlds, as a table on standard output.

Each line is one policy over 300 worlds: the share of worlds whose interval holds the true value, for each
estimator; in brackets the median width as a multiple of the plain clustered one (normal quantile, no row
added). Run from the root of the project: python -m tests.benchmarks.coverage
"""

import argparse
import sys
from itertools import product
from statistics import median

import numpy as np

from operators.evaluation import RewardModel, direct, doubly_robust, ips, snips
from tests.logged_worlds import KINDS, adaptive

ESTIMATORS = ("ips", "snips", "doubly_robust", "direct")


def plain_width(log, scores):
    """The width of the interval that everybody computes."""
    sums = np.bincount(log.clusters, scores - scores.mean())
    return 2 * 1.96 * np.sqrt(sums @ sums) / log.size


def estimates(log, target, model, predicted):
    weights = log.weights(target)
    value = (weights @ log.rewards) / weights.sum() if weights.any() else 0.0
    dr = (target * predicted).sum(axis=1) + weights * (log.rewards - log.of_chosen(predicted))
    yield ips(log, target), plain_width(log, weights * log.rewards)
    yield snips(log, target), plain_width(log, weights * (log.rewards - value) / (weights.mean() or 1.0))
    yield doubly_robust(log, target, predicted), plain_width(log, dr)
    yield direct(log, target, predicted, model.doubt(target, predicted)), 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--arms", type=int, nargs="+", default=[2, 8])
    given = parser.parse_args()
    sys.stdout.write(f"{'':46}" + "".join(f"{name:>22}" for name in (*ESTIMATORS, "effective rows")) + "\n")
    every = {name: [] for name in ESTIMATORS}
    for rows, arms, kind in product(given.rows, given.arms, KINDS):
        worlds = adaptive(given.seed, given.worlds, rows, arms, kind)
        found = {}
        for world in range(given.worlds):
            log = worlds.log(world)
            model = RewardModel(log, worlds.contexts(world), arms)
            predicted = model.predicted()
            for policy, (target, truth) in worlds.targets(world).items():
                for each, width in estimates(log, target, model, predicted):
                    hit, ratio = each.low <= truth <= each.high, (each.high - each.low) / max(width, 1e-12)
                    found.setdefault(policy, {}).setdefault(each.estimator, []).append((hit, ratio))
                    every[each.estimator].append(hit)
                    if each.estimator == "ips":
                        found[policy].setdefault("rows", []).append(each.effective_sample_size)
        for policy, by_name in found.items():
            line = f"{rows // 2:5} rows {arms} arms {kind:8} {policy:16}"
            for name in ESTIMATORS:
                share = np.mean([hit for hit, _ in by_name[name]])
                line += f"{share:14.3f} ({median(ratio for _, ratio in by_name[name]):5.2f})"
            sys.stdout.write(f"{line:46}{median(by_name['rows']):22.1f}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{'all':46}" + "".join(f"{np.mean(every[name]):22.3f}" for name in ESTIMATORS) + "\n")


if __name__ == "__main__":
    main()
