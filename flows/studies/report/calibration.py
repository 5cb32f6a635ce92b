"""Whether the abandonment model's probabilities mean what they say."""

import math
from typing import Final

import plotly.graph_objects as go

from flows.studies.report.style import MAIN, OTHER, QUIET, Section, figure

BINS: Final = 10
Z: Final = 1.959964


class CalibrationCurve:
    """Predicted and true shares by tenth of predicted probability, apart for carts that an offer preceded."""

    def __init__(self) -> None:
        self._sums = {treated: [[0.0, 0.0, 0.0] for _ in range(BINS)] for treated in (False, True)}

    def add(self, treated: bool, predicted: float, abandoned: bool) -> None:
        """Add an outcome."""
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
            "The share of carts that were abandoned, among those with about the same predicted probability. "
            "On the dotted line probabilities mean what they say; below it they are too high. Bars are 95 % "
            "intervals (Wilson). The model is trained only on carts that no offer preceded; after an offer, "
            "fewer carts are abandoned.",
            self._now(),
            figure(diagonal, *traces, height=380, xaxis={"title": "predicted", "range": [0, 1]},
                   yaxis={"title": "abandoned", "range": [0, 1]}) if traces else None,
        )  # fmt: skip

    def _now(self) -> str:
        sums = [each for each in self._sums[False] if each[0]]
        count = sum(each[0] for each in sums)
        if not count:
            return "No cart without an offer before was both scored and finished."
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
