"""Running sums over decisions, for whoever watches: by arm, and for the policy beside the holdout."""

from typing import Final

import msgspec

from operators.decisions.diagnosis import Diagnosis
from operators.decisions.ledger import Entry
from operators.decisions.reward import OpenDecision
from operators.experiments.assignment import HOLDOUT


class Tally(msgspec.Struct, array_like=True, gc=False):
    """Decisions taken and ended, orders, and the sum and the sum of squares of their profit."""

    decided: int = 0
    ended: int = 0
    ordered: int = 0
    profit: float = 0.0
    squares: float = 0.0


class _Drawn(msgspec.Struct):
    probabilities: dict[str, float]
    unit_id: str | None = None
    assignment: str | None = None


_drawn: Final = msgspec.json.Decoder(_Drawn).decode


class MarketStatistics(msgspec.Struct, array_like=True):
    """One tally for each arm ever chosen and for each of the groups policy and holdout, and a diagnosis."""

    arms: dict[str, Tally] = {}
    groups: dict[str, Tally] = {}
    diagnosis: Diagnosis = msgspec.field(default_factory=Diagnosis)

    def decided(self, entry: Entry) -> None:
        """Count a decision."""
        self.arms.setdefault(entry.arm, Tally()).decided += 1
        drawn, holdout = _drawn(entry.decided), entry.group == "holdout"
        had_choice = entry.window_ends_s > entry.at_s
        self.diagnosis.decided(entry.at_s, offered=entry.offered is not None)
        self.diagnosis.choices.add(entry.arm, drawn.probabilities, holdout=holdout, no_arm=not had_choice)
        if drawn.unit_id is not None:
            self.diagnosis.balance.observe(drawn.unit_id, holdout=drawn.assignment == HOLDOUT)

    def closed(self, each: OpenDecision, profit: float) -> None:
        """Count the end of a decision's window."""
        self.diagnosis.closed(teaches=each.teaches, ordered=bool(each.orders))
        for tally in self._of(each.arm, each.group):
            tally.ended += 1
            tally.ordered += bool(each.orders)
            tally.profit += profit
            tally.squares += profit * profit

    def corrected(self, entry: Entry, change: float) -> None:
        """Add what came after the end of a decision's window."""
        for tally in self._of(entry.arm, entry.group):
            tally.profit += change

    def _of(self, arm: str, group: str) -> tuple[Tally, Tally]:
        return self.arms.setdefault(arm, Tally()), self.groups.setdefault(group, Tally())
