"""Parity: whether visitors who differ in one feature are offered as much."""

import math
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from flows.studies.report.parity_values import number_range, worth_of
from flows.studies.report.style import MAIN, QUIET, THIRD, Section, shown, styled
from operators.experiments.clustered_ratio import ClusteredRatio, RatioInterval, difference
from schemas.decisions import Decision, Feature
from schemas.offers import OfferDecided

DEFAULT_FEATURES: Final = ("device", "source", "segment")
MAX_VALUES: Final = 24
"""Values that come when there are so many are counted together."""
MAX_SHOWN: Final = 12
OTHERS: Final = "all others"
UNKNOWN: Final = "not known"
FEW: Final = 100
"""Decisions below which a value is shown, but not compared."""


class Gap(NamedTuple):
    """The two values that differ most, and by how much, with an interval that allows for all pairs."""

    most: str
    least: str
    interval: RatioInterval

    @property
    def is_certain(self) -> bool:
        """Whether chance alone does not explain it, at 95 % over all pairs."""
        return self.interval.low > 0.0


class Parity:
    """The share of decisions that made an offer, and what these were worth, by the values of a feature.

    Decisions of the holdout and in shadow are left out, which make none whatever the feature. Bounded by
    ``MAX_VALUES``.
    """

    def __init__(self, feature: str) -> None:
        self.feature = feature
        self.offered: dict[str, ClusteredRatio] = {}
        self.worth: dict[str, ClusteredRatio] = {}
        self.has_worth = False
        self._values: dict[str, str] = {}
        self._at_s = -math.inf

    @property
    def is_seen(self) -> bool:
        """Whether any decision had the feature."""
        return bool(self.offered.keys() - {UNKNOWN})

    def add_decision(self, decision: Decision) -> None:
        """Count a decision."""
        if decision.holdout or decision.reason == "shadow":
            return
        value, visitor = self._known(decision.features.get(self.feature)), decision.visitor_id
        made = decision.offer_id is not None
        self.offered.setdefault(value, ClusteredRatio()).add(visitor, float(made))
        self.worth.setdefault(value, ClusteredRatio()).add(visitor, 0.0)
        if decision.at.seconds > self._at_s:  # an offer has the time of its decision and follows it
            self._at_s = decision.at.seconds
            self._values.clear()
        if made:
            self._values[decision.decision_id] = value

    def add_offer(self, offer: OfferDecided) -> None:
        """Count what an offer is worth."""
        value = self._values.pop(offer.data.decision_id, None)
        if value is not None:
            self.has_worth = True
            self.worth[value].add(offer.data.visitor_id, worth_of(offer), 0)

    def _known(self, value: Feature | None) -> str:
        name = UNKNOWN if value is None else value if isinstance(value, str) else number_range(value)
        return name if name in self.offered or len(self.offered) < MAX_VALUES else OTHERS

    def gap(self) -> Gap | None:
        """Return the values whose shares of offers differ most; None where there are not two to compare."""
        values = [name for name, ratio in self.offered.items() if ratio.count >= FEW and name != OTHERS]
        if len(values) < 2:
            return None
        most = max(values, key=lambda name: self.offered[name].mean)
        least = min(values, key=lambda name: self.offered[name].mean)
        level = 1.0 - 0.05 / len(list(combinations(values, 2)))
        return Gap(most, least, difference(self.offered[most], self.offered[least], level))

    def figures(self) -> dict[str, dict[str, Any]]:
        """Return decisions, share with an offer and mean worth by value, with 95 % intervals."""
        return {
            value: {
                "decisions": ratio.count,
                "offered": _plain(ratio.interval()),
                "worth": _plain(self.worth[value].interval()) if self.has_worth else None,
            }
            for value, ratio in self._shown()
        }

    def _shown(self) -> list[tuple[str, ClusteredRatio]]:
        return sorted(self.offered.items(), key=lambda each: -each[1].count)[:MAX_SHOWN]

    def section(self) -> Section:
        """Return the plot: the share of decisions with an offer above, what they were worth below."""
        values = self._shown()[::-1]
        return Section(
            f"parity-{self.feature}",
            f"Parity of offers by {shown(self.feature)}",
            "How often a decision made an offer, and what these were worth in the mean over all decisions, "
            "offers or not, by a feature of the visitor; the holdout is left out. Bars are 95 % intervals, "
            "clustered by visitor. A difference may be deserved (other carts, other margins), but ask why.",
            self.sentence(),
            self._figure(values) if values and self.is_seen else None,
        )

    def sentence(self) -> str:
        """Return whether there is a gap that chance does not explain."""
        if not self.is_seen:
            return f"No decision has the feature {shown(self.feature)}."
        gap = self.gap()
        if gap is None:
            return f"There are not two values with {FEW} decisions each to compare."
        share = {name: self.offered[name].mean for name in (gap.most, gap.least)}
        pair = (
            f"{shown(gap.most)} got an offer in {share[gap.most]:.1%} of decisions, {shown(gap.least)} in "
            f"{share[gap.least]:.1%}"
        )
        low, high = (100.0 * each for each in gap.interval[1:])
        reach = f"{low:+.1f} to {high:+.1f} points"
        if gap.is_certain:
            return f"There is a gap: {pair}, a difference that chance does not explain ({reach})."
        return f"No gap is certain: {pair}, which may be chance ({reach})."

    def _figure(self, values: list[tuple[str, ClusteredRatio]]) -> go.Figure:
        rows = 2 if self.has_worth else 1
        plot = make_subplots(rows=rows, cols=1, vertical_spacing=0.2)
        names = [shown(name, 24) for name, _ in values]
        shares = [ratio.interval() for _, ratio in values]
        colours = [QUIET if ratio.count < FEW else MAIN for _, ratio in values]
        counts = [ratio.count for _, ratio in values]
        plot.add_trace(_dots(names, shares, colours, counts, 100.0), row=1, col=1)
        plot.update_xaxes(title_text="% of decisions with an offer", row=1, col=1)
        if self.has_worth:
            worths = [self.worth[name].interval() for name, _ in values]
            plot.add_trace(_dots(names, worths, [THIRD] * len(names), counts, 1.0), row=2, col=1)
            plot.update_xaxes(title_text="mean worth of what was offered", row=2, col=1)
        return styled(plot, height=rows * (90 + 26 * len(names)), showlegend=False)


def _dots(
    names: list[str], intervals: list[RatioInterval], colours: list[str], counts: list[int], scale: float
) -> go.Scatter:
    above = [scale * (each.high - each.mean) if np.isfinite(each.high) else 0.0 for each in intervals]
    below = [scale * (each.mean - each.low) if np.isfinite(each.low) else 0.0 for each in intervals]
    return go.Scatter(
        x=[scale * each.mean for each in intervals],
        y=names,
        mode="markers",
        marker={"size": 10, "color": colours},
        error_x={"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5},
        customdata=counts,
        hovertemplate="%{y}: %{x:.2f}, %{customdata:,} decisions<extra></extra>",
    )


def _plain(interval: RatioInterval) -> list[float | None]:
    return [each if np.isfinite(each) else None for each in interval]
