"""The exact expected profit of decisions, compared with that of the oracle and of making no offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.shop import NO_OFFER


@dataclass
class TrueProfit:
    """Exact expected profits of some decisions, summed up."""

    decisions: int = 0
    profit: float = 0.0
    oracle: float = 0.0
    no_offer: float = 0.0

    def add(self, profit: float, values: Mapping[str, float]) -> None:
        """Count a decision with this expected profit on a cart whose arms have these true values."""
        self.decisions += 1
        self.profit += profit
        self.oracle += max(values.values())
        self.no_offer += values[NO_OFFER]

    @property
    def regret(self) -> float:
        """What the oracle would have earned in addition."""
        return self.oracle - self.profit

    @property
    def share_of_oracle(self) -> float | None:
        """The part of the oracle's advantage over no offer that was reached; None while there is none."""
        advantage = self.oracle - self.no_offer
        return (self.profit - self.no_offer) / advantage if advantage > 0 else None


@dataclass
class TrueProfitByArm:
    """Exact expected profits of a run.

    Attributes
    ----------
    all
        Those of all decisions.
    arms
        Those of the decisions for each arm.
    fixed
        What each arm would have earned if it had been chosen everywhere.
    """

    all: TrueProfit = field(default_factory=TrueProfit)
    arms: dict[str, TrueProfit] = field(default_factory=dict)
    fixed: dict[str, float] = field(default_factory=dict)

    def add(self, arm: str, values: Mapping[str, float]) -> None:
        """Count a decision for an arm on a cart whose arms have these true values."""
        profit = values.get(arm, values[NO_OFFER])
        self.all.add(profit, values)
        self.arms.setdefault(arm, TrueProfit()).add(profit, values)
        for name in self.fixed.keys() | values.keys():
            missed = (self.all.no_offer - values[NO_OFFER]) if name not in self.fixed else 0.0
            self.fixed[name] = self.fixed.get(name, 0.0) + missed + values.get(name, values[NO_OFFER])
