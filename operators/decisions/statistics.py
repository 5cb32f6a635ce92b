"""Running sums over decisions: by arm, for the policy beside the holdout, and the self-diagnosis."""

from typing import Final

import msgspec

from operators.decisions.diagnosis import Diagnosis
from operators.decisions.ledger import DecisionTerms
from operators.decisions.open_decisions import OpenDecision
from operators.experiments.assignment import HOLDOUT
from schemas.decisions import Decision

NO_CHOICE: Final = frozenset({"stale", "no_eligible_arm"})
"""Reasons of decisions that had nothing to choose from."""


class ArmStatistics(msgspec.Struct, array_like=True, gc=False):
    """Decisions taken and ended, those with an order, and the sum and the sum of squares of their profit."""

    decided: int = 0
    ended: int = 0
    ordered: int = 0
    profit: float = 0.0
    squares: float = 0.0


class MarketStatistics(msgspec.Struct, array_like=True):
    """One entry for each arm ever chosen and for each of the groups policy and holdout, and a diagnosis.

    Bounded by the arms of the offers file over time.
    """

    arms: dict[str, ArmStatistics] = {}
    groups: dict[str, ArmStatistics] = {}
    diagnosis: Diagnosis = msgspec.field(default_factory=Diagnosis)

    def decided(self, record: Decision) -> None:
        """Count a decision."""
        self.arms.setdefault(record.arm, ArmStatistics()).decided += 1
        had_choice = record.window_ends_at.seconds > record.at.seconds
        self.diagnosis.decided(record.at.seconds, had_choice=had_choice)
        self.diagnosis.choices.add(
            record.arm, record.probabilities, of_policy=is_of_policy(record), no_arm=not had_choice
        )
        if record.unit_id is not None:
            self.diagnosis.balance.observe(record.unit_id, holdout=record.assignment == HOLDOUT)

    def ended(self, decision: OpenDecision, profit: float) -> None:
        """Count the end of a decision's window."""
        terms, ordered = decision.terms, bool(decision.earnings.orders)
        self.diagnosis.window_ended(is_trainable=terms.is_trainable, ordered=ordered)
        for each in self._of(terms):
            each.ended += 1
            each.ordered += ordered
            each.profit += profit
            each.squares += profit * profit

    def corrected(self, terms: DecisionTerms, change: float) -> None:
        """Add the profit that came after the end of a decision's window."""
        for each in self._of(terms):
            each.profit += change

    def _of(self, terms: DecisionTerms) -> tuple[ArmStatistics, ArmStatistics]:
        arm = self.arms.setdefault(terms.arm, ArmStatistics())
        return arm, self.groups.setdefault(terms.group, ArmStatistics())


def is_of_policy(record: Decision) -> bool:
    """Return whether the policy drew the arm: neither the rollout's rule nor the holdout."""
    return not record.holdout and record.stage != "rule" and record.canary is not False
