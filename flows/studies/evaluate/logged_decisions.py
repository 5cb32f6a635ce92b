"""The decisions and rewards that a replay or an export wrote, as rows to evaluate policies on."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from flows.studies.lift.id_index import hashed
from flows.studies.record_lines import read_records
from operators.evaluation import Row, Rows
from schemas.decisions import Decision, Reward
from schemas.errors import DataError, SetupError
from schemas.partial_records import partial_decoder

_decision: Final = partial_decoder(
    Decision,
    *("decision_id", "visitor_id", "market", "at", "features", "eligible", "probabilities", "arm"),
    *("propensity", "holdout", "is_trainable", "reason", "surcharges"),
)
_reward: Final = partial_decoder(Reward, "decision_id", "kind", "profit")


class LoggedRows(NamedTuple):
    """The rows of a log in the order of their times, and how many records were left out, by reason.

    ``holdout`` are the profits of the holdout's decisions and whose they are.
    """

    rows: Rows
    left_out: dict[str, int]
    holdout: list[tuple[float, str]]


def logged_decisions(directory: Path, market: str | None) -> LoggedRows:
    """Return the decisions of one market that were ordinary draws and whose window is over.

    Those of a rollout's rule were drawn too, with the probabilities that were logged. The reward is the
    window's profit and that of all corrections. Left out are the holdout, decisions that were not drawn
    (shadow, outside of a canary without a rule, stale, no eligible arm) and those still ``open``. Raises
    DataError where a file is missing, a line is not what it should be or a decision stands there twice,
    SetupError where there are several markets and none is chosen: their currencies differ.
    """
    profits = _profits(directory)
    known: set[int] = set()
    markets: set[str] = set()
    left_out: Counter[str] = Counter()
    holdout: list[tuple[float, str]] = []

    def rows() -> Iterator[Row]:
        for decision in read_records(directory / "decisions.jsonl", _decision, _check_draw):
            if (id_hash := hashed(decision.decision_id)) in known:
                raise DataError(f"{directory} must have each decision once; {decision.decision_id} is twice")
            known.add(id_hash)
            markets.add(decision.market)
            if market is not None and decision.market != market:
                left_out["of another market"] += 1
            elif decision.holdout or not decision.is_trainable:
                left_out["holdout" if decision.holdout else decision.reason or "not a draw"] += 1
                if decision.holdout and decision.decision_id in profits:
                    holdout.append((profits[decision.decision_id], decision.visitor_id))
            elif decision.decision_id not in profits:
                left_out["open"] += 1
            else:
                yield _row(decision, profits[decision.decision_id])

    found = Rows(rows()).in_order()
    _check_market(market, sorted(markets), directory)
    if not found:
        raise DataError(f"{directory} must have decisions whose reward is known; {_why(left_out)}")
    return LoggedRows(found, dict(left_out), holdout)


def _check_draw(decision: Decision) -> None:
    """Raise ValueError where the arm could not have been drawn, or not with that probability."""
    if decision.arm not in decision.eligible:
        raise ValueError("`arm` must be one of `eligible`")
    if decision.probabilities.get(decision.arm) != decision.propensity:
        raise ValueError("`propensity` must be the one of `probabilities` that `arm` has")


def _profits(directory: Path) -> dict[str, float]:
    """Return what each decision whose window is over has earned."""
    closed: dict[str, float] = {}
    early: dict[str, float] = {}
    for reward in read_records(directory / "rewards.jsonl", _reward):
        decision = reward.decision_id
        if reward.kind == "window":
            if decision in closed:
                raise DataError(f"{directory} must have the end of each window once; {decision} is twice")
            closed[decision] = early.pop(decision, 0.0) + reward.profit
        else:
            known = closed if decision in closed else early
            known[decision] = known.get(decision, 0.0) + reward.profit
    return closed


def _row(decision: Decision, profit: float) -> Row:
    return Row(
        decision.arm,
        decision.propensity,
        profit,
        decision.visitor_id,
        decision.eligible,
        decision.features,
        decision.at.seconds,
        decision.probabilities,
        surcharges=decision.surcharges,
    )


def _check_market(market: str | None, known: list[str], directory: Path) -> None:
    if (market is None and len(known) > 1) or (market is not None and market not in known):
        names = ", ".join(known) or "none"
        raise SetupError(f"the market must be one of {directory}: {names}; got {market or 'none'}")


def _why(left_out: Counter[str]) -> str:
    reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(left_out.items()))
    return f"left out: {reasons}" if reasons else "there are none"
