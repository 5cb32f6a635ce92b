"""Classification turned into a bandit: the mean reward of the default policy, River's and vowpalwabbit's.

The arms are the classes; the right one earns 1, or a random reward: 1 with probability 0.6 against 0.1
(noisy), 0.3 against 0.05 (very noisy). Dense contexts are the numbers as they are, one-hot ones the quarter
into which each falls. A replay is a log of uniformly random choices, of which only those that agree with the
policy count and are learned from. The data sets are River's; each cell is the mean over seeds, each with its
own shuffle and draws, with the standard error of its difference from the first player.
"""

import argparse
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from river import datasets
from river.datasets import synth

from tests.benchmarks.policies import Context, players
from tests.benchmarks.side_by_side import side_by_side

Row = tuple[dict[str, float], Any]

SETS: dict[str, Callable[[int], Any]] = {
    "segments": lambda _: datasets.ImageSegments(),
    "phishing": lambda _: datasets.Phishing(),
    "bananas": lambda _: datasets.Bananas(),
    "led": lambda seed: synth.LED(seed=seed, noise_percentage=0.1, irrelevant_features=True).take(4000),
    "waveform": lambda seed: synth.Waveform(seed=seed, has_noise=True).take(4000),
    "tree": lambda seed: synth.RandomTree(seed, seed, 4, 8, 0).take(4000),
}
CHANCES = {"certain": (0.0, 1.0), "noisy": (0.1, 0.6), "very noisy": (0.05, 0.3)}


@dataclass(frozen=True)
class Task:
    """A set, the form of its contexts, the noise of its rewards, and whether it is a logged replay."""

    name: str
    form: str
    noise: str
    replay: bool = False

    @property
    def title(self) -> str:
        return ", ".join([self.name, self.form, self.noise] + ["replay"] * self.replay)

    def rounds(self, seed: int, limit: int) -> Iterator[tuple[Context, np.ndarray, int]]:
        """Contexts, each with the reward of each arm and the arm that the log chose."""
        rng = np.random.default_rng([seed, 11])
        rows: list[Row] = [({str(k): float(v) for k, v in x.items()}, y) for x, y in SETS[self.name](seed)]
        classes = sorted({y for _, y in rows}, key=str)
        low, high = CHANCES[self.noise]
        contexts = one_hot([x for x, _ in rows]) if self.form == "one-hot" else [x for x, _ in rows]
        for place in rng.permutation(len(rows))[: len(rows) if self.replay else limit]:
            chances = [high if each == rows[place][1] else low for each in classes]
            rewards = (rng.random(len(classes)) < chances).astype(float)
            yield contexts[place], rewards, int(rng.integers(len(classes)))


TASKS = tuple(
    [Task(name, "dense", "certain") for name in SETS]
    + [Task(name, form, "noisy") for name in ("segments", "led", "tree") for form in ("dense", "one-hot")]
    + [Task(name, "one-hot", "very noisy") for name in ("phishing", "waveform")]
    + [Task(name, "dense", "certain", replay=True) for name in ("segments", "led", "waveform")]
)


def one_hot(contexts: list[dict[str, float]]) -> list[dict[str, float]]:
    """A feature for each quarter that a number may fall into."""
    edges = {
        name: np.unique(np.quantile([x[name] for x in contexts], (0.25, 0.5, 0.75))) for name in contexts[0]
    }
    return [
        {f"{name}={np.searchsorted(edges[name], x[name], side='right')}": 1.0 for name in x} for x in contexts
    ]


def mean_reward(limit: int, task: Task, name: str, seed: int) -> float:
    """The mean reward per round of one run."""
    player, total, count = players()[name](seed), 0.0, 0
    for context, rewards, logged in task.rounds(seed, limit):
        arms = [f"class{number}" for number in range(len(rewards))]
        place = arms.index(player.pull(arms, context))
        if task.replay and place != logged:
            continue
        total, count = total + rewards[place], count + 1
        player.update(arms[place], context, float(rewards[place]))
    return total / max(count, 1)


def main() -> None:
    names = [name for name in players() if name in {"linear_thompson", "river_linucb"} or "vw" in name]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--policies", nargs="+", default=names, help="of %(default)s")
    given = parser.parse_args()
    run = functools.partial(mean_reward, given.rounds)
    side_by_side("set", {task.title: task for task in TASKS}, given.policies, given.seeds, run)


if __name__ == "__main__":
    main()
