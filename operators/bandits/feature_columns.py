"""Which column of a linear model each feature has; columns are added as features are first learned."""

from collections import Counter
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from operators.bandits.context import Context, finite_number

UNLIMITED: Final = 1e15
"""The limit of a number whose usual size is not known yet; sums of its squares are still finite."""


OWN_WORDS: Final = 24
SHARED_WORDS: Final = 8
_MARK: Final = "\x00"


def shared_word(word: str) -> str:
    """Return what stands for a word that has no column of its own."""
    return f"{_MARK}{crc32(word.encode('utf-8', 'surrogatepass')) % SHARED_WORDS}"


def is_shared(word: str) -> bool:
    """Return whether this stands for several words."""
    return word.startswith(_MARK)


class FeatureColumns:
    """A growing map from features to columns; column 0 is the intercept.

    The row of a context never changes in the columns it had when columns are added later, so what was learned
    stays exact. A number counts from the first value it was seen with: its column appears with its second
    value, and the row of the first is zero there. A number that is sometimes missing has a column that says
    so. Text has a column for each of its first ``OWN_WORDS`` words; those that come later share
    ``SHARED_WORDS`` columns by their hash, so that a feature of addresses or of junk takes no room from the
    others, and its own frequent words are still told apart. A feature that is missing, not finite or of
    another type adds nothing.

    Bounded by ``max_columns`` columns and twice as many names; features first learned after that are ignored.

    Attributes
    ----------
    size
        Columns in use.
    first
        The first value of each number.
    numbers
        Column, first value and limit of each number that has had two values.
    words
        Column of each text feature and word, and of what words share.
    own
        How many words of each text feature have a column of their own.
    present, absent
        Columns that are 1 where a number is there, and 1 where it is missing.
    names
        A number from 1 for each feature that has columns.
    owners
        The feature's number of each column in use; 0 for the intercept.
    """

    __slots__ = (
        "_groups",
        "absent",
        "begun",
        "first",
        "max_columns",
        "names",
        "numbers",
        "own",
        "owners",
        "present",
        "size",
        "words",
    )

    def __init__(self, max_columns: int) -> None:
        self.max_columns = max_columns
        self.size = 1
        self.begun = False
        self.first: dict[str, float] = {}
        self.numbers: dict[str, tuple[int, float, float]] = {}
        self.words: dict[tuple[str, str], int] = {}
        self.own: dict[str, int] = {}
        self.present: dict[str, int] = {}
        self.absent: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.owners = [0]
        self._groups: tuple[int, NDArray[np.intp]] = 0, np.zeros(0, np.intp)

    def groups(self, width: int) -> NDArray[np.intp]:
        """Return the number of the feature of each of ``width`` columns, 0 for the intercept or none."""
        size, found = self._groups
        if size != self.size or len(found) != width:
            found = np.array(self.owners + [0] * (width - self.size), dtype=np.intp)
            found.flags.writeable = False
            self._groups = self.size, found
        return found

    def learn(self, context: Context) -> bool:
        """Add the columns that this context needs; return whether rows are computed differently now."""
        before = self.size, len(self.first)
        for name, value in context.items():
            if isinstance(value, str):
                if (name, value) not in self.words:
                    self._learn_word(name, value)
            elif (number := finite_number(value)) is not None:
                self._learn_number(name, number)
        for name in self.first:
            if (
                name not in self.present
                and name not in self.absent
                and finite_number(context.get(name)) is None
            ):
                self._add(self.absent, name, self.size)
        self.begun = True
        return before != (self.size, len(self.first))

    def _learn_word(self, name: str, word: str) -> None:
        own = self.own.get(name, 0)
        if own < OWN_WORDS and not is_shared(word):
            if self._add(self.words, (name, word), self.size):
                self.own[name] = own + 1
        elif (name, shared_word(word)) not in self.words:
            self._add(self.words, (name, shared_word(word)), self.size)

    def crowded(self) -> int:
        """Return how many text features have more words than columns of their own."""
        return sum(own >= OWN_WORDS for own in self.own.values())

    def _learn_number(self, name: str, value: float) -> None:
        first = self.first.get(name)
        if first is None:
            if len(self.first) < 2 * self.max_columns:
                self.first[name] = value
                if self.begun:
                    self._add(self.present, name, self.size)
        elif value != first and name not in self.numbers:
            self._add(self.numbers, name, (self.size, first, UNLIMITED))

    def limit(self, name: str, most: float) -> None:
        """Count the number as at most ``most`` away from its first value from now on."""
        column, first, _ = self.numbers[name]
        self.numbers[name] = (column, first, most)

    def _add(self, table: dict[Any, Any], key: str | tuple[str, str], entry: object) -> bool:
        has_room = self.size < self.max_columns
        if has_room:
            table[key] = entry
            self.size += 1
            name = key if isinstance(key, str) else key[0]
            self.owners.append(self.names.setdefault(name, len(self.names) + 1))
        return has_room

    def state(self) -> tuple[Any, ...]:
        """Return everything in plain types."""
        words = [(name, word, column) for (name, word), column in self.words.items()]
        flags = (self.max_columns, self.size, self.begun)
        return (*flags, self.first, self.numbers, words, self.present, self.absent, self.names, self.owners)

    @classmethod
    def restored(cls, state: tuple[Any, ...]) -> "FeatureColumns":
        """Return the columns that gave this ``state()``."""
        self = cls(state[0])
        _, self.size, self.begun, self.first, numbers, words, present, absent, names, owners = state
        self.numbers = {name: tuple(known) for name, known in numbers.items()}
        self.words = {(name, word): column for name, word, column in words}
        self.own = dict(Counter(name for name, word, _ in words if not is_shared(word)))
        self.present, self.absent = present, absent
        self.names, self.owners = names, owners
        return self
