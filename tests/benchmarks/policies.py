"""The regret of every policy in worlds with known mean rewards: a table on standard output, and a plot.

Each cell is the regret of a run as a share of that of choosing at random, its mean over seeds with the
standard error; in brackets the ratio to the best policy of that world. River's `LinUCBDisjoint` is in the
table, and `vowpalwabbit` where it is installed. All policies get the same shoppers.
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from plotly import graph_objects
from river.bandit import LinUCBDisjoint

from operators.bandits import POLICIES, build

Context = dict[str, Any]


class Player(Protocol):
    """A policy of this project or of another library."""

    def pull(self, arm_ids: list[str], context: Context) -> str: ...

    def update(self, arm_id: str, context: Context, reward: float) -> None: ...


@dataclass(frozen=True)
class World:
    """Shoppers with ten numbers on different scales and a device; preferences are drawn from the seed."""

    name: str
    arms: int
    noise: float = 1.0
    preference: float = 0.5
    shared: float = 0.0
    pairs: float = 0.0
    turns: bool = False
    rare: bool = False
    cost: float = 0.0

    @property
    def title(self) -> str:
        return f"{self.name} ({self.arms})"

    def shoppers(self, seed: int, rounds: int) -> Iterator[tuple[Context, np.ndarray, float, float]]:
        """Yield context, mean reward of each arm, and a normal and a uniform number for its noise."""
        rng = np.random.default_rng([seed, self.arms, sum(map(ord, self.name))])
        linear = rng.normal(size=(2, self.arms, 10)) * math.sqrt(0.1)
        device = rng.normal(size=(self.arms, 3)) / 2
        level = rng.normal(size=self.arms) * 0.3
        common = rng.normal(size=10) * math.sqrt(0.1)
        first, second = rng.integers(10, size=(2, self.arms, 6))
        weight = rng.normal(size=(self.arms, 6)) / 2
        scale, offset = np.exp(rng.normal(size=(2, 10)))
        for turn in range(rounds):
            later = self.turns and 2 * turn >= rounds
            x, kind = rng.normal(size=10), int(rng.integers(3))
            context: Context = {f"f{i}": each for i, each in enumerate((x * scale + offset).tolist())}
            context["device"] = ("phone", "tablet", "desktop")[kind]
            own = (linear[int(later)] @ x + device[:, kind]) / 2 + (-level if later else level)
            means = own * self.preference / 0.5 + self.shared * (common @ x)
            means = means + self.pairs * (weight * x[first] * x[second]).sum(axis=1)
            means[1:] -= self.cost
            if self.rare:
                means = 1.0 / (1.0 + np.exp(4.3 - 1.2 * means))
            yield context, means, float(rng.normal()), float(rng.random())


WORLDS = (
    World("linear", 2),
    World("linear", 8),
    World("linear", 50),
    World("little noise", 8, noise=0.05),
    World("interactions", 8, preference=0.15, pairs=1.0),
    World("best arm changes", 8, turns=True),
    World("rare rewards", 8, rare=True),
    World("no offer is best", 8, noise=6.0, preference=1.5, shared=4.0, cost=2.5),
    World("money", 8, noise=20.0, preference=1.5, shared=4.0),
)


class River:
    """River's LinUCBDisjoint with an intercept and one-hot words, which it does not add itself."""

    def __init__(self, seed: int) -> None:
        self.policy = LinUCBDisjoint(seed=seed)

    def plain(self, context: Context) -> dict[str, float]:
        words = {f"{name}={value}": 1.0 for name, value in context.items() if isinstance(value, str)}
        numbers = {name: value for name, value in context.items() if not isinstance(value, str)}
        return {"intercept": 1.0} | numbers | words

    def pull(self, arm_ids: list[str], context: Context) -> str:
        return self.policy.pull(arm_ids, self.plain(context))

    def update(self, arm_id: str, context: Context, reward: float) -> None:
        self.policy.update(arm_id, self.plain(context), reward)


class Vowpal:
    """vowpalwabbit's cb_explore_adf, each arm crossed with the shopper's features."""

    def __init__(self, options: str, seed: int) -> None:
        from vowpalwabbit import Workspace  # noqa: PLC0415 - it need not be installed

        flags = f"--cb_explore_adf {options} -q sa --quiet --random_seed {seed + 1}"
        self.workspace = Workspace(flags)
        self.random = random.Random(seed)
        self.arms: list[str] = []
        self.propensity = 1.0

    def lines(self, arms: list[str], context: Context) -> list[str]:
        words = [f"{k}={v}" if isinstance(v, str) else f"{k}:{v:.6g}" for k, v in context.items()]
        return [f"shared |s {' '.join(words)}", *(f"|a {arm}" for arm in arms)]

    def pull(self, arm_ids: list[str], context: Context) -> str:
        shares = self.workspace.predict(self.lines(arm_ids, context))
        (place,) = self.random.choices(range(len(arm_ids)), shares)
        self.arms, self.propensity = arm_ids, shares[place] / sum(shares)
        return arm_ids[place]

    def update(self, arm_id: str, context: Context, reward: float) -> None:
        lines = self.lines(self.arms, context)
        place = 1 + self.arms.index(arm_id)
        lines[place] = f"0:{-reward}:{self.propensity} {lines[place]}"
        self.workspace.learn(lines)


def players() -> dict[str, Callable[[int], Player]]:
    found: dict[str, Callable[[int], Player]] = {
        name: lambda seed, name=name: build(name, seed=seed) for name in POLICIES
    }
    found["river_linucb"] = River
    try:
        import vowpalwabbit  # noqa: F401, PLC0415 - only whether it is installed
    except ImportError:
        return found
    found["vw_squarecb"] = lambda seed: Vowpal("--squarecb", seed)
    found["vw_epsilon"] = lambda seed: Vowpal("--epsilon 0.1", seed)
    return found


def regret(world: World, name: str, seed: int, rounds: int) -> float:
    """Return the regret of one run as a share of that of choosing at random."""
    player, arms = players()[name](seed), ["no_offer", *(f"offer_{i}" for i in range(1, world.arms))]
    lost = at_random = 0.0
    for context, means, normal, chance in world.shoppers(seed, rounds):
        place = arms.index(player.pull(arms, context))
        lost += means.max() - means[place]
        at_random += means.max() - means.mean()
        reward = float(chance < means[place]) if world.rare else float(means[place] + world.noise * normal)
        player.update(arms[place], context, reward)
    return lost / at_random


Runs = dict[tuple[str, str], list[float]]


def measure(names: list[str], seeds: int, rounds: int) -> Runs:
    """Return the regrets by title of the world and name of the player, one number for each seed."""
    runs = [(world, name, seed) for seed in range(seeds) for world in WORLDS for name in names]
    found: Runs = {}
    with ProcessPoolExecutor(2) as pool:
        regrets = pool.map(regret, *zip(*runs, strict=True), [rounds] * len(runs))
        for (world, name, _), lost in zip(runs, regrets, strict=True):
            found.setdefault((world.title, name), []).append(lost)
    return found


def table(found: Runs, names: list[str]) -> str:
    """Return the means with their standard errors and ratios to the best, as lines of Markdown."""
    lines = ["| world (arms) | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    ratios = []
    for world in WORLDS:
        cells = np.array([found[world.title, name] for name in names])
        means, errors = cells.mean(axis=1), cells.std(axis=1, ddof=1) / math.sqrt(cells.shape[1])
        ratios.append(means / means.min())
        row = zip(means, errors, ratios[-1], strict=True)
        lines.append(
            f"| {world.title} | " + " | ".join(f"{m:.3f} ± {e:.3f} ({r:.2f})" for m, e, r in row) + " |"
        )
    for title, each in (
        ("geometric mean of ratios", np.exp(np.log(ratios).mean(axis=0))),
        ("greatest ratio", np.max(ratios, axis=0)),
    ):
        lines.append(f"| {title} | " + " | ".join(f"{ratio:.2f}" for ratio in each) + " |")
    return "\n".join(lines)


def plot(found: Runs, names: list[str]) -> graph_objects.Figure:
    """Return the spread of the regret over seeds: a box for each world and player."""
    figure = graph_objects.Figure(
        layout={"boxmode": "group", "title": "Regret, as a share of choosing at random"}
    )
    for name in names:
        points = [(world.title, lost) for world in WORLDS for lost in found[world.title, name]]
        titles, regrets = zip(*points, strict=True)
        figure.add_box(x=titles, y=regrets, name=name, boxpoints="outliers")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--policies", nargs="+", default=list(players()), help="of %(default)s")
    parser.add_argument("--plot", type=Path, help="an HTML file to write the spread over seeds to")
    given = parser.parse_args()
    found = measure(given.policies, given.seeds, given.rounds)
    sys.stdout.write(table(found, given.policies) + "\n")
    if given.plot is not None:
        plot(found, given.policies).write_html(given.plot, include_plotlyjs="cdn")


if __name__ == "__main__":
    main()
