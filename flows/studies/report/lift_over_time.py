"""Lift against the holdout over time, with an anytime-valid interval."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import plotly.graph_objects as go

from flows.studies.lift.experiment_columns import ExperimentColumns
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
"""How long a unit's orders may count: the plot shows the longest for which the sequence has begun."""


class LiftPoint(NamedTuple):
    """Lift at one time, with the ends of its confidence sequence."""

    at: datetime
    estimate: float
    low: float
    high: float


class LiftOverTime(NamedTuple):
    """Lift over time in both metrics; a unit counts from the end of its time, ``horizon``, on.

    Both are empty where no sequence has begun. ``is_doubtful``: the share of the holdout differs from the
    configured one. ``outside`` counts the units for whom the rollout let not the policy choose, which are in
    neither group, and ``in_shadow`` those that had decisions in shadow alone.
    """

    horizon: str
    profit: list[LiftPoint]
    conversion: list[LiftPoint]
    is_doubtful: bool = False
    outside: int = 0
    in_shadow: int = 0

    @property
    def has_begun(self) -> bool:
        """Whether a sequence has begun."""
        return bool(self.profit or self.conversion)


def lift_over_time(market: str, columns: ExperimentColumns) -> LiftOverTime:
    """Return the lift of a market over the longest horizon that the log is long enough for."""
    longest, *shorter = HORIZONS
    first = found = _over(market, columns, longest)
    for name in shorter:
        if not found.has_begun:
            found = _over(market, columns, name)
    return found if found.has_begun else first


def _over(market: str, columns: ExperimentColumns, horizon: str) -> LiftOverTime:
    lift = lift_of(market, columns, HORIZONS[horizon])
    profit, conversion = (_points(metric.series, lift.horizon_s) for metric in (lift.profit, lift.conversion))
    return LiftOverTime(horizon, profit, conversion, lift.is_doubtful, lift.outside, lift.in_shadow)


def _points(series: LiftSeries, horizon_s: float) -> list[LiftPoint]:
    low, high = series.sequence.lower, series.sequence.upper
    known = np.flatnonzero(np.isfinite(low))
    kept = known[np.unique(np.linspace(0, len(known) - 1, STEPS).astype(int))] if len(known) else known
    return [
        LiftPoint(
            datetime.fromtimestamp(float(series.at_s[place]) + horizon_s, UTC),
            float(series.sequence.estimate[place]),
            float(low[place]),
            float(high[place]),
        )
        for place in kept
    ]


SHORT_HORIZON_NOTE: Final = (
    " The plot changes to whole weeks once enough visitors have had theirs; until then an offer that only "
    "brings orders forward looks better than it is."
)


class LiftStyle(NamedTuple):
    """How a metric is shown: its name, its axis, the factor to its unit, a number's format, its colour."""

    name: str
    axis: str
    scale: float
    format: str
    colour: str


def lift_sections(lift: LiftOverTime) -> list[Section]:
    """Return the plots of lift in profit and in conversion."""
    profit = LiftStyle("profit", f"profit per visitor over {lift.horizon}", 1.0, "{:+.2f}", MAIN)
    conversion = LiftStyle("conversion", "percentage points", 100.0, "{:+.1f} points", THIRD)
    return [_section(lift, lift.profit, profit), _section(lift, lift.conversion, conversion)]


def _section(lift: LiftOverTime, points: list[LiftPoint], style: LiftStyle) -> Section:
    at = [point.at for point in points]
    lows = [style.scale * point.low for point in points]
    means = [style.scale * point.estimate for point in points]
    highs = [style.scale * point.high for point in points]
    line = {"color": style.colour, "width": 2}
    fill = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    traces = [
        go.Scatter(x=at, y=highs, **fill),
        go.Scatter(x=at, y=lows, fill="tonexty", fillcolor=_pale(style.colour), **fill),
        go.Scatter(x=at, y=means, mode="lines+markers", marker={"size": 4}, line=line, name="lift"),
    ]
    zero = [{"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 0, "y1": 0, "line": {"color": QUIET}}]
    note = SHORT_HORIZON_NOTE if HORIZONS[lift.horizon] < HORIZON else ""
    now = f"The lift is not known yet: it takes {START} visitors who ordered and whose time is over."
    if points:
        low, mean, high = (style.format.format(values[-1]) for values in (lows, means, highs))
        now = f"Lift in {style.name} is {mean} ({low} to {high}): {_verdict(lift, lows[-1], highs[-1])}."
    left_out = {
        "{:,} outside of the canary, or of the rollout's rule": lift.outside,
        "{:,} decided upon in shadow alone": lift.in_shadow,
    }
    for text, number in left_out.items():
        now += f" Left out of both groups: {text.format(number)}." if number else ""
    return Section(
        f"lift-{style.name}",
        f"Lift in {style.name} against the holdout",
        f"The policy's mean per visitor over {lift.horizon} from the first decision on, less the holdout's, "
        "with a 95 % confidence sequence: the band is anytime-valid, so look at it as often as you like, and "
        f"act as soon as it excludes zero.{note}",
        now,
        figure(*traces, shapes=zero, showlegend=False, yaxis_title=style.axis) if points else None,
    )


def _verdict(lift: LiftOverTime, low: float, high: float) -> str:
    if lift.is_doubtful:
        return "do not trust it, since the share of the holdout differs from the configured one"
    return "above zero" if low > 0 else "below zero" if high < 0 else "zero is not excluded"


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"
