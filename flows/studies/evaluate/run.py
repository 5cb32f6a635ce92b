"""Off-policy evaluation of policies from a log on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from flows.studies.evaluate.csv_rows import csv_rows
from flows.studies.evaluate.logged_decisions import LoggedRows, logged_decisions
from operators.evaluation import (
    EmpiricalPolicy,
    Estimate,
    EvaluationReport,
    Log,
    evaluate,
    mean_reward,
    parse_target,
)
from schemas.errors import SetupError


class EvaluationRequest(msgspec.Struct, frozen=True):
    """What to evaluate: the log, the policies, and how to read and to split the log."""

    log: Path
    policies: Sequence[str]
    market: str | None = None
    columns: Mapping[str, str] = {}
    train_share: float = 0.5
    clip: float | None = None


class LogEvaluation(msgspec.Struct, frozen=True):
    """The report, how many records of the log were left out, by reason, and what the holdout earned.

    ``holdout`` stands beside the rows: visitors who never get an offer, over the whole log.
    """

    log: str
    left_out: dict[str, int]
    holdout: Estimate | None
    report: EvaluationReport


def evaluate_log(request: EvaluationRequest) -> LogEvaluation:
    """Return the estimates of all policies; raises SetupError for a policy or a share that cannot be.

    Raises DataError where the log is not what it should be.
    """
    specs = [parse_target(text) for text in request.policies]
    empirical = {
        spec.name: EmpiricalPolicy(read_log(Path(spec.name), request.market, request.columns).rows)
        for spec in specs
        if spec.kind == "like"
    }
    logged = read_log(request.log, request.market, request.columns)
    report = evaluate(
        logged.rows, specs, train_share=request.train_share, clip=request.clip, empirical=empirical
    )
    return LogEvaluation(str(request.log), logged.left_out, _holdout(logged), report)


def _holdout(logged: LoggedRows) -> Estimate | None:
    if not logged.holdout:
        return None
    profits, visitors = zip(*logged.holdout, strict=True)
    return mean_reward("holdout", Log(profits, [0] * len(profits), [1.0] * len(profits), visitors))


def read_log(path: Path, market: str | None, columns: Mapping[str, str]) -> LoggedRows:
    """Return the rows of a directory that a replay or an export wrote, or of a CSV file."""
    if path.is_dir():
        if columns:
            raise SetupError(f"columns can be named for CSV files only; {str(path)!r} is a directory")
        return logged_decisions(path, market)
    if not path.is_file():
        raise SetupError(
            f"the log must be a directory that replay or export wrote, or a CSV file; got {str(path)!r}"
        )
    if market is not None:
        raise SetupError(
            f"a market can be chosen for directories of replay or export only; {str(path)!r} is a file"
        )
    return csv_rows(path, columns)


def plain_figures(evaluation: LogEvaluation) -> dict[str, Any]:
    """Return the evaluation as JSON has it: null for what is not a number or has no limit."""
    figures: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(evaluation))
    return figures
