"""The drift timeline: when a figure of the model moved to another level, beside the base rate."""

from datetime import UTC, datetime
from typing import Final

import plotly.graph_objects as go

from flows.studies.report.style import MAIN, OTHER, Section, figure, shown
from flows.studies.report.timeline import Timeline
from schemas.decisions import Drift

STEPS: Final = 60
MAX_DRIFTS: Final = 500
MAX_NAMES: Final = 6


class DriftTimeline:
    """The drifts of a log, and the base rate over time. Keeps the first ``MAX_DRIFTS`` and counts the rest.

    ``is_monitored``: the log has a file of drifts.
    """

    def __init__(self, *, is_monitored: bool) -> None:
        self.is_monitored = is_monitored
        self.count = 0
        self._drifts: list[Drift] = []
        self._base_rate: Timeline[bool] = Timeline(STEPS)

    def add(self, drift: Drift) -> None:
        """Add a drift."""
        self.count += 1
        if len(self._drifts) < MAX_DRIFTS:
            self._drifts.append(drift)

    def add_outcome(self, at_s: float, abandoned: bool) -> None:
        """Count the outcome of a cart that no offer preceded."""
        self._base_rate.add(at_s, abandoned)

    def section(self) -> Section:
        """Return the plot."""
        steps = list(self._base_rate.steps())
        rate = [sums.get(True, 0.0) / sum(sums.values()) for _, sums in steps]
        traces = [
            go.Scatter(x=[at for at, _ in steps], y=rate, mode="lines+markers", marker={"size": 4},
                       line={"color": MAIN}, name="abandoned carts")
        ] if steps else []  # fmt: skip
        if self._drifts:
            texts = [shown(drift_text(each), 120) for each in self._drifts]
            traces.append(
                go.Scatter(
                    x=[_datetime(each) for each in self._drifts],
                    y=[1.06] * len(texts),
                    mode="markers",
                    text=texts,
                    marker={"color": OTHER, "size": 12, "symbol": "diamond"},
                    name="drift",
                    hovertemplate="%{x}: %{text}",
                )
            )
        axis = {"title": "share abandoned", "range": [0, 1.12]}
        return Section(
            "drift",
            "Drift timeline",
            "The share of carts abandoned, among those that no offer preceded, and a diamond above it for "
            "each drift: the log loss, that share or a feature moved to another level and stayed there.",
            self._now(),
            figure(*traces, height=300, yaxis=axis) if traces else None,
        )

    def _now(self) -> str:
        if self.count:
            names = sorted({each.what for each in self._drifts})
            more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
            latest = max(self._drifts, key=lambda each: each.at.seconds)
            return (
                f"Drifts detected: {self.count:,}, in {', '.join(names[:MAX_NAMES])}{more}. "
                f"The latest: {drift_text(latest)}, {_datetime(latest):%Y-%m-%d %H:%M}."
            )
        if self.is_monitored:
            return "No drift was detected."
        return "Whether there were drifts is not known: this log has no drifts.jsonl."


def drift_text(drift: Drift) -> str:
    """Return what moved, from where to where, and what it triggered."""
    text = f"{drift.what} from {drift.before:.2f} to {drift.after:.2f}"
    return text if drift.triggered == "report" else f"{text}, triggered: {drift.triggered}"


def _datetime(drift: Drift) -> datetime:
    return datetime.fromtimestamp(drift.at.seconds, UTC)
