"""What decisions were truly worth: their exact expected profit beside that of the oracle and of no offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.shop import NO_OFFER


@dataclass
class Sums:
    """Exact expected profits of some decisions, added up."""

    decisions: int = 0
    profit: float = 0.0
    oracle: float = 0.0
    no_offer: float = 0.0

    def add(self, profit: float, values: Mapping[str, float]) -> None:
        """Count one decision."""
        self.decisions += 1
        self.profit += profit
        self.oracle += max(values.values())
        self.no_offer += values[NO_OFFER]

    @property
    def regret(self) -> float:
        """What the oracle would have earned beyond."""
        return self.oracle - self.profit

    @property
    def share_of_oracle(self) -> float | None:
        """The part of the oracle's advantage over no offer that was reached; None before the first."""
        advantage = self.oracle - self.no_offer
        return (self.profit - self.no_offer) / advantage if advantage > 0 else None


@dataclass
class Tally:
    """True figures of a run: all decisions, and those by arm; ``fixed`` is what each arm alone had earned."""

    all: Sums = field(default_factory=Sums)
    arms: dict[str, Sums] = field(default_factory=dict)
    fixed: dict[str, float] = field(default_factory=dict)

    def decided(self, arm: str, values: Mapping[str, float]) -> None:
        """Count a decision for `arm` on a cart whose arms are truly worth `values`."""
        profit = values.get(arm, values[NO_OFFER])
        self.all.add(profit, values)
        self.arms.setdefault(arm, Sums()).add(profit, values)
        for name in self.fixed.keys() | values.keys():
            missed = (self.all.no_offer - values[NO_OFFER]) if name not in self.fixed else 0.0
            self.fixed[name] = self.fixed.get(name, 0.0) + missed + values.get(name, values[NO_OFFER])
