"""What one policy achieved, read from the files of its run, and how it compares with another."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from flows.studies.backtest.true_values import TRUTH, Truth
from flows.studies.record_lines import read_records
from flows.studies.summary import SUMMARY
from operators.decisions.statistics import NO_CHOICE
from operators.experiments.clustered_ratio import ClusteredRatio, RatioInterval, difference
from operators.simulation.true_profit import TrueProfit
from schemas.decisions import Decision, Reward
from schemas.partial_records import partial_decoder

_decision: Final = partial_decoder(Decision, "holdout", "reason", "offer_id")
_reward: Final = partial_decoder(Reward, "visitor_id", "market", "kind", "profit", "orders", "holdout")
_truth: Final = partial_decoder(Truth, "holdout", "value", "best", "no_offer")


class PolicyResult:
    """The figures of one policy over all markets, without the holdout, where no policy decides.

    ``decisions`` had a choice; ``no_choice`` had none. ``truth`` is None where it is not known.
    """

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.decisions = self.offers = self.no_choice = self.held_out = 0
        self.profit = ClusteredRatio()
        self.conversion = ClusteredRatio()
        self.truth: TrueProfit | None = None
        self.models: dict[str, dict[str, float]] = {}
        self.ending: Sequence[str] = ()


def read_result(policy: str, folder: Path, ending: Sequence[str] = ()) -> PolicyResult:
    """Return the figures in the files of one run, read line by line, with the sentences it ended with."""
    result = PolicyResult(policy)
    result.ending = ending
    for decision in read_records(folder / "decisions.jsonl", _decision):
        result.held_out += decision.holdout
        if not decision.holdout:
            result.offers += decision.offer_id is not None
            if decision.reason in NO_CHOICE:
                result.no_choice += 1
            else:
                result.decisions += 1
    for reward in read_records(folder / "rewards.jsonl", _reward):
        if not reward.holdout:
            unit, ended = f"{reward.market}\x1f{reward.visitor_id}", int(reward.kind == "window")
            result.profit.add(unit, reward.profit, ended)
            result.conversion.add(unit, float(ended and bool(reward.orders)), ended)
    if (folder / TRUTH).exists():
        result.truth = TrueProfit()
        for truth in read_records(folder / TRUTH, _truth):
            if not truth.holdout:
                result.truth.add(truth.value, {"best": truth.best, "no_offer": truth.no_offer})
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes())
    result.models = {name: figures for name, figures in summary["markets"].items() if figures.get("updates")}
    return result


def result_row(result: PolicyResult, first: PolicyResult) -> dict[str, Any]:
    """Return a policy's figures as plain numbers, compared with the first where shoppers react to both."""
    row: dict[str, Any] = {
        "policy": result.policy,
        "decisions": result.decisions,
        "offers": result.offers,
        "no_choice": result.no_choice,
        "holdout_decisions": result.held_out,
        "conversion": _interval(result.conversion.interval()),
        "profit_per_decision": _interval(result.profit.interval()),
        "models": {
            market: {name: figures.get(name) for name in ("auc", "log_loss", "calibration_error")}
            for market, figures in result.models.items()
        },
    }
    if result.truth is not None:
        row["difference_to_first"] = _interval(difference(result.profit, first.profit))
        row["regret_per_decision"] = result.truth.regret / max(result.truth.decisions, 1)
        row["regret"] = result.truth.regret
        row["share_of_oracle"] = result.truth.share_of_oracle
    return row


def _interval(interval: RatioInterval) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in interval._asdict().items()}
