"""Off-policy evaluation of policies from a log on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from flows.studies.evaluate.logged_decisions import Logged, logged_decisions
from flows.studies.evaluate.logged_table import logged_table
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


class Asked(msgspec.Struct, frozen=True):
    """What is to be evaluated: the log, the policies, and how to read and to split it."""

    log: Path
    policies: Sequence[str]
    market: str | None = None
    columns: Mapping[str, str] = {}
    train_share: float = 0.5
    clip: float | None = None


class Answer(msgspec.Struct, frozen=True):
    """The report, how many records of the log were left out, by reason, and what the holdout earned.

    ``holdout`` is beside the rows: visitors who never get an offer, over the whole log.
    """

    log: str
    left_out: dict[str, int]
    holdout: Estimate | None
    report: EvaluationReport


def evaluated(asked: Asked) -> Answer:
    """Return the estimates of all policies that were asked for; raises SetupError for what cannot be."""
    specs = [parse_target(text) for text in asked.policies]
    empirical = {
        spec.name: EmpiricalPolicy(read_log(Path(spec.name), asked.market, asked.columns).rows)
        for spec in specs
        if spec.kind == "like"
    }
    logged = read_log(asked.log, asked.market, asked.columns)
    report = evaluate(logged.rows, specs, train_share=asked.train_share, clip=asked.clip, empirical=empirical)
    return Answer(str(asked.log), logged.left_out, _holdout(logged), report)


def _holdout(logged: Logged) -> Estimate | None:
    if not logged.holdout:
        return None
    profits, visitors = zip(*logged.holdout, strict=True)
    return mean_reward("holdout", Log(profits, [0] * len(profits), [1.0] * len(profits), visitors))


def read_log(path: Path, market: str | None, columns: Mapping[str, str]) -> Logged:
    """Return the rows of a directory that a replay or an export wrote, or of a CSV file."""
    if path.is_dir():
        if columns:
            raise SetupError(f"--column is for CSV files; {str(path)!r} is a directory")
        return logged_decisions(path, market)
    if not path.is_file():
        raise SetupError(f"LOG must be a directory of replay or export, or a CSV file; got {str(path)!r}")
    if market is not None:
        raise SetupError(f"--market is for directories of replay or export; {str(path)!r} is a file")
    return logged_table(path, columns)


def plain(answer: Answer) -> dict[str, Any]:
    """Return the answer as JSON knows it: null for what is not a number or has no limit."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(answer))
    return found
