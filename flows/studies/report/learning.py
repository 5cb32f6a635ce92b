"""The learning curve: profit per decision over time beside the holdout, and regret where it is known."""

from typing import Final

import plotly.graph_objects as go

from flows.studies.report.records import Reward, Truth
from flows.studies.report.style import MAIN, OTHER, QUIET, Section, figure
from flows.studies.report.timeline import Timeline

STEPS: Final = 120


class Learning:
    """Sums of profit and of ended windows by step of time, for the policy and the holdout."""

    def __init__(self) -> None:
        self._sums: Timeline[tuple[bool, str]] = Timeline(STEPS)

    def take(self, reward: Reward) -> None:
        """Add one reward."""
        self._sums.add(reward.at_s, (reward.holdout, "profit"), reward.profit)
        self._sums.add(reward.at_s, (reward.holdout, "ended"), float(reward.kind == "window"))

    def section(self) -> Section:
        """Return the plot."""
        traces, last = [], {}
        for holdout, name, colour in ((True, "holdout", QUIET), (False, "policy", MAIN)):
            steps, means, running, profit, ended = [], [], [], 0.0, 0.0
            for at, sums in self._sums.steps():
                count, total = sums.get((holdout, "ended"), 0.0), sums.get((holdout, "profit"), 0.0)
                profit, ended = profit + total, ended + count
                if count:
                    steps.append(at)
                    means.append(total / count)
                    running.append(profit / ended)
            if steps:
                last[name] = running[-1]
                line = {"color": colour, "width": 3}
                if not holdout:
                    marker = {"color": colour, "size": 5, "opacity": 0.45}
                    traces.append(
                        go.Scatter(x=steps, y=means, mode="markers", marker=marker, name="one step")
                    )
                traces.append(
                    go.Scatter(x=steps, y=running, mode="lines+markers", marker={"size": 4}, line=line,
                               name=f"{name}, so far")
                )  # fmt: skip
        return Section(
            "learning",
            "Learning curve: profit per decision",
            "Each dot is the mean profit of the decisions whose window ended in that step of time; the lines "
            "are the means of everything up to then. A policy that learns rises above the holdout.",
            _now(last),
            figure(*traces, yaxis_title="profit per decision") if traces else None,
        )


def _now(last: dict[str, float]) -> str:
    if "policy" not in last:
        return "No decision's window has ended yet, so there is no reward to show."
    said = f"So far a decision of the policy earned {last['policy']:.2f}"
    return f"{said}, one of the holdout {last['holdout']:.2f}." if "holdout" in last else f"{said}."


class Regret:
    """Exact regret of decisions over simulated shoppers, by step of time."""

    def __init__(self) -> None:
        self._sums: Timeline[str] = Timeline(STEPS)

    def take(self, truth: Truth) -> None:
        """Add one decision; the holdout's are nobody's choice."""
        if not truth.holdout:
            self._sums.add(truth.at_s, "regret", truth.best - truth.value)
            self._sums.add(truth.at_s, "no_offer", truth.best - truth.no_offer)
            self._sums.add(truth.at_s, "decisions")

    def section(self) -> Section | None:
        """Return the plot; None where the truth is not known."""
        steps = list(self._sums.steps())
        if not steps:
            return None
        at = [each for each, _ in steps]
        means = {
            name: [sums.get(name, 0.0) / sums["decisions"] for _, sums in steps]
            for name in ("no_offer", "regret")
        }
        third = max(len(steps) // 3, 1)
        begun, ended = (sum(part) / len(part) for part in (means["regret"][:third], means["regret"][-third:]))
        return Section(
            "regret",
            "Regret per decision",
            "What the best arm for each cart was expected to earn beyond the arm that was chosen. It is "
            "exact, because these shoppers are simulated; it falls while the policy learns and can hardly "
            "reach zero, since nobody can know a shopper fully.",
            f"It went from {begun:.2f} in the first third of the time to {ended:.2f} in the last.",
            figure(
                go.Scatter(x=at, y=means["no_offer"], mode="lines", line={"color": QUIET, "dash": "dot"},
                           name="never an offer"),
                go.Scatter(x=at, y=means["regret"], mode="lines+markers", line={"color": OTHER, "width": 2},
                           marker={"size": 5}, name="policy"),
                yaxis={"title": "regret per decision", "rangemode": "tozero"},
            ),
        )  # fmt: skip
