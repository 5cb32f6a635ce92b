"""How often the 95 % intervals contain the truth in adaptively logged worlds, as a table on standard output.

Each line is one policy over 300 worlds: the share of worlds whose interval contains the true value, for each
estimator; in brackets the median width as a multiple of the plain clustered one (1.96 standard errors). The
last line is how often the plain ones contain it. Run from the root of the project:

    python -m tests.benchmarks.coverage
"""

import argparse
import sys
from itertools import product
from statistics import median

import numpy as np

from operators.evaluation import RewardModel, direct, doubly_robust, ips, snips
from operators.evaluation.intervals import clustered_error
from tests.logged_worlds import KINDS, adaptive

ESTIMATORS = ("ips", "snips", "doubly_robust", "direct")


def plain_reach(log, scores):
    """Return half the width of the usual interval."""
    return 1.96 * clustered_error(scores - scores.mean(), log.clusters)


def estimates(log, target, model, predicted):
    """Yield each estimate with half the width of its usual interval."""
    weights = log.weights(target)
    value = (weights @ log.rewards) / weights.sum() if weights.any() else 0.0
    model_only = (target * predicted).sum(axis=1)
    corrected = model_only + weights * (log.rewards - log.of_chosen(predicted))
    yield ips(log, target), plain_reach(log, weights * log.rewards)
    yield snips(log, target), plain_reach(log, weights * (log.rewards - value) / (weights.mean() or 1.0))
    yield doubly_robust(log, target, predicted), plain_reach(log, corrected)
    yield direct(log, target, predicted, model.doubt(target, predicted)), plain_reach(log, model_only)


def line(title, cells):
    sys.stdout.write(f"{title:46}" + "".join(f"{cell:>22}" for cell in cells) + "\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[1000, 4000], help="half of them are evaluated"
    )
    parser.add_argument("--arms", type=int, nargs="+", default=[2, 8])
    given = parser.parse_args()
    line("", (*ESTIMATORS, "effective rows"))
    every = {name: [] for name in ESTIMATORS}
    for rows, arms, kind in product(given.rows, given.arms, KINDS):
        worlds = adaptive(given.seed, given.worlds, rows, arms, kind)
        found, effective = {}, {}
        for world in range(given.worlds):
            log = worlds.log(world)
            model = RewardModel(log, worlds.contexts(world), arms)
            predicted = model.predicted()
            for policy, (target, truth) in worlds.targets(world).items():
                for each, plain in estimates(log, target, model, predicted):
                    result = (
                        each.low <= truth <= each.high,
                        abs(each.value - truth) <= plain,
                        (each.high - each.low) / 2 / max(plain, 1e-12),
                    )
                    found.setdefault(policy, {}).setdefault(each.estimator, []).append(result)
                    every[each.estimator].append(result)
                effective.setdefault(policy, []).append(each.effective_sample_size)
        for policy, by_name in found.items():
            columns = [list(zip(*by_name[name], strict=True)) for name in ESTIMATORS]
            cells = [f"{np.mean(held):.3f} ({median(ratios):.2f})" for held, _, ratios in columns]
            title = f"{rows // 2:5} rows {arms} arms {kind:8} {policy}"
            line(title, (*cells, f"{median(effective[policy]):.1f}"))
    for title, which in (("all", 0), ("all, plain intervals", 1)):
        line(title, [f"{np.mean([each[which] for each in every[name]]):.3f}" for name in ESTIMATORS])


if __name__ == "__main__":
    main()
