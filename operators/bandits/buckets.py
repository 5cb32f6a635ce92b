"""Which yes-or-no features a context has: words as they are, numbers by the eighth they fall into."""

from bisect import bisect_right
from typing import Any

from operators.bandits.plans import Context, number


class Buckets:
    """Features as numbers from 1 below ``room``, given out as they are first learned.

    A number is divided into eighths of its first 64 values; until then it is only known to be there.
    Bounded by ``room``, also in names of numbers; features that come later are ignored.
    """

    __slots__ = ("edges", "ids", "room", "values")

    def __init__(self, room: int) -> None:
        self.room = room
        self.ids: dict[str, int] = {}
        self.values: dict[str, list[float]] = {}
        self.edges: dict[str, list[float]] = {}

    def active(self, context: Context) -> list[int]:
        """The features the context has, as far as they are known."""
        return [each for word in self._words(context) if (each := self.ids.get(word)) is not None]

    def learn(self, context: Context) -> list[int]:
        """The features the context has, new ones included."""
        for name, value in context.items():
            if (plain := number(value)) is not None and name not in self.edges:
                if name not in self.values and len(self.values) + len(self.edges) >= self.room:
                    continue
                values = self.values.setdefault(name, [])
                values.append(plain)
                if len(values) == 64:
                    self.edges[name] = sorted({sorted(values)[8 * eighth] for eighth in range(1, 8)})
                    del self.values[name]
        for word in self._words(context):
            if word not in self.ids and len(self.ids) + 1 < self.room:
                self.ids[word] = len(self.ids) + 1
        return self.active(context)

    def _words(self, context: Context) -> list[str]:
        words = []
        for name, value in context.items():
            if isinstance(value, str):
                words.append(f"{name}={value}")
            elif (plain := number(value)) is not None:
                edges = self.edges.get(name)
                words.append(name if edges is None else f"{name}#{bisect_right(edges, plain)}")
        return words

    def state(self) -> tuple[Any, ...]:
        """All there is to know, in plain types."""
        return (self.room, self.ids, self.values, self.edges)

    @classmethod
    def of(cls, state: tuple[Any, ...]) -> "Buckets":
        """The buckets whose ``state()`` this was."""
        self = cls(state[0])
        _, self.ids, self.values, self.edges = state
        return self
