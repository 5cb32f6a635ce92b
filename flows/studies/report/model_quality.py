"""How good the abandonment model's probabilities were: calibration, and AUC and log loss over time."""

import math
from datetime import datetime
from typing import Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from flows.studies.report.style import MAIN, OTHER, QUIET, Section, figure, styled
from flows.studies.report.timeline import Timeline

BINS: Final = 10
FINE: Final = 200
STEPS: Final = 40
ENOUGH: Final = 30
"""Outcomes of each kind without which a step has no AUC."""
Z: Final = 1.959964


class Calibration:
    """Predicted and true by tenth of predicted probability, apart for carts that an offer preceded."""

    def __init__(self) -> None:
        self._sums = {treated: [[0.0, 0.0, 0.0] for _ in range(BINS)] for treated in (False, True)}

    def take(self, treated: bool, predicted: float, abandoned: bool) -> None:
        """Add one outcome."""
        sums = self._sums[treated][min(int(predicted * BINS), BINS - 1)]
        for place, value in enumerate((1.0, predicted, float(abandoned))):
            sums[place] += value

    def section(self) -> Section:
        """Return the plot."""
        traces = [
            _reliability([each for each in self._sums[treated] if each[0]], name, colour)
            for treated, name, colour in ((False, "no offer before", MAIN), (True, "after an offer", OTHER))
            if any(each[0] for each in self._sums[treated])
        ]
        diagonal = go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": QUIET, "dash": "dot"},
            name="perfect",
            hoverinfo="skip",
        )
        return Section(
            "calibration",
            "Calibration curve",
            "Of carts given about the same probability of being abandoned, the share that was. On the dotted "
            "line probabilities mean what they say; below it they are too high. Bars are 95 % intervals "
            "(Wilson). The model learns only from carts that no offer preceded; after one more are bought.",
            self._now(),
            figure(diagonal, *traces, height=380, xaxis={"title": "predicted", "range": [0, 1]},
                   yaxis={"title": "abandoned", "range": [0, 1]}) if traces else None,
        )  # fmt: skip

    def _now(self) -> str:
        sums = [each for each in self._sums[False] if each[0]]
        count = sum(each[0] for each in sums)
        if not count:
            return "No cart was both scored and finished without an offer before."
        error = sum(abs(each[1] - each[2]) for each in sums) / count
        return (
            f"Over {count:,.0f} carts that no offer preceded, probabilities were {error:.3f} off "
            "(expected calibration error)."
        )


def _reliability(sums: list[list[float]], name: str, colour: str) -> go.Scatter:
    x, y, up, down = [], [], [], []
    for count, predicted, true in sums:
        share = true / count
        low, high = wilson(share, count)
        x.append(predicted / count)
        y.append(share)
        up.append(high - share)
        down.append(share - low)
    return go.Scatter(
        x=x, y=y, mode="lines+markers", name=name, line={"color": colour}, marker={"size": 8},
        error_y={"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.2},
        customdata=[each[0] for each in sums],
        hovertemplate="%{x:.2f} predicted, %{y:.2f} abandoned, %{customdata:,} carts",
    )  # fmt: skip


def wilson(share: float, count: float) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927, "Probable Inference").

    >>> [round(end, 3) for end in wilson(0.5, 100)]
    [0.404, 0.596]
    """
    middle = share + Z * Z / (2 * count)
    reach = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    scale = 1 + Z * Z / count
    return max((middle - reach) / scale, 0.0), min((middle + reach) / scale, 1.0)


class Quality:
    """AUC and log loss of carts that no offer preceded, by step of time.

    AUC is that of predictions in 200 bins, ties counted half: within a thousandth or so of the exact one.
    """

    def __init__(self) -> None:
        self._sums: Timeline[tuple[bool, int]] = Timeline(STEPS)
        self._loss: Timeline[str] = Timeline(STEPS)
        self._all: dict[tuple[bool, int], float] = {}
        self.count = 0
        self.loss = 0.0

    def take(self, at_s: float, predicted: float, abandoned: bool) -> None:
        """Add one outcome."""
        key = (abandoned, min(int(predicted * FINE), FINE - 1))
        surprise = -math.log(max(predicted if abandoned else 1.0 - predicted, 1e-15))
        self._sums.add(at_s, key)
        self._loss.add(at_s, "loss", surprise)
        self._loss.add(at_s, "count")
        self._all[key] = self._all.get(key, 0.0) + 1.0
        self.count += 1
        self.loss += surprise

    @property
    def auc(self) -> float | None:
        """The AUC over everything; None where one kind of outcome is missing."""
        return binned_auc(self._all, 1)

    def section(self) -> Section:
        """Return the plot: AUC above, log loss below."""
        auc = self._aucs()
        loss = [(at, sums["loss"] / sums["count"]) for at, sums in self._loss.steps()]
        drawn = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
        for row, (points, name, colour) in enumerate(
            ((auc, "AUC", MAIN), (loss, "log loss", OTHER)), start=1
        ):
            x, y = [at for at, _ in points], [found for _, found in points]
            drawn.add_trace(
                go.Scatter(x=x, y=y, mode="lines+markers", name=name, line={"color": colour}), row=row, col=1
            )
            drawn.update_yaxes(title_text=name, row=row, col=1)
        now = "No cart was both scored and finished without an offer before."
        if self.count:
            ranked = "unknown" if self.auc is None else f"{self.auc:.3f}"
            now = f"Over {self.count:,} carts: AUC {ranked}, log loss {self.loss / self.count:.3f} nats."
        return Section(
            "quality",
            "AUC and log loss over time",
            "AUC: how often an abandoned cart was given more than a bought one; 0.5 is chance, 1 perfect. "
            "Log loss: how surprising outcomes were; less is better. Each was predicted before it was "
            f"learned. An AUC is taken over as long as it takes to have {ENOUGH} carts of either kind.",
            now,
            styled(drawn, height=420, showlegend=False) if self.count else None,
        )

    def _aucs(self) -> list[tuple[datetime, float]]:
        """Steps put together until there are enough carts of both kinds, each at its end."""
        found: list[tuple[datetime, float]] = []
        sums: dict[tuple[bool, int], float] = {}
        for at, step in self._sums.steps():
            for key, count in step.items():
                sums[key] = sums.get(key, 0.0) + count
            auc = binned_auc(sums, ENOUGH)
            if auc is not None:
                found.append((at, auc))
                sums = {}
        return found


def binned_auc(sums: dict[tuple[bool, int], float], enough: int) -> float | None:
    """Return the AUC of binned predictions, ties counted half; None with fewer than ``enough`` of a kind."""
    yes, no = ([sums.get((kind, place), 0.0) for place in range(FINE)] for kind in (True, False))
    if min(sum(yes), sum(no)) < enough:
        return None
    below = won = 0.0
    for many, few in zip(yes, no, strict=True):
        won += many * (below + few / 2)
        below += few
    return won / (sum(yes) * sum(no))
