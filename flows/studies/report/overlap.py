"""Overlap: whether the log can answer what other policies would have earned."""

from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from flows.studies.report.importance_weights import LOG_BINS, MAX_WEIGHT, ImportanceWeights, bin_middles
from flows.studies.report.style import MAIN, OTHER, QUIET, THIRD, Section, colours, figure, shown, styled
from schemas.decisions import Decision

PROPENSITY_BINS: Final = 20
MAX_ARMS: Final = 14
FEW: Final = 100.0
"""Effective decisions below which the log says little about an arm's value."""


class LogOverlap:
    """Propensities of the arms drawn, and the weights of the targets uniform and always the same arm."""

    def __init__(self) -> None:
        self.decisions = 0
        self.propensities: NDArray[np.int64] = np.zeros(PROPENSITY_BINS, dtype=np.int64)
        self.uniform = ImportanceWeights()
        self.arms: dict[str, ImportanceWeights] = {}

    def add(self, decision: Decision) -> None:
        """Add a decision, if it was drawn from the probabilities that were logged."""
        if not decision.is_trainable:
            return
        weight = 1.0 / max(decision.propensity, 1.0 / MAX_WEIGHT)
        self.decisions += 1
        self.propensities[min(int(decision.propensity * PROPENSITY_BINS), PROPENSITY_BINS - 1)] += 1
        self.uniform.add(weight / len(decision.probabilities))
        self.arms.setdefault(decision.arm, ImportanceWeights()).add(weight)

    def sections(self, best: str | None) -> list[Section]:
        """Return the plots of weights and of effective sample sizes; ``best`` is the best arm, if known."""
        return [self._weights(best), self._sizes()]

    def _weights(self, best: str | None) -> Section:
        plot = make_subplots(rows=2, cols=1, vertical_spacing=0.24)
        middles = (np.arange(PROPENSITY_BINS) + 0.5) / PROPENSITY_BINS
        plot.add_trace(
            go.Bar(x=middles, y=self.propensities, width=0.045, marker_color=MAIN, name="propensity"),
            row=1,
            col=1,
        )
        targets = [("uniform", self.uniform, THIRD)]
        if best is not None and best in self.arms:
            targets.append((f"always {best}", self.arms[best], OTHER))
        for name, weights, colour in targets:
            line = {"color": colour, "shape": "hvh"}
            plot.add_trace(
                go.Scatter(
                    x=bin_middles(LOG_BINS), y=weights.counts, mode="lines", line=line, name=shown(name)
                ),
                row=2,
                col=1,
            )
        plot.update_xaxes(title_text="propensity of the arm drawn", range=[0, 1], row=1, col=1)
        plot.update_xaxes(title_text="importance weight", type="log", dtick=1, row=2, col=1)
        plot.update_yaxes(title_text="decisions", row=1, col=1)
        plot.update_yaxes(title_text="decisions", row=2, col=1)
        sizes = (
            f"{name}: {weights.size:,.0f} effective of {self.decisions:,} decisions, "
            f"largest weight {weights.largest:,.1f}"
            for name, weights, _ in targets
        )
        nothing = "No decision was drawn yet, so this log says nothing about other policies."
        return Section(
            "overlap",
            "Overlap: propensities and weights",
            "Above: the probabilities with which arms were drawn. Below: how much each decision counts when "
            "you estimate from this log what another policy would earn, one that draws all arms equally "
            "often or always makes the offer that earned most. A few decisions with large weights (far "
            "right) make such an estimate uncertain.",
            f"{'; '.join(sizes)}." if self.decisions else nothing,
            styled(plot, height=520, bargap=0.05) if self.decisions else None,
        )

    def _sizes(self) -> Section:
        arms = sorted(self.arms.items(), key=lambda item: -item[1].size)[:MAX_ARMS][::-1]
        colour = colours(arm for arm, _ in arms)
        bars = go.Bar(
            x=[weights.size for _, weights in arms],
            y=[shown(arm) for arm, _ in arms],
            orientation="h",
            marker_color=[colour[arm] for arm, _ in arms],
            hovertemplate="%{x:,.0f} effective decisions",
        )
        thin = sorted(arm for arm, weights in arms if weights.size < FEW)
        now = f"Every arm has at least {FEW:.0f} effective decisions."
        if thin:
            now = f"Fewer than {FEW:.0f} effective decisions: {', '.join(thin)}. Do not evaluate these here."
        line = [{"type": "line", "x0": FEW, "x1": FEW, "y0": 0, "y1": 1, "yref": "paper",
                 "line": {"color": QUIET, "dash": "dot"}}]  # fmt: skip
        return Section(
            "sizes",
            "Effective sample size by arm",
            "How many equally likely draws the decisions for an arm are worth when you estimate its value "
            "from this log with inverse propensity weights.",
            now if arms else "No decision was drawn yet.",
            figure(bars, height=110 + 30 * len(arms), shapes=line, xaxis_title="effective decisions")
            if arms
            else None,
        )
