"""The self-diagnosis of a market, computed from its records as the worker computes it."""

from collections.abc import Mapping
from typing import Final

from operators.decisions.diagnosis import Diagnosis
from operators.decisions.statistics import NO_CHOICE, is_of_policy
from operators.decisions.verdicts import Verdict, verdicts
from operators.experiments.unit_sketch import UnitSketch
from schemas.decisions import Decision, Reward

SAMPLED_UNITS: Final = 5_000
"""How many units the check of the holdout samples."""


class SelfDiagnosis:
    """What the worker would report at the end of the log; ``holdout`` is the configured share, if known.

    ``orders`` are the worker's own figures of all orders, which its records do not contain; None where they
    are not known.
    """

    def __init__(self, holdout: float | None, orders: Mapping[str, float] | None = None) -> None:
        self.holdout = holdout
        self.orders = orders
        self.diagnosis = Diagnosis(balance=UnitSketch(SAMPLED_UNITS))

    def add_decision(self, decision: Decision) -> None:
        """Add a decision."""
        has_choice = decision.reason not in NO_CHOICE
        self.diagnosis.decided(decision.at.seconds, had_choice=has_choice)
        self.diagnosis.choices.add(
            decision.arm,
            decision.probabilities,
            of_policy=is_of_policy(decision),
            no_arm=not has_choice,
        )
        if has_choice:
            self._add_unit(decision)

    def _add_unit(self, decision: Decision) -> None:
        is_held_out = decision.holdout
        if decision.assignment is not None:
            is_held_out = decision.assignment == "holdout"
        if decision.holdout_share is not None:
            self.holdout = decision.holdout_share
        unit = decision.visitor_id if decision.unit_id is None else decision.unit_id
        self.diagnosis.balance.observe(unit, holdout=is_held_out)

    def add_reward(self, reward: Reward, *, is_trainable: bool) -> None:
        """Add a reward, of a decision that trains the policy or not."""
        ordered = bool(reward.orders)
        if reward.kind == "window":
            self.diagnosis.window_ended(is_trainable=is_trainable, ordered=ordered)
        if ordered:
            self.diagnosis.attributed(reward.at.seconds)

    def verdicts(self, latest_s: float) -> list[Verdict]:
        """Return the verdicts at the end of the log."""
        figures = self.diagnosis.figures(latest_s, self.holdout)
        del figures["orders_seen"]
        return verdicts({**figures, **(self.orders or {})}, self.holdout)
