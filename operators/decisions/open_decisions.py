"""The decisions that are watched: by id, by visitor, and by when something is next to be done about them."""

from collections.abc import Iterator

from operators.decisions.reward import OpenDecision
from operators.streaming.timers import Timers


class Watched:
    """The decisions whose window or offer is open, in the order in which they were taken.

    Bounded by those taken within the longest window and offer: each leaves once it has been learned from and
    its offer is over, which whoever changes it tells by ``changed``.
    """

    __slots__ = ("_of_visitor", "_open", "_timers")

    def __init__(self) -> None:
        self._open: dict[str, OpenDecision] = {}
        self._of_visitor: dict[str, list[OpenDecision]] = {}
        self._timers: Timers[str] = Timers()

    def __len__(self) -> int:
        """Return how many are watched."""
        return len(self._open)

    def __iter__(self) -> Iterator[OpenDecision]:
        """Return all of them."""
        return iter(self._open.values())

    def get(self, decision_id: str) -> OpenDecision | None:
        """Return a decision, None where it is not watched."""
        return self._open.get(decision_id)

    def of_visitor(self, visitor: str) -> tuple[OpenDecision, ...]:
        """Return a visitor's decisions."""
        return tuple(self._of_visitor.get(visitor, ()))

    def add(self, each: OpenDecision) -> None:
        """Watch a decision from now on."""
        self._open[each.decision] = each
        self._of_visitor.setdefault(each.visitor, []).append(each)
        self._timers.set(each.decision, each.due_s())

    def changed(self, each: OpenDecision) -> None:
        """Drop a decision that is over; else note when it is next due."""
        if each.live or not each.learned:
            self._timers.set(each.decision, each.due_s())
            return
        self._timers.drop(each.decision)
        del self._open[each.decision]
        mine = self._of_visitor[each.visitor]
        mine.remove(each)
        if not mine:
            del self._of_visitor[each.visitor]

    def due(self, before_s: float) -> Iterator[tuple[float, OpenDecision]]:
        """Take those due before a time, with when they were due; what is changed meanwhile may come again."""
        for due_s, decision_id in self._timers.due(before_s):
            yield due_s, self._open[decision_id]
