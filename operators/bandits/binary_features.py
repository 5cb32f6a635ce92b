"""Contexts as sets of yes-or-no features: text as it is, numbers by the octile they fall into."""

from bisect import bisect_right
from collections import Counter
from typing import Any, Final

from operators.bandits.context import Context, finite_number

SAMPLE: Final = 64
"""Octiles are those of so many first values of a number: eight values each."""


OWN_WORDS: Final = 24


def other_word(word: str) -> str:
    r"""Return what stands for the words of a text feature that came later; the same for a number.

    >>> other_word("source=news"), other_word("price#3")
    ('source\x00', 'price#3')
    """
    name, is_text, _ = word.partition("=")
    return f"{name}\x00" if is_text else word


class BinaryFeatures:
    """Gives each feature a number from 1, below ``max_features``, when it is first learned.

    A number becomes octiles once it has had 64 values; until then the feature only says that it is there.
    Bounded by ``max_features``, which limits the names of numbers too; features that come later are ignored.
    No text feature has more than a sixteenth of them for its words: what comes later shares one.
    """

    __slots__ = ("edges", "ids", "max_features", "own", "values")

    def __init__(self, max_features: int) -> None:
        self.max_features = max_features
        self.ids: dict[str, int] = {}
        self.own: dict[str, int] = {}
        self.values: dict[str, list[float]] = {}
        self.edges: dict[str, list[float]] = {}

    def active(self, context: Context) -> list[int]:
        """Return the known features that the context has."""
        ids = self.ids
        found = (ids.get(word) or ids.get(other_word(word)) for word in self._words(context))
        return [each for each in found if each is not None]

    def learn(self, context: Context) -> list[int]:
        """Return the features that the context has, after numbering the new ones."""
        for name, value in context.items():
            if (number := finite_number(value)) is not None and name not in self.edges:
                if name not in self.values and len(self.values) + len(self.edges) >= self.max_features:
                    continue
                values = self.values.setdefault(name, [])
                values.append(number)
                if len(values) == SAMPLE:
                    step = SAMPLE // 8
                    self.edges[name] = sorted({sorted(values)[step * octile] for octile in range(1, 8)})
                    del self.values[name]
        for word in self._words(context):
            if word not in self.ids and len(self.ids) + 1 < self.max_features:
                self._number(word)
        return self.active(context)

    def _number(self, word: str) -> None:
        name, is_text, _ = word.partition("=")
        if is_text:
            own = self.own.get(name, 0)
            if own < max(OWN_WORDS, self.max_features // 16):
                self.own[name] = own + 1
            else:
                word = other_word(word)
        self.ids.setdefault(word, len(self.ids) + 1)

    def _words(self, context: Context) -> list[str]:
        words = []
        for name, value in context.items():
            if isinstance(value, str):
                words.append(f"{name}={value}")
            elif (number := finite_number(value)) is not None:
                edges = self.edges.get(name)
                words.append(name if edges is None else f"{name}#{bisect_right(edges, number)}")
        return words

    def state(self) -> tuple[Any, ...]:
        """Return everything in plain types."""
        return (self.max_features, self.ids, self.values, self.edges)

    @classmethod
    def restored(cls, state: tuple[Any, ...]) -> "BinaryFeatures":
        """Return the features that gave this ``state()``."""
        self = cls(state[0])
        _, self.ids, self.values, self.edges = state
        self.own = dict(Counter(word.partition("=")[0] for word in self.ids if "=" in word))
        return self
