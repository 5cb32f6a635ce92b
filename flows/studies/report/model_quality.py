"""How well the abandonment model ranks carts and how sharp its probabilities are, over time."""

import math
from datetime import datetime
from typing import Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from flows.studies.report.style import MAIN, OTHER, Section, styled
from flows.studies.report.timeline import Timeline

BINS: Final = 200
STEPS: Final = 40
MIN_OUTCOMES: Final = 30
"""Outcomes of each kind without which a step has no AUC."""


class ModelQuality:
    """AUC and log loss of carts that no offer preceded, by step of time.

    The AUC is of predictions in 200 bins, ties counted half: within about a thousandth of the exact one.
    """

    def __init__(self) -> None:
        self._sums: Timeline[tuple[bool, int]] = Timeline(STEPS)
        self._loss: Timeline[str] = Timeline(STEPS)
        self._all: dict[tuple[bool, int], float] = {}
        self.count = 0
        self.loss = 0.0

    def add(self, at_s: float, predicted: float, abandoned: bool) -> None:
        """Add an outcome."""
        key = (abandoned, min(int(predicted * BINS), BINS - 1))
        loss = -math.log(max(predicted if abandoned else 1.0 - predicted, 1e-15))
        self._sums.add(at_s, key)
        self._loss.add(at_s, "loss", loss)
        self._loss.add(at_s, "count")
        self._all[key] = self._all.get(key, 0.0) + 1.0
        self.count += 1
        self.loss += loss

    @property
    def auc(self) -> float | None:
        """The AUC over everything; None where one kind of outcome is missing."""
        return binned_auc(self._all, 1)

    def section(self) -> Section:
        """Return the plot: AUC above, log loss below."""
        losses = [(at, sums["loss"] / sums["count"]) for at, sums in self._loss.steps()]
        plot = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
        for row, (points, name, colour) in enumerate(
            ((self._aucs(), "AUC", MAIN), (losses, "log loss", OTHER)), start=1
        ):
            x, y = [at for at, _ in points], [value for _, value in points]
            plot.add_trace(
                go.Scatter(x=x, y=y, mode="lines+markers", name=name, line={"color": colour}), row=row, col=1
            )
            plot.update_yaxes(title_text=name, row=row, col=1)
        return Section(
            "quality",
            "AUC and log loss over time",
            "AUC: how often an abandoned cart has a higher score than a bought one; 0.5 is chance, 1 is "
            "perfect. Log loss: how surprising outcomes are; lower is better. Each outcome is predicted "
            f"before the model is trained on it. A point of the AUC covers at least {MIN_OUTCOMES} carts of "
            "either kind.",
            self._now(),
            styled(plot, height=420, showlegend=False) if self.count else None,
        )

    def _now(self) -> str:
        if not self.count:
            return "No cart without an offer before was both scored and finished."
        auc = "unknown" if self.auc is None else f"{self.auc:.3f}"
        return f"Over {self.count:,} carts: AUC {auc}, log loss {self.loss / self.count:.3f} nats."

    def _aucs(self) -> list[tuple[datetime, float]]:
        """Return the AUC of steps, merged until there are enough carts of both kinds, each at its end."""
        points: list[tuple[datetime, float]] = []
        sums: dict[tuple[bool, int], float] = {}
        for at, step in self._sums.steps():
            for key, count in step.items():
                sums[key] = sums.get(key, 0.0) + count
            auc = binned_auc(sums, MIN_OUTCOMES)
            if auc is not None:
                points.append((at, auc))
                sums = {}
        return points


def binned_auc(sums: dict[tuple[bool, int], float], enough: int) -> float | None:
    """Return the AUC of binned predictions, ties counted half; None with fewer than ``enough`` of a kind."""
    yes, no = ([sums.get((kind, place), 0.0) for place in range(BINS)] for kind in (True, False))
    if min(sum(yes), sum(no)) < enough:
        return None
    below = won = 0.0
    for positives, negatives in zip(yes, no, strict=True):
        won += positives * (below + negatives / 2)
        below += negatives
    return won / (sum(yes) * sum(no))
