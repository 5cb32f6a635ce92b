"""What new arms cost: the regret with the learned prior divided by that with the first prior."""

import argparse
import math
import sys

import numpy as np

from operators.bandits import LinearThompson
from operators.bandits.hierarchical_prior import PriorSettings

EXPECTED = 1.0 / math.sqrt(8 * 8 * PriorSettings().slope)
"""The standard deviation of the first prior, for each of eight features of eight arms."""
SPREADS = {
    "three of 24 features tell arms apart": np.where(np.arange(24) < 3, 1.0, 0.0),
    "arms differ three times as much as the prior expects": np.full(8, 3.0 * EXPECTED),
    "the prior is right from the start": np.full(8, EXPECTED),
}


def regret(seed: int, own: np.ndarray, *, learn_prior: bool, rounds: int = 2000, every: int = 200) -> float:
    """Return the regret where three arms begin and one more comes every so many rounds.

    ``own`` is the standard deviation of each feature's weight over arms; that of features and noise is one.
    """
    rng = np.random.default_rng(seed)
    common = rng.normal(size=len(own))
    policy = LinearThompson(seed=seed, learn_prior=learn_prior)
    weights: list[np.ndarray] = []
    lost = 0.0
    for turn in range(rounds):
        if turn % every == 0:
            weights += [common + own * rng.normal(size=len(own)) for _ in range(3 if turn == 0 else 1)]
        x = rng.normal(size=len(own))
        means = np.array(weights) @ x
        arms = [f"arm{number}" for number in range(len(weights))]
        context = {f"f{at}": each for at, each in enumerate(x.tolist())}
        arm = policy.pull(arms, context)
        mean = means[arms.index(arm)]
        lost += means.max() - mean
        policy.update(arm, context, float(mean + rng.normal()))
    return lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=8)
    given = parser.parse_args()
    for title, own in SPREADS.items():
        learned, fixed = (
            np.array(
                [
                    regret(seed, own, learn_prior=each, rounds=given.rounds, every=given.every)
                    for seed in range(given.seeds)
                ]
            )
            for each in (True, False)
        )
        ratio = learned.mean() / fixed.mean()
        error = (learned - ratio * fixed).std(ddof=1) / math.sqrt(given.seeds) / fixed.mean()
        sys.stdout.write(f"{title}: {ratio:.2f} ± {error:.2f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
