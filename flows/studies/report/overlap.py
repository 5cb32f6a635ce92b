"""Overlap: whether the log can answer what other policies would have earned."""

import math
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from flows.studies.report.records import Decision
from flows.studies.report.style import MAIN, OTHER, QUIET, THIRD, Section, colours, figure, shown, styled

BINS: Final = 60
DECADES: Final = 6.0
MOST: Final = 14
MOST_WEIGHT: Final = 1e12
"""No weight is taken for more: who was drawn less likely than once in so many times was hardly drawn."""
FEW: Final = 100.0
"""Effective decisions below which an arm's value off the log is hardly known."""


class _Weights:
    """Importance weights of one target policy: a histogram by logarithm, their sum and sum of squares."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BINS, dtype=np.int64)
        self.total = self.squares = self.largest = 0.0

    def add(self, weight: float) -> None:
        place = int((math.log10(max(weight, 1e-9)) + 2.0) / DECADES * BINS)
        self.counts[min(max(place, 0), BINS - 1)] += 1
        self.total += weight
        self.squares += weight * weight
        self.largest = max(self.largest, weight)

    @property
    def size(self) -> float:
        """The effective sample size (Kish, 1965): how many equal weights say as much."""
        return self.total**2 / self.squares if self.squares else 0.0


class Overlap:
    """Propensities of the arms drawn, and the weights of the targets uniform and always the same arm."""

    def __init__(self) -> None:
        self.decisions = 0
        self.propensities: NDArray[np.int64] = np.zeros(20, dtype=np.int64)
        self.uniform = _Weights()
        self.arms: dict[str, _Weights] = {}

    def take(self, decision: Decision) -> None:
        """Add a decision that is trainable: it was drawn from the probabilities that were logged."""
        if not decision.is_trainable:
            return
        weight = 1.0 / max(decision.propensity, 1.0 / MOST_WEIGHT)
        self.decisions += 1
        self.propensities[min(int(decision.propensity * 20), 19)] += 1
        self.uniform.add(weight / len(decision.probabilities))
        self.arms.setdefault(decision.arm, _Weights()).add(weight)

    def sections(self, best: str | None) -> list[Section]:
        """Return the plots of weights and of effective sample sizes; ``best`` is the best arm, if known."""
        return [self._weights(best), self._sizes()]

    def _weights(self, best: str | None) -> Section:
        drawn = make_subplots(rows=2, cols=1, vertical_spacing=0.24)
        middles = (np.arange(20) + 0.5) / 20
        drawn.add_trace(
            go.Bar(x=middles, y=self.propensities, width=0.045, marker_color=MAIN, name="propensity"),
            row=1,
            col=1,
        )
        powers = 10 ** ((np.arange(BINS) + 0.5) / BINS * DECADES - 2.0)
        targets = [("uniform", self.uniform, THIRD)]
        if best is not None and best in self.arms:
            targets.append((f"always {best}", self.arms[best], OTHER))
        for name, weights, colour in targets:
            line = {"color": colour, "shape": "hvh"}
            drawn.add_trace(
                go.Scatter(x=powers, y=weights.counts, mode="lines", line=line, name=shown(name)),
                row=2,
                col=1,
            )
        drawn.update_xaxes(title_text="propensity of the arm drawn", range=[0, 1], row=1, col=1)
        drawn.update_xaxes(title_text="importance weight", type="log", dtick=1, row=2, col=1)
        drawn.update_yaxes(title_text="decisions", row=1, col=1)
        drawn.update_yaxes(title_text="decisions", row=2, col=1)
        return Section(
            "overlap",
            "Overlap: propensities and weights",
            "Above: with which probability the arms were drawn that were drawn. Below: how much each "
            "decision would count in an estimate of what another policy earns off this log, one that draws "
            "all arms alike or always makes the best-earning offer. A few decisions with large weights (far "
            "right) make such an estimate unsure.",
            "; ".join(
                f"{name}: {weights.size:,.0f} effective of {self.decisions:,} decisions, "
                f"largest weight {weights.largest:,.1f}"
                for name, weights, _ in targets
            )
            + "."
            if self.decisions
            else "No decision was drawn yet, so nothing can be estimated off this log.",
            styled(drawn, height=520, bargap=0.05) if self.decisions else None,
        )

    def _sizes(self) -> Section:
        found = sorted(self.arms.items(), key=lambda item: -item[1].size)[:MOST][::-1]
        colour = colours(arm for arm, _ in found)
        bars = go.Bar(
            x=[weights.size for _, weights in found],
            y=[shown(arm) for arm, _ in found],
            orientation="h",
            marker_color=[colour[arm] for arm, _ in found],
            hovertemplate="%{x:,.0f} effective decisions",
        )
        thin = sorted(arm for arm, weights in found if weights.size < FEW)
        enough = f"Every arm has at least {FEW:.0f} effective decisions."
        few = f"Fewer than {FEW:.0f} effective decisions: {', '.join(thin)}. Do not judge these off this log."
        line = [{"type": "line", "x0": FEW, "x1": FEW, "y0": 0, "y1": 1, "yref": "paper",
                 "line": {"color": QUIET, "dash": "dot"}}]  # fmt: skip
        return Section(
            "sizes",
            "Effective sample size by arm",
            "How many equally likely draws the decisions for an arm are worth when its value is estimated "
            "off this log with inverse propensity weights.",
            (few if thin else enough) if found else "No decision was drawn yet.",
            figure(bars, height=110 + 30 * len(found), shapes=line, xaxis_title="effective decisions")
            if found
            else None,
        )
