"""One decision from a feature dict: eight arms, 24 features, probabilities included."""

import importlib.util
import random
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from river.bandit import LinUCBDisjoint

from operators.bandits import Policy, build

ARMS: Final = ("no_offer", *(f"offer_{number}" for number in range(7)))
FEATURES: Final = 24
POLICY: Final = "linear_thompson"

Context = dict[str, Any]


def contexts(number: int, seed: int) -> list[Context]:
    """Return feature dicts: 22 numbers of three scales, two words."""
    rng = random.Random(seed)  # noqa: S311  features of a benchmark, no secrets
    return [
        {f"f{at}": rng.gauss(10.0**scale, 10.0**scale) for at in range(FEATURES - 2) for scale in (at % 3,)}
        | {"device": rng.choice(("mobile", "desktop", "tablet")), "source": rng.choice(("search", "ads"))}
        for _ in range(number)
    ]


def decide(updates: int, blocks: int, block: int) -> dict[str, Any]:
    """Return the median microseconds of a decision and of those of other libraries, block by block in turns.

    ``vowpal_us`` is that of vowpalwabbit's ``cb_explore_adf`` from the same dict, including the time to build
    its text; it is missing where vowpalwabbit is not installed.
    """
    ours: Policy = build(POLICY, seed=1)
    river = LinUCBDisjoint(seed=1)
    rng = random.Random(2)  # noqa: S311  rewards of a benchmark, no secrets
    for context in contexts(updates, 3):
        arm, reward = rng.choice(ARMS), rng.gauss(1.0, 3.0)
        ours.update(arm, context, reward)
        river.update(arm, numbers(context), reward)
    observed = contexts(block, 4)
    observed_river = [numbers(context) for context in observed]
    arms: list[int | str] = list(ARMS)
    calls: dict[str, Callable[[int], object]] = {
        "decision_us": lambda at: ours.choose(arms, observed[at], at),
        "river_us": lambda at: river.pull(arms, observed_river[at]),
    }
    if importlib.util.find_spec("vowpalwabbit") is not None:
        predict = vowpal(updates)
        calls["vowpal_us"] = lambda at: predict(lines(observed[at]))
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(blocks):
        for name, call in calls.items():
            spent[name].append(_each_us(call, block))
    return {name: statistics.median(times) for name, times in spent.items()}


def numbers(context: Context) -> dict[str, float]:
    """Return the context as River's policy takes it, with words as one-hot numbers."""
    words = {f"{name}={value}": 1.0 for name, value in context.items() if isinstance(value, str)}
    return {name: value for name, value in context.items() if not isinstance(value, str)} | words


def vowpal(updates: int) -> Callable[[list[str]], object]:
    """Return vowpalwabbit's prediction of a decision, after as many updates."""
    from vowpalwabbit import Workspace  # noqa: PLC0415  a yardstick of development, not needed to run

    workspace = Workspace("--cb_explore_adf --squarecb -q sa --quiet --random_seed 1")
    rng = random.Random(2)  # noqa: S311  rewards of a benchmark, no secrets
    for context in contexts(updates, 3):
        place, reward, example = rng.randrange(1, len(ARMS) + 1), rng.gauss(1.0, 3.0), lines(context)
        example[place] = f"0:{-reward}:{1 / len(ARMS)} {example[place]}"
        workspace.learn(example)
    predict: Callable[[list[str]], object] = workspace.predict
    return predict


def lines(context: Context) -> list[str]:
    """Return the decision as vowpalwabbit reads it: the shopper's features, then a line for each arm."""
    words = [f"{k}={v}" if isinstance(v, str) else f"{k}:{v:.6g}" for k, v in context.items()]
    return [f"shared |s {' '.join(words)}", *(f"|a {arm}" for arm in ARMS)]


def _each_us(call: Callable[[int], object], times: int) -> float:
    began_s = time.process_time()
    for at in range(times):
        call(at)
    return (time.process_time() - began_s) / times * 1e6
