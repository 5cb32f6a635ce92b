"""Several policies over the same events or the same shoppers, side by side."""

import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from flows.demo.settings import OFFERS as DEMO_OFFERS
from flows.files.jsonl import make_output_directory
from flows.settings import Settings
from flows.studies.backtest.result import PolicyResult, read_result, result_row
from flows.studies.backtest.shoppers import Shoppers, WorldLength, world_of
from flows.studies.backtest.shopping import shop_in
from flows.studies.ending import ending
from flows.studies.replay import replay
from operators.bandits.spec import policy_from_spec
from operators.simulation import World
from schemas.errors import SetupError
from schemas.rollout import Rollout
from schemas.shop import EXAMPLE_OFFERS, Shop

RECORDED_NOTE: Final = (
    "The shoppers of a recording do not react to offers that were never made to them: conversion and profit "
    "are those of the log whatever a policy offers, so they do not estimate what it would have earned. What "
    "you can compare here is what each policy would have offered and how well carts were scored. For "
    "estimates of profit use `offerstream evaluate` on logged decisions, or simulated shoppers."
)
SHOPPERS_NOTE: Final = (
    "The same simulated shoppers meet every policy with the same luck and react to its offers. Intervals are "
    "95 %, clustered by visitor; differences are paired by visitor. Regret is exact: the expected profit of "
    "each cart's best arm, known from the simulation, less that of the arm that was chosen."
)

PolicyRun = Callable[[Settings, Path], Sequence[str]]
"""Runs the dataflow with these settings, writes its files to a directory, and returns how it ended."""


def recorded_run(inputs: Sequence[Path], format_: str) -> PolicyRun:
    """Return the run over recorded events, which raises NothingTakenError where none of them is taken.

    Raises SetupError where an input is not a file.
    """
    for path in inputs:
        if not path.is_file():
            raise SetupError(f"the input must be a file that can be read; got {str(path)!r}")

    def run(settings: Settings, out: Path) -> list[str]:
        summary = replay(inputs, format_, out, settings, compared_shop(settings))
        return ending(summary, inputs, format_, settings)

    return run


def simulated_run(shoppers: Shoppers, settings: Settings, length: WorldLength) -> PolicyRun:
    """Return the run over simulated shoppers; each run starts the same world anew."""
    world = world_of(shoppers, settings, length)

    def run(settings: Settings, out: Path) -> list[str]:
        shop_in(World(settings.seed, world), settings, compared_shop(settings), out)
        return []

    return run


def compared_shop(settings: Settings) -> Shop:
    """Return the shop in which the policy of the settings chooses in every market, for everybody.

    What the offers file says of the markets' own policies and of their rollout is left out: it would choose
    in place of the policies that are compared.
    """
    shop = settings.shop()
    compared = {"policy": None, "rollout": Rollout()}
    markets = {name: market.model_copy(update=compared) for name, market in shop.markets.items()}
    return shop.model_copy(update={"markets": markets})


def with_demo_offers(settings: Settings) -> Settings:
    """Return the settings with the demo's offers, whose windows are short, unless others were chosen."""
    is_chosen = settings.offers != EXAMPLE_OFFERS
    return settings if is_chosen else settings.model_copy(update={"offers": DEMO_OFFERS})


def backtest(
    run: PolicyRun,
    specs: Sequence[str],
    settings: Settings,
    out: Path | None,
    on_result: Callable[[PolicyResult], object] = lambda _: None,
) -> list[dict[str, Any]]:
    """Run every policy and return a row of figures for each, compared with the first.

    Their files go to folders of ``out`` named after the policies, or are dropped (None). Raises SetupError
    where ``out`` is not empty, and for a policy that cannot be built or that is given twice.
    """
    check_policies(specs, settings)
    if out is not None:
        make_output_directory(out)
    results: list[PolicyResult] = []
    with ExitStack() as opened:
        for spec in specs:
            parent = out
            if parent is None:
                temporary = tempfile.TemporaryDirectory(prefix="offerstream-backtest-")
                parent = Path(opened.enter_context(temporary))
            folder = parent / folder_of(spec)
            folder.mkdir(parents=True)
            sentences = run(settings.model_copy(update={"policy": spec}), folder)
            results.append(read_result(spec, folder, sentences))
            on_result(results[-1])
    return [result_row(result, results[0]) for result in results]


def check_policies(specs: Sequence[str], settings: Settings) -> None:
    """Raise SetupError for a policy that cannot be built, that is given twice or whose arm no offer has."""
    folders: set[str] = set()
    for spec in specs:
        policy_from_spec(spec, seed=settings.seed)
        settings.model_copy(update={"policy": spec}).shop()
        if folder_of(spec) in folders:
            raise SetupError(f"each policy must be given once; got {spec!r} twice")
        folders.add(folder_of(spec))


def folder_of(spec: str) -> str:
    """Return the name of a policy's folder.

    >>> folder_of("linear_thompson:half_life=1000")
    'linear_thompson-half_life-1000'
    """
    return re.sub(r"[^\w.-]", "-", spec)
