"""What one policy achieved, read from the files of its run, and how it compares with another."""

import math
from pathlib import Path
from typing import Any

import msgspec

from flows.studies.backtest.shoppers import TRUTH
from flows.studies.summary import SUMMARY
from operators.experiments.clustered_ratio import Interval, Ratio, difference
from operators.simulation.tally import Sums


class _Decision(msgspec.Struct):
    visitor_id: str
    market: str
    holdout: bool
    eligible: list[str]
    reason: str | None
    offer_id: str | None


class _Reward(msgspec.Struct):
    visitor_id: str
    market: str
    kind: str
    profit: float
    orders: list[str]
    holdout: bool


class _Truth(msgspec.Struct):
    holdout: bool
    value: float
    best: float
    no_offer: float


class Result:
    """The figures of one policy over all markets; the holdout is left out, no policy had a say there.

    ``decisions`` had a choice; ``no_choice`` had none. ``truth`` is None where it is not known.
    """

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.decisions = self.offers = self.no_choice = self.held_out = 0
        self.profit = Ratio()
        self.conversion = Ratio()
        self.truth: Sums | None = None
        self.models: dict[str, dict[str, float]] = {}


def read_result(policy: str, folder: Path) -> Result:
    """Return the figures in the files of one run; reads them line by line."""
    found = Result(policy)
    for decision in lines(folder / "decisions.jsonl", _Decision):
        found.held_out += decision.holdout
        if not decision.holdout:
            found.offers += decision.offer_id is not None
            if decision.reason in (None, "shadow"):
                found.decisions += 1
            else:
                found.no_choice += 1
    for reward in lines(folder / "rewards.jsonl", _Reward):
        if not reward.holdout:
            unit, ended = f"{reward.market}\x1f{reward.visitor_id}", int(reward.kind == "window")
            found.profit.add(unit, reward.profit, ended)
            found.conversion.add(unit, float(ended and bool(reward.orders)), ended)
    if (folder / TRUTH).exists():
        found.truth = Sums()
        for truth in lines(folder / TRUTH, _Truth):
            if not truth.holdout:
                found.truth.add(truth.value, {"best": truth.best, "no_offer": truth.no_offer})
    summary = msgspec.json.decode((folder / SUMMARY).read_bytes())
    found.models = {name: figures for name, figures in summary["markets"].items() if figures.get("updates")}
    return found


def lines(path: Path, kind: type[msgspec.Struct]) -> Any:  # noqa: ANN401  an iterator of that kind
    """Return an iterator over the records of a file."""
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as file:
        yield from map(decode, file)


def row(result: Result, first: Result) -> dict[str, Any]:
    """Return a policy's figures as plain numbers, compared with the first where shoppers react to both."""
    profit, conversion = result.profit.interval(), result.conversion.interval()
    said: dict[str, Any] = {
        "policy": result.policy,
        "decisions": result.decisions,
        "offers": result.offers,
        "no_choice": result.no_choice,
        "holdout_decisions": result.held_out,
        "conversion": _interval(conversion),
        "profit_per_decision": _interval(profit),
        "models": {
            market: {name: figures.get(name) for name in ("auc", "log_loss", "calibration_error")}
            for market, figures in result.models.items()
        },
    }
    if result.truth is not None:
        said["difference_to_first"] = _interval(difference(result.profit, first.profit))
        said["regret_per_decision"] = result.truth.regret / max(result.truth.decisions, 1)
        said["regret"] = result.truth.regret
        said["share_of_oracle"] = result.truth.share_of_oracle
    return said


def _interval(found: Interval) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in found._asdict().items()}
