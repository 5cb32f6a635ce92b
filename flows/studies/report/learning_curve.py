"""The learning curve: profit per decision over time beside the holdout, and regret where it is known."""

from typing import Final

import plotly.graph_objects as go

from flows.studies.backtest.true_values import Truth
from flows.studies.report.style import MAIN, OTHER, QUIET, Section, figure
from flows.studies.report.timeline import Timeline
from schemas.decisions import Reward

STEPS: Final = 120


class LearningCurve:
    """Sums of profit and of ended windows by step of time, for the policy and the holdout."""

    def __init__(self) -> None:
        self._sums: Timeline[tuple[bool, str]] = Timeline(STEPS)

    def add(self, reward: Reward) -> None:
        """Add a reward."""
        at_s = reward.at.seconds
        self._sums.add(at_s, (reward.holdout, "profit"), reward.profit)
        self._sums.add(at_s, (reward.holdout, "windows"), float(reward.kind == "window"))

    def section(self) -> Section:
        """Return the plot."""
        traces, last = [], {}
        for holdout, name, colour in ((True, "holdout", QUIET), (False, "policy", MAIN)):
            steps, means, running, profit, windows = [], [], [], 0.0, 0.0
            for at, sums in self._sums.steps():
                count, total = sums.get((holdout, "windows"), 0.0), sums.get((holdout, "profit"), 0.0)
                profit, windows = profit + total, windows + count
                if count:
                    steps.append(at)
                    means.append(total / count)
                    running.append(profit / windows)
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
    policy = f"So far a decision of the policy earned {last['policy']:.2f}"
    return f"{policy}, one of the holdout {last['holdout']:.2f}." if "holdout" in last else f"{policy}."


class RegretCurve:
    """Exact regret of decisions over simulated shoppers, by step of time."""

    def __init__(self) -> None:
        self._sums: Timeline[str] = Timeline(STEPS)

    def add(self, truth: Truth) -> None:
        """Add a decision, unless it is of the holdout, which no policy chose for."""
        if not truth.holdout:
            at_s = truth.at.seconds
            self._sums.add(at_s, "regret", truth.best - truth.value)
            self._sums.add(at_s, "no_offer", truth.best - truth.no_offer)
            self._sums.add(at_s, "decisions")

    def section(self) -> Section | None:
        """Return the plot; None where the true values are not known."""
        steps = list(self._sums.steps())
        if not steps:
            return None
        at = [each for each, _ in steps]
        means = {
            name: [sums.get(name, 0.0) / sums["decisions"] for _, sums in steps]
            for name in ("no_offer", "regret")
        }
        third = max(len(steps) // 3, 1)
        begin, end = (sum(part) / len(part) for part in (means["regret"][:third], means["regret"][-third:]))
        return Section(
            "regret",
            "Regret per decision",
            "What the best arm for each cart was expected to earn beyond the arm that was chosen. It is "
            "exact, because these shoppers are simulated. It falls while the policy learns, but does not "
            "reach zero, because events never tell everything about a shopper.",
            f"It went from {begin:.2f} in the first third of the time to {end:.2f} in the last.",
            figure(
                go.Scatter(x=at, y=means["no_offer"], mode="lines", line={"color": QUIET, "dash": "dot"},
                           name="never an offer"),
                go.Scatter(x=at, y=means["regret"], mode="lines+markers", line={"color": OTHER, "width": 2},
                           marker={"size": 5}, name="policy"),
                yaxis={"title": "regret per decision", "rangemode": "tozero"},
            ),
        )  # fmt: skip
