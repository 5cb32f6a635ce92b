"""The lift of a market as text, as a table and as plain figures for a program."""

from typing import Any, Final

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from flows.studies.lift.run import MarketLift
from operators.experiments.lift import MetricLift
from schemas.records import Timestamp

NAIVE_NOTE: Final = (
    "The naive interval is valid for one look at a time that was fixed in advance: if you look again and "
    "again, it excludes zero sooner or later even where offers do nothing. The other one is anytime-valid: "
    "look as often as you like."
)
MAX_POINTS: Final = 200
"""How many points of a series the figures have at most."""


def heading(lift: MarketLift) -> str:
    """Return how many units there are, how many are held out, and what is left out."""
    balance, held_out = lift.balance, int(lift.units.held_out.sum())
    numbers = {
        "left out: {:,} whose time is not over": lift.pending,
        "left out: {:,} that began before these records": lift.begun_before,
        "left out: {:,} in a market without a holdout": lift.not_randomised,
        "left out: {:,} decided upon in shadow alone": lift.in_shadow,
        "left out: {:,} outside of the canary, or of the rollout's rule": lift.outside,
        "conflicts: {:,} found to be one person with a unit of the other group": lift.conflicts,
        "lost: {:,} decisions without a reward": lift.lost,
    }
    doubt = "the share of the holdout differs from the configured one: find out why before you trust any lift"
    lines = [
        f"\nmarket {lift.market}: {lift.units.at_s.size:,} units over {lift.horizon_s / 86_400:g} days each",
        *([f"stage of the rollout: {lift.stage}"] if lift.stage != "online" else []),
        f"held out: {held_out:,}; of all {balance.units:,} that began {balance.held_out:,}",
        f"expected of all: {balance.expected:,.0f} (p = {balance.p_value:.3g}, anytime-valid)",
        *([doubt] if lift.is_doubtful else []),
        *(text.format(number) for text, number in numbers.items() if number),
    ]
    return "\n  ".join(lines)


def table(lift: MarketLift) -> Table:
    """Return the means of both groups, the lift with its intervals, and whether it is certain."""
    rows = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for column in ("per unit", "policy", "holdout", "lift", "95 %, anytime-valid", "naive, one look", ""):
        rows.add_column(column, justify="right", no_wrap=True)
    for name, measure, scale, format_ in (
        ("conversion %", lift.conversion, 100.0, ".2f"),
        ("profit", lift.profit, 1.0, ".3f"),
    ):
        verdict = ("better" if measure.lift > 0 else "worse") if measure.excludes_zero else "open"
        cells = _cells(measure, scale, format_)
        rows.add_row(name, *cells, "doubtful" if lift.is_doubtful else verdict)
    return rows


def _cells(measure: MetricLift, scale: float, format_: str) -> list[str]:
    policy, holdout, *differences = (scale * value for value in measure[:7])
    lift, lower, upper, naive_lower, naive_upper = (f"{value:+{format_}}" for value in differences)
    cells = [
        f"{policy:{format_}}",
        f"{holdout:{format_}}",
        lift,
        f"{lower} {upper}",
        f"{naive_lower} {naive_upper}",
    ]
    return ["-" if "nan" in cell else cell for cell in cells]


def figures(lift: MarketLift) -> dict[str, Any]:
    """Return the figures as JSON has them; infinite and unknown ones become null there."""
    return {
        "stage": lift.stage,
        "until": str(Timestamp(lift.until_s)),
        "days": lift.horizon_s / 86_400,
        "units": lift.units.at_s.size,
        "held_out": int(lift.units.held_out.sum()),
        "pending": lift.pending,
        "begun_before": lift.begun_before,
        "not_randomised": lift.not_randomised,
        "in_shadow": lift.in_shadow,
        "outside_rollout": lift.outside,
        "lost": lift.lost,
        "conflicts": lift.conflicts,
        "balance": lift.balance._asdict(),
        "conversion": _measure(lift.conversion, lift.horizon_s),
        "profit": _measure(lift.profit, lift.horizon_s),
    }


def _measure(measure: MetricLift, horizon_s: float) -> dict[str, Any]:
    """Return the figures of a measure, and its course by the time at which units were over."""
    series = measure.series
    size = series.at_s.size
    points = np.unique(np.linspace(0, size - 1, min(size, MAX_POINTS)).astype(int))
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
