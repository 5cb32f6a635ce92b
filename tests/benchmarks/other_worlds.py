"""Regret in twelve more worlds, by which no constant of the policies was chosen.

Clicks on words and numbers, rewards with heavy tails, shoppers of hidden segments, profits of purchases,
preferences that drift or flip, no noise at all. Each cell is the regret as a share of that of choosing at
random: mean over seeds, and the standard error of its difference from the first player. All players get the
same shoppers, who earn them the same with the same arm.
"""

import argparse
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.policies import players
from tests.benchmarks.side_by_side import side_by_side

Rng = np.random.Generator
Turn = tuple[dict[str, Any], np.ndarray, np.ndarray]
Shoppers = Callable[[Rng, int, int], Iterator[Turn]]
"""From a generator and the numbers of arms and rounds: context, mean and drawn reward of every arm."""


def logistic(z: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-z))


def clicks(base: float, effect: float, levels: int) -> Shoppers:
    """Six words of up to ``levels`` values and four numbers move the log-odds of a click from ``base``."""

    def shoppers(rng: Rng, arms: int, rounds: int) -> Iterator[Turn]:
        sizes = rng.integers(3, levels, 6)
        by_word = [rng.normal(size=(size, arms)) * effect for size in sizes]
        by_number = rng.normal(size=(4, arms)) * effect
        level = rng.normal(size=arms) * 0.3
        for _ in range(rounds):
            words = [int(rng.integers(size)) for size in sizes]
            x = rng.normal(size=4)
            odds = base + level + sum(by_word[at][word] for at, word in enumerate(words)) + x @ by_number
            chances = logistic(odds)
            context: dict[str, Any] = {f"w{at}": f"v{word}" for at, word in enumerate(words)}
            context |= {
                f"n{at}": float(np.exp(each)) if at == 0 else float(each) for at, each in enumerate(x)
            }
            yield context, chances, (rng.random(arms) < chances) * 1.0

    return shoppers


class Linear(NamedTuple):
    """Rewards linear in correlated numbers around different offsets; the weights may drift or flip."""

    features: int
    noise: float
    heavy: bool = False
    drift: float = 0.0
    turns: bool = False
    shared: float = 0.0

    def __call__(self, rng: Rng, arms: int, rounds: int) -> Iterator[Turn]:
        size = self.features
        mixed = rng.normal(size=(size, size)) / size**0.5 + np.eye(size)
        weights = rng.normal(size=(2, size, arms)) / size**0.5
        level, common = rng.normal(size=arms) * 0.3, rng.normal(size=size) * self.shared / size**0.5
        offset = rng.normal(size=size) * 3.0
        for turn in range(rounds):
            x, angle = mixed @ rng.normal(size=size), turn / rounds * self.drift
            now = weights[int(self.turns and 2 * turn >= rounds)] * math.cos(angle)
            means = x @ (now + weights[1] * math.sin(angle)) + level + x @ common
            noise = rng.standard_t(3, size=arms) / 3**0.5 if self.heavy else rng.normal(size=arms)
            context = {f"f{at}": float(each) for at, each in enumerate(x + offset)}
            yield context, means, means + self.noise * noise


def segments(rng: Rng, arms: int, rounds: int) -> Iterator[Turn]:
    """Each of four hidden segments has its best arm; three words and three numbers hint at the segment."""
    best, means = rng.permutation(arms)[:4], rng.normal(size=(4, arms)) * 0.3
    means[range(4), best] += 1.0
    hints, middles = rng.dirichlet(np.ones(5) * 0.4, size=(4, 3)), rng.normal(size=(4, 3))
    for _ in range(rounds):
        segment = int(rng.integers(4))
        words = [int(rng.choice(5, p=hints[segment, at])) for at in range(3)]
        x, noise = middles[segment] + rng.normal(size=3), rng.normal(size=arms)
        context: dict[str, Any] = {f"w{at}": f"{word}" for at, word in enumerate(words)}
        yield (
            context | {f"x{at}": float(each) for at, each in enumerate(x)},
            means[segment],
            means[segment] + noise,
        )


def profits(rng: Rng, arms: int, rounds: int) -> Iterator[Turn]:
    """A purchase earns three tenths of a skewed cart, less what the offer costs; most carts earn nothing."""
    level, weights = rng.normal(size=arms) * 0.35, rng.normal(size=(5, arms)) * 0.3
    cost, lift = (np.r_[0.0, rng.uniform(low, high, arms - 1)] for low, high in ((1.0, 6.0), (0.1, 1.2)))
    for _ in range(rounds):
        x, value = rng.normal(size=5), float(np.exp(rng.normal(3.6, 0.7)))
        chances, earned = logistic(-2.2 + lift + x @ weights + level * 0.3), 0.3 * value - cost
        context: dict[str, Any] = {f"x{at}": float(each) for at, each in enumerate(x)}
        context |= {"cart_value": value, "device": "ab"[int(x[0] > 0.0)]}
        yield context, chances * earned, (rng.random(arms) < chances) * earned


def no_offer(rng: Rng, arms: int, rounds: int) -> Iterator[Turn]:
    """What shoppers have in common moves rewards more than any offer, and no offer is best for most."""
    weights = rng.normal(size=(6, arms)) * 0.3
    weights[:, 0] = 0.0
    level, common = np.r_[1.2, rng.normal(size=arms - 1) * 0.3], rng.normal(size=6)
    for _ in range(rounds):
        x = rng.normal(size=6)
        means, noise = level + x @ weights + x @ common, rng.normal(size=arms) * 1.5
        yield {f"x{at}": float(each * 10 + 5) for at, each in enumerate(x)}, means, means + noise


def quadratic(rng: Rng, arms: int, rounds: int) -> Iterator[Turn]:
    """Rewards are quadratic in six numbers: no linear model is right."""
    curved, weights = rng.normal(size=(arms, 6, 6)) / 6, rng.normal(size=(arms, 6)) * 0.4
    for _ in range(rounds):
        x = rng.normal(size=6)
        means, noise = np.einsum("kij,i,j->k", curved, x, x) + weights @ x, rng.normal(size=arms) * 0.5
        yield {f"x{at}": float(each) for at, each in enumerate(x)}, means, means + noise


WORLDS: dict[str, tuple[int, Shoppers]] = {
    "clicks 12 %": (4, clicks(-2.0, 0.4, 6)),
    "clicks 2 %": (8, clicks(-4.2, 0.4, 5)),
    "two, heavy tails": (2, Linear(20, 1.5, heavy=True)),
    "two, words": (2, clicks(-1.0, 0.6, 8)),
    "eight, no noise": (8, Linear(12, 0.0)),
    "segments": (8, segments),
    "profits": (8, profits),
    "fifty": (50, Linear(8, 1.0, shared=1.0)),
    "slow drift": (8, Linear(10, 1.0, drift=1.5)),
    "best arm changes": (8, Linear(10, 1.0, turns=True)),
    "no offer is best": (12, no_offer),
    "quadratic": (5, quadratic),
}


def regret(rounds: int, title: str, name: str, seed: int) -> float:
    """Return the regret of one run as a share of that of choosing at random."""
    size, shoppers = WORLDS[title]
    rng = np.random.default_rng([seed, sum(map(ord, f"{title} ({size})")), 4711])
    player, arms = players()[name](seed), ["no_offer", *(f"o{number}" for number in range(1, size))]
    lost = at_random = 0.0
    for context, means, rewards in shoppers(rng, size, rounds):
        place = arms.index(player.pull(arms, context))
        lost += means.max() - means[place]
        at_random += means.max() - means.mean()
        player.update(arms[place], context, float(rewards[place]))
    return lost / at_random


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=20)
    few = ["linear_thompson", "epsilon_greedy", "river_linucb"]
    parser.add_argument("--policies", nargs="+", default=few, help=f"of {', '.join(players())}")
    given = parser.parse_args()
    worlds = {f"{title} ({size})": title for title, (size, _) in WORLDS.items()}
    run = functools.partial(regret, given.rounds)
    side_by_side("world (arms)", worlds, given.policies, given.seeds, run)


if __name__ == "__main__":
    main()
