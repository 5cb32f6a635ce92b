"""Running sums over decisions, for whoever watches: by arm, and for the policy beside the holdout."""

import msgspec

from operators.ledger import Entry
from operators.rewards import Open


class Tally(msgspec.Struct, array_like=True, gc=False):
    """Decisions taken and ended, orders, and the sum and the sum of squares of their profit."""

    decided: int = 0
    ended: int = 0
    ordered: int = 0
    profit: float = 0.0
    squares: float = 0.0


class Tallies(msgspec.Struct, array_like=True):
    """One tally for each arm that was ever chosen and for each of the groups policy and holdout."""

    arms: dict[str, Tally] = {}
    groups: dict[str, Tally] = {}

    def decided(self, arm: str) -> None:
        """Count a decision."""
        self.arms.setdefault(arm, Tally()).decided += 1

    def closed(self, each: Open, profit: float) -> None:
        """Count the end of a decision's window."""
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
