"""``offerstream lift``."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flows.commands.common import add_json, check_json, write_json
from flows.studies.lift.run import HORIZON, Lift, read
from operators.experiments.lift import Measure
from schemas.errors import SetupError
from schemas.records import Timestamp

EXAMPLES = """\
  offerstream lift replayed
  offerstream lift exported --json lift.json"""

NAIVE: Final = (
    "The naive interval holds for one look at a time that was fixed before: whoever looks again and again"
    " will sooner or later see it exclude zero though offers do nothing. The other may be looked at any time."
)
POINTS: Final = 200
"""The most points of a series that are written."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``lift``."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="what replay or export wrote")
    parser.add_argument(
        "--days",
        type=float,
        default=HORIZON / timedelta(days=1),
        help="how long a unit's orders count from its first eligible moment (default: %(default)g)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print a table for each market."""
    if not 0 < args.days <= HORIZON / timedelta(days=1):
        raise SetupError(f"--days must be above 0 and at most {HORIZON.days}; got {args.days:g}")
    check_json(args.json)
    lifts = read(args.directory, timedelta(days=args.days))
    console = Console(width=None if sys.stdout.isatty() else 120)
    if not lifts:
        console.print(f"no decision is in {args.directory}, so there is nothing to compare", markup=False)
    for lift in lifts.values():
        console.print(_heading(lift), highlight=False, markup=False)
        console.print(_table(lift))
    console.print(NAIVE, highlight=False)
    write_json(args.json, {name: _figures(lift) for name, lift in lifts.items()})


def _heading(lift: Lift) -> str:
    balance, held_out = lift.balance, int(lift.units.held_out.sum())
    numbers = {
        "left out: {:,} whose time is not over": lift.pending,
        "left out: {:,} that began before these records": lift.begun_before,
        "left out: {:,} in a market without a holdout": lift.not_randomised,
        "conflicts: {:,} found to be one person with a unit of the other group": lift.conflicts,
        "lost: {:,} decisions without a reward": lift.lost,
    }
    doubt = "the holdout is not as it was set: find out why before any lift is trusted"
    lines = [
        f"\nmarket {lift.market}: {lift.units.at_s.size:,} units over {lift.horizon_s / 86_400:g} days each",
        f"held out: {held_out:,}; of all {balance.units:,} that began {balance.held_out:,}",
        f"expected of all: {balance.expected:,.0f} (p = {balance.p_value:.3g}, may be looked at any time)",
        *([doubt] if lift.is_doubtful else []),
        *(words.format(number) for words, number in numbers.items() if number),
    ]
    return "\n  ".join(lines)


def _table(lift: Lift) -> Table:
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for column in ("a unit", "policy", "holdout", "lift", "95 %, any time", "naive, one look", ""):
        table.add_column(column, justify="right", no_wrap=True)
    for name, measure, scale, form in (
        ("conversion %", lift.conversion, 100.0, ".2f"),
        ("profit", lift.profit, 1.0, ".3f"),
    ):
        verdict = ("better" if measure.lift > 0 else "worse") if measure.is_sure else "open"
        table.add_row(name, *_row(measure, scale, form), "doubtful" if lift.is_doubtful else verdict)
    return table


def _row(measure: Measure, scale: float, form: str) -> list[str]:
    policy, holdout, *differences = (scale * value for value in measure[:7])
    said = [f"{policy:{form}}", f"{holdout:{form}}", *(f"{value:+{form}}" for value in differences)]
    means, ends = said[:3], said[3:]
    words = [*means, f"{ends[0]} {ends[1]}", f"{ends[2]} {ends[3]}"]
    return ["-" if "nan" in word else word for word in words]


def _figures(lift: Lift) -> dict[str, Any]:
    return {
        "until": str(Timestamp(lift.until_s)),
        "days": lift.horizon_s / 86_400,
        "units": lift.units.at_s.size,
        "held_out": int(lift.units.held_out.sum()),
        "pending": lift.pending,
        "begun_before": lift.begun_before,
        "not_randomised": lift.not_randomised,
        "lost": lift.lost,
        "conflicts": lift.conflicts,
        "balance": lift.balance._asdict(),
        "conversion": _measure(lift.conversion, lift.horizon_s),
        "profit": _measure(lift.profit, lift.horizon_s),
    }


def _measure(measure: Measure, horizon_s: float) -> dict[str, Any]:
    """Return the figures, infinite and unknown ones as null, and their course by when units were over."""
    series = measure.series
    size = series.at_s.size
    points = np.unique(np.linspace(0, size - 1, min(size, POINTS)).astype(int))
    course = [
        {
            "at": str(Timestamp(series.at_s[at] + horizon_s)),
            "units": int(at) + 1,
            "lift": series.sequence.estimate[at],
            "lower": series.sequence.lower[at],
            "upper": series.sequence.upper[at],
            "naive_lower": series.naive.lower[at],
            "naive_upper": series.naive.upper[at],
        }
        for at in points
    ]
    return {name: value for name, value in measure._asdict().items() if name != "series"} | {"series": course}
