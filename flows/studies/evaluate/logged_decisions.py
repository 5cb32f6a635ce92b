"""The decisions and rewards that a replay or an export wrote, as rows to evaluate policies on."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from flows.studies.lift.records import Moment, Share
from flows.studies.record_lines import logged_lines
from operators.evaluation import Row, Rows
from schemas.errors import SetupError

T = TypeVar("T")


class Logged(NamedTuple):
    """The rows of a log in the order of their times, and how many records were left out, by reason.

    ``holdout`` are the profits of the holdout's decisions and whose they are.
    """

    rows: Rows
    left_out: dict[str, int]
    holdout: list[tuple[float, str]]


class _Decided(msgspec.Struct):
    decision_id: str
    visitor_id: str
    market: str
    at: Moment
    features: dict[str, float | str]
    eligible: tuple[str, ...]
    probabilities: dict[str, float]
    arm: str
    propensity: Share
    holdout: bool
    is_trainable: bool
    reason: str | None

    def __post_init__(self) -> None:
        """Raise ValueError where the arm was not there to be drawn, or not with that probability."""
        if self.arm not in self.eligible:
            raise ValueError("`arm` must be one of `eligible`")
        if self.probabilities.get(self.arm) != self.propensity:
            raise ValueError("`propensity` must be the one of `probabilities` that `arm` has")


class _Earned(msgspec.Struct):
    decision_id: str
    kind: str
    profit: float


def logged_decisions(directory: Path, market: str | None) -> Logged:
    """Return the decisions of one market that were ordinary draws and whose window is over.

    The reward is the window's profit and that of all corrections. Left out are the holdout, decisions that
    were no draw (shadow, stale, no eligible arm) and those still ``open``. Raises SetupError where a file is
    missing or is not what it should be, and where there are several markets and none is chosen: their
    currencies differ.
    """
    profits = _profits(directory)
    markets: set[str] = set()
    left_out: Counter[str] = Counter()
    holdout: list[tuple[float, str]] = []

    def rows() -> Iterator[Row]:
        for each in _records(directory / "decisions.jsonl", _Decided):
            markets.add(each.market)
            if market is not None and each.market != market:
                left_out["of another market"] += 1
            elif each.holdout or not each.is_trainable:
                left_out["holdout" if each.holdout else each.reason or "not a draw"] += 1
                if each.holdout and each.decision_id in profits:
                    holdout.append((profits[each.decision_id], each.visitor_id))
            elif each.decision_id not in profits:
                left_out["open"] += 1
            else:
                yield _row(each, profits[each.decision_id])

    found = Rows(rows()).in_order()
    _check_market(market, sorted(markets), directory)
    if not found:
        raise SetupError(f"{directory} must have decisions whose reward is known; {_why(left_out)}")
    return Logged(found, dict(left_out), holdout)


def _profits(directory: Path) -> dict[str, float]:
    """Return what each decision whose window is over has brought."""
    over: dict[str, float] = {}
    early: dict[str, float] = {}
    for earned in _records(directory / "rewards.jsonl", _Earned):
        decision = earned.decision_id
        if earned.kind == "window":
            if decision in over:
                raise SetupError(f"{directory} must have the end of each window once; {decision} is twice")
            over[decision] = early.pop(decision, 0.0) + earned.profit
        else:
            known = over if decision in over else early
            known[decision] = known.get(decision, 0.0) + earned.profit
    return over


def _row(each: _Decided, profit: float) -> Row:
    return Row(
        each.arm,
        each.propensity,
        profit,
        each.visitor_id,
        each.eligible,
        each.features,
        each.at.timestamp(),
        each.probabilities,
    )


def _records(path: Path, kind: type[T]) -> Iterator[T]:
    return logged_lines(
        path, kind, lambda number, error: f"{path}:{number} must be a record of offerstream: {error}"
    )


def _check_market(market: str | None, known: list[str], directory: Path) -> None:
    if (market is None and len(known) > 1) or (market is not None and market not in known):
        names = ", ".join(known) or "none"
        raise SetupError(f"--market must be a market of {directory}: {names}; got {market or 'none'}")


def _why(left_out: Counter[str]) -> str:
    said = ", ".join(f"{number} {reason}" for reason, number in sorted(left_out.items()))
    return f"left out: {said}" if said else "there are none"
