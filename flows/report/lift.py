"""Lift against the holdout over time, with an interval that may be looked at any time."""

import math
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import plotly.graph_objects as go

from flows.lift import Lift as Experiment
from flows.report.records import Reward
from flows.report.style import MAIN, QUIET, THIRD, Section, figure
from flows.report.timeline import Timeline
from operators.lift import Series

STEPS: Final = 120
ALPHA: Final = 0.05
TUNED: Final = 500.0
"""The sequence is tightest after about so many decisions of the smaller group."""
LEAST: Final = 30
"""Decisions of each group before which nothing is said: the sequence holds asymptotically."""


class Point(NamedTuple):
    """Lift at one time, with the ends of its confidence sequence."""

    at: datetime
    estimate: float
    low: float
    high: float


class Lift(NamedTuple):
    """Lift over time in both measures, empty where too little is known; ``per`` is what a value is of."""

    per: str
    profit: list[Point]
    conversion: list[Point]


class Group(NamedTuple):
    """The number of values, their sum and their sum of squares."""

    n: float
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Their variance."""
        return max(self.squares / self.n - self.mean**2, 0.0)


class Lifts:
    """Sums of profit and conversion per decision by step of time, for the policy and the holdout."""

    def __init__(self) -> None:
        self._sums: Timeline[tuple[str, bool, int]] = Timeline(STEPS)

    def take(self, reward: Reward) -> None:
        """Add the end of a decision's window."""
        if reward.kind != "window":
            return
        for measure, value in (("profit", reward.profit), ("conversion", float(bool(reward.orders)))):
            for power in (0, 1, 2):
                self._sums.add(reward.at_s, (measure, reward.holdout, power), value**power)

    def lift(self) -> Lift:
        """Return the lift per decision after each step."""
        sums: dict[tuple[str, bool, int], float] = {}
        found = Lift("decision", [], [])
        for at, step in self._sums.steps():
            for key, value in step.items():
                sums[key] = sums.get(key, 0.0) + value
            for measure, points in (("profit", found.profit), ("conversion", found.conversion)):
                treated, held = (
                    Group(*(sums.get((measure, holdout, power), 0.0) for power in (0, 1, 2)))
                    for holdout in (False, True)
                )
                if min(treated.n, held.n) >= LEAST:
                    points.append(Point(at, *confidence(treated, held)))
        return found


def confidence(treated: Group, held: Group) -> tuple[float, float, float]:
    """Return the difference of means with the ends of its 95 % confidence sequence.

    The asymptotic sequence of a Gaussian mixture (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, 2024,
    "Time-uniform central limit theory and asymptotic confidence sequences", theorem 2.2), for the variance
    of a difference; time is counted in decisions of the smaller group.
    """
    count = min(treated.n, held.n)
    variance = count * (treated.variance / treated.n + held.variance / held.n)
    rho = (-2 * math.log(ALPHA) + math.log(1 - 2 * math.log(ALPHA))) / TUNED
    mixed = count * rho + 1
    reach = math.sqrt(variance * 2 * mixed / (count**2 * rho) * math.log(math.sqrt(mixed) / ALPHA))
    lift = treated.mean - held.mean
    return lift, lift - reach, lift + reach


def over_units(found: Experiment) -> Lift | None:
    """Return the lift over whole units, each at the end of its time; None while none can be judged."""
    days = found.horizon_s / 86_400.0
    both = [_thinned(measure.series, found.horizon_s) for measure in (found.profit, found.conversion)]
    return Lift(f"visitor over {days:g} days", *both) if any(both) else None


def _thinned(series: Series, horizon_s: float) -> list[Point]:
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


class Measure(NamedTuple):
    """How a measure is shown: its name, its axis, the factor to its unit, a number of it, its colour."""

    name: str
    axis: str
    scale: float
    form: str
    colour: str


def sections(lift: Lift) -> list[Section]:
    """Return the plots of lift in profit and in conversion."""
    money = Measure("profit", f"profit per {lift.per}", 1.0, "{:+.2f}", MAIN)
    share = Measure("conversion", "percentage points", 100.0, "{:+.1f} points", THIRD)
    return [_section(lift.profit, lift.per, money), _section(lift.conversion, lift.per, share)]


def _section(points: list[Point], per: str, measure: Measure) -> Section:
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
    now = f"Fewer than {LEAST} ended decisions of the policy or of the holdout: nothing can be said of lift."
    if points:
        low, mean, high = (form.format(each[-1]) for each in (lows, means, highs))
        sure = "above zero" if lows[-1] > 0 else "below zero" if highs[-1] < 0 else "not told apart from zero"
        now = f"Lift in {name} is {mean} ({low} to {high}): {sure}."
    return Section(
        f"lift-{name}",
        f"Lift in {name} against the holdout",
        f"The policy's mean per {per} less the holdout's, with a 95 % confidence sequence: the band holds "
        "for all times at once, so it may be looked at as often as you like and acted upon as soon as it "
        "leaves zero.",
        now,
        figure(*traces, shapes=zero, showlegend=False, yaxis_title=axis) if points else None,
    )


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"
