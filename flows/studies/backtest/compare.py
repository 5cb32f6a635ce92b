"""Several policies over the same events or the same shoppers, side by side."""

import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from flows.demo.settings import OFFERS as DENSE_OFFERS
from flows.files.jsonl import make_output_directory
from flows.settings import Settings
from flows.studies.backtest.result import Result, read_result, row
from flows.studies.backtest.shoppers import Length, Shoppers, shop_in, world_of
from flows.studies.replay import replay
from operators.bandits.spec import built
from operators.simulation import World
from schemas.errors import SetupError
from schemas.shop import EXAMPLE_OFFERS

RECORDED_NOTE: Final = (
    "Shoppers of a recording do not react to offers they were never made: conversion and profit are those of "
    "the log, whatever was offered, so they are no estimate of what a policy would have earned. What can be "
    "compared here is what each policy would have offered and how well carts were scored. For estimates of "
    "profit use `offerstream evaluate` on logged decisions, or `--shoppers`."
)
SHOPPERS_NOTE: Final = (
    "The same simulated shoppers meet every policy with the same luck and react to its offers. Intervals are "
    "95 %, clustered by visitor; differences are paired by visitor. Regret is exact: the expected profit of "
    "each cart's best arm, for one who knows every shopper, less that of the arm chosen."
)

Run = Callable[[Settings, Path], object]
"""Runs the page with these settings and writes its files into a directory."""


def over_files(inputs: Sequence[Path], form: str) -> Run:
    """Return the run of recorded events; raises SetupError where an input is not a file."""
    for path in inputs:
        if not path.is_file():
            raise SetupError(f"INPUT must be a file that can be read; got {str(path)!r}")
    return lambda settings, out: replay(inputs, form, out, settings)


def over_shoppers(shoppers: Shoppers, settings: Settings, length: Length) -> Run:
    """Return the run of simulated shoppers; each starts the same world anew."""
    world = world_of(shoppers, settings, length)
    return lambda settings, out: shop_in(World(settings.seed, world), settings, out)


def dense(settings: Settings) -> Settings:
    """Return the settings with the demo's offers, whose windows are short, unless others were chosen."""
    chosen = settings.offers != EXAMPLE_OFFERS
    return settings if chosen else settings.model_copy(update={"offers": DENSE_OFFERS})


def backtest(
    run: Run,
    specs: Sequence[str],
    settings: Settings,
    out: Path | None,
    heard: Callable[[Result], object] = lambda _: None,
) -> list[dict[str, Any]]:
    """Run every policy and return a row of figures for each, compared with the first.

    Their files go into folders of ``out`` named after the policies, or are dropped (None). Raises SetupError
    where ``out`` has something in it, and for a policy that cannot be built or that comes twice.
    """
    check(specs, settings)
    if out is not None:
        make_output_directory(out)
    results: list[Result] = []
    with ExitStack() as opened:
        for spec in specs:
            room = out
            if room is None:
                made = opened.enter_context(tempfile.TemporaryDirectory(prefix="offerstream-backtest-"))
                room = Path(made)
            folder = room / folder_of(spec)
            folder.mkdir(parents=True)
            run(settings.model_copy(update={"policy": spec}), folder)
            results.append(read_result(spec, folder))
            heard(results[-1])
    return [row(each, results[0]) for each in results]


def check(specs: Sequence[str], settings: Settings) -> None:
    """Raise SetupError for a policy that cannot be built, an arm that nobody offers, and a policy twice."""
    folders: set[str] = set()
    for spec in specs:
        built(spec, seed=settings.seed)
        settings.model_copy(update={"policy": spec}).shop()
        if folder_of(spec) in folders:
            raise SetupError(f"--policy must be given once for each policy; got {spec!r} twice")
        folders.add(folder_of(spec))


def folder_of(spec: str) -> str:
    """Return the name of a policy's folder.

    >>> folder_of("linear_thompson:half_life=1000")
    'linear_thompson-half_life-1000'
    """
    return re.sub(r"[^\w.-]", "-", spec)
