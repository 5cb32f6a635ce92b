"""What winsorising costs and brings where rewards are lognormal, and most of them zero.

Each cell is the regret as a share of that of choosing at random: mean over seeds, and the standard error of
its difference from the first player. A player is a policy spec. With ``--outliers``, one reward in a hundred
is 500 times the usual, on any arm.
"""

import argparse
import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from operators.bandits.spec import policy_from_spec
from tests.benchmarks.side_by_side import side_by_side

SIGMA = 1.5


class Orders(NamedTuple):
    """Orders come with a chance that differs by arm and shopper; their margins are lognormal with median 10.

    ``sizes`` is how far arms differ in the logarithm of the margin, ``cost`` what an offer costs with an
    order, ``shown`` what it costs when it is seen, which is half of the time, ``share`` the part of a margin
    that is given away.
    """

    chance: float
    effect: float = 0.5
    sizes: float = 0.0
    cost: float = 0.0
    shown: float = 0.0
    share: float = 0.0
    arms: int = 4

    def __call__(self, rng: np.random.Generator, rounds: int) -> Iterator[tuple[Any, np.ndarray, np.ndarray]]:
        arms = self.arms
        level, weights = rng.normal(size=arms) * self.effect, rng.normal(size=(4, arms)) * self.effect / 2
        size = rng.normal(size=arms) * self.sizes
        offer = np.r_[0.0, np.ones(arms - 1)]
        odds = math.log(self.chance / (1.0 - self.chance)) if self.chance < 1.0 else 50.0
        for _ in range(rounds):
            x, z = rng.normal(size=4), rng.normal(size=arms)
            chances = 1.0 / (1.0 + np.exp(-(odds + level + x @ weights)))
            kept = 1.0 - self.share * offer
            margins = 10.0 * np.exp(size + SIGMA * z) * kept - self.cost * offer
            mean = 10.0 * np.exp(size + SIGMA**2 / 2.0) * kept - self.cost * offer
            seen = rng.random(arms) < 0.5
            rewards = (rng.random(arms) < chances) * margins - self.shown * offer * seen
            context = {f"x{at}": float(each) for at, each in enumerate(x)}
            yield context, chances * mean - 0.5 * self.shown * offer, rewards


WORLDS = {
    "5 % order": Orders(0.05),
    "10 % order": Orders(0.1),
    "20 % order": Orders(0.2),
    "20 % order, two arms": Orders(0.2, arms=2),
    "10 % order, margins differ": Orders(0.1, sizes=0.4),
    "10 % order, an offer costs 10 with an order": Orders(0.1, cost=10.0),
    "10 % order, an offer costs a fifth": Orders(0.1, share=0.2),
    "5 % order, an offer costs 0.08 when seen": Orders(0.05, shown=0.08),
    "all order": Orders(1.0, sizes=0.4),
}


def regret(rounds: int, outliers: float, title: str, spec: str, seed: int) -> float:
    """Return the regret of one run as a share of that of choosing at random."""
    world = WORLDS[title]
    rng = np.random.default_rng([seed, sum(map(ord, title)), 815])
    wild = np.random.default_rng([seed, 816])
    policy, arms = policy_from_spec(spec, seed=seed), ["no_offer", *(f"o{n}" for n in range(1, world.arms))]
    lost = at_random = 0.0
    for context, means, rewards in world(rng, rounds):
        place = arms.index(policy.pull(arms, context))
        lost += means.max() - means[place]
        at_random += means.max() - means.mean()
        is_wild = wild.random() < outliers
        policy.update(arms[place], context, 5000.0 if is_wild else float(rewards[place]))
    return lost / at_random


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--outliers", action="store_true")
    few = ["linear_thompson", "linear_thompson:winsorize=none"]
    parser.add_argument("--policies", nargs="+", default=few, help="policy specs")
    given = parser.parse_args()
    run = functools.partial(regret, given.rounds, 0.01 if given.outliers else 0.0)
    side_by_side("world", dict(zip(WORLDS, WORLDS, strict=True)), given.policies, given.seeds, run)


if __name__ == "__main__":
    main()
