"""Lift against the holdout over time, with an interval that may be looked at any time."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import plotly.graph_objects as go

from flows.studies.lift.columns import Columns
from flows.studies.lift.run import HORIZON, lift_of
from flows.studies.report.style import MAIN, QUIET, THIRD, Section, figure
from operators.experiments.lift import LiftSeries
from operators.experiments.lift.confidence_sequence import START

STEPS: Final = 120
HORIZONS: Final = {
    f"{HORIZON.days} days": HORIZON,
    "1 day": timedelta(days=1),
    "1 hour": timedelta(hours=1),
}
"""How long a unit's orders may count: shown is the longest for which the sequence has begun."""


class Point(NamedTuple):
    """Lift at one time, with the ends of its confidence sequence."""

    at: datetime
    estimate: float
    low: float
    high: float


class Lift(NamedTuple):
    """Lift over time in both measures, each unit at the end of its time, which is ``over`` so long.

    Both are empty where no sequence has begun. ``is_doubtful``: the holdout is not as it was set.
    """

    over: str
    profit: list[Point]
    conversion: list[Point]
    is_doubtful: bool = False


def lift_in(market: str, columns: Columns) -> Lift:
    """Return the lift of a market, over so long a time of its units as the log can judge."""
    for over, horizon in HORIZONS.items():
        found = lift_of(market, columns, horizon)
        both = [_thinned(measure.series, found.horizon_s) for measure in (found.profit, found.conversion)]
        if any(both):
            return Lift(over, both[0], both[1], found.is_doubtful)
    return Lift(next(iter(HORIZONS)), [], [])


def _thinned(series: LiftSeries, horizon_s: float) -> list[Point]:
    low, high = series.sequence.lower, series.sequence.upper
    known = np.flatnonzero(np.isfinite(low))
    shown = known[np.unique(np.linspace(0, len(known) - 1, STEPS).astype(int))] if len(known) else known
    return [
        Point(
            datetime.fromtimestamp(float(series.at_s[place]) + horizon_s, UTC),
            float(series.sequence.estimate[place]),
            float(low[place]),
            float(high[place]),
        )
        for place in shown
    ]


_SHORTER: Final = (
    " It becomes that of whole weeks once enough visitors have had theirs; an offer that only brings orders "
    "forward looks better until then."
)


class Measure(NamedTuple):
    """How a measure is shown: its name, its axis, the factor to its unit, a number of it, its colour."""

    name: str
    axis: str
    scale: float
    form: str
    colour: str


def sections(lift: Lift) -> list[Section]:
    """Return the plots of lift in profit and in conversion."""
    money = Measure("profit", f"profit per visitor over {lift.over}", 1.0, "{:+.2f}", MAIN)
    share = Measure("conversion", "percentage points", 100.0, "{:+.1f} points", THIRD)
    return [_section(lift, lift.profit, money), _section(lift, lift.conversion, share)]


def _section(lift: Lift, points: list[Point], measure: Measure) -> Section:
    name, axis, scale, form, colour = measure
    at = [point.at for point in points]
    lows = [scale * point.low for point in points]
    means = [scale * point.estimate for point in points]
    highs = [scale * point.high for point in points]
    line = {"color": colour, "width": 2}
    fill = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    traces = [
        go.Scatter(x=at, y=highs, **fill),
        go.Scatter(x=at, y=lows, fill="tonexty", fillcolor=_pale(colour), **fill),
        go.Scatter(x=at, y=means, mode="lines+markers", marker={"size": 4}, line=line, name="lift"),
    ]
    zero = [{"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 0, "y1": 0, "line": {"color": QUIET}}]
    shorter = _SHORTER if HORIZONS[lift.over] < HORIZON else ""
    now = f"Nothing can be said of lift: it takes {START} visitors who ordered and whose time is over."
    if points:
        low, mean, high = (form.format(each[-1]) for each in (lows, means, highs))
        sure = "above zero" if lows[-1] > 0 else "below zero" if highs[-1] < 0 else "not told apart from zero"
        if lift.is_doubtful:
            sure = "not to be trusted, since the holdout is not as it was set"
        now = f"Lift in {name} is {mean} ({low} to {high}): {sure}."
    return Section(
        f"lift-{name}",
        f"Lift in {name} against the holdout",
        f"The policy's mean per visitor over {lift.over} from the first decision on, less the holdout's, "
        "with a 95 % confidence sequence: the band holds for all times at once, so it may be looked at as "
        f"often as you like and acted upon as soon as it leaves zero.{shorter}",
        now,
        figure(*traces, shapes=zero, showlegend=False, yaxis_title=axis) if points else None,
    )


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"
