"""The estimates of policies as printed tables."""

import math

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from flows.studies.evaluate.run import LogEvaluation
from operators.evaluation import Estimate, PolicyReport

NO_ANSWER = "CANNOT BE ANSWERED FROM THIS LOG"


def show(evaluation: LogEvaluation, console: Console) -> None:
    """Print which rows the estimates are of, then a table and the warnings of each policy."""
    report = evaluation.report
    console.print(
        f"[bold]{escape(evaluation.log)}[/]: {report.rows} rows of {report.visitors} visitors", end=""
    )
    console.print(
        f", after the first {report.trained_rows} on which policies were trained and then frozen"
        if report.trained_rows
        else ""
    )
    if evaluation.left_out:
        left_out = (f"{number} {reason}" for reason, number in sorted(evaluation.left_out.items()))
        console.print(f"left out: {', '.join(left_out)}", markup=False)
    console.print(
        f"values are rewards per row, intervals 95 %, clustered by visitor; clipped at {report.clip:.4g}"
    )
    console.print(f"as logged: {_number(report.logged.value)} {_interval(report.logged)}")
    if evaluation.holdout is not None:
        holdout = evaluation.holdout
        console.print(f"holdout, which gets no offers: {_number(holdout.value)} {_interval(holdout)}")
    for policy in report.policies:
        _show(policy, console)
    console.print("\nthe interval of direct is valid only where its linear model is right")


def _show(policy: PolicyReport, console: Console) -> None:
    console.print()
    table = Table(title=f"policy {escape(policy.policy)}", title_justify="left", title_style="bold")
    table.add_column("estimator")
    for name in ("value", "95 % interval", "ESS", "largest weight"):
        table.add_column(name, justify="right", no_wrap=True)
    style = None if policy.answerable else "dim"
    for each in policy.estimates:
        numbers = (_number(each.value), _interval(each), f"{each.effective_sample_size:,.1f}")
        table.add_row(each.estimator, *numbers, _number(each.largest_weight), style=style)
    console.print(table)
    if not policy.answerable:
        warnings = escape("\n".join(policy.warnings))
        console.print(Panel(warnings, title=f"WARNING: {NO_ANSWER}", style="bold red", title_align="left"))
        return
    for warning in policy.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}")


def _interval(estimate: Estimate) -> str:
    if math.isinf(estimate.standard_error):
        return "anything"
    return f"{_number(estimate.low)} to {_number(estimate.high)}"


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:,.4g}"
