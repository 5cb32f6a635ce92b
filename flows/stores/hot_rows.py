"""The rows of a store that were asked for lately, in memory: most are soon asked for again."""

from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V")


class HotRows(dict[str, V]):
    """A dictionary that reads what is not in it, and forgets what was not asked for lately.

    It has two generations: once the younger one has half of the names, the older one goes. Bounded by
    ``limit``; below two nothing is kept.

    >>> rows = HotRows(str.upper, limit=4)
    >>> rows["ann"], rows["bob"], rows["cid"], len(rows)
    ('ANN', 'BOB', 'CID', 1)
    """

    def __init__(self, read: Callable[[str], V], limit: int) -> None:
        super().__init__()
        self._read = read
        self._half = limit // 2
        self._older: dict[str, V] = {}

    def __missing__(self, name: str) -> V:
        """Return a row of the older generation, else one that is read."""
        older = self._older
        value = older[name] if name in older else self._read(name)
        self.keep(name, value)
        return value

    def keep(self, name: str, value: V) -> None:
        """Keep a row as it was just written."""
        half = self._half
        if not half:
            return
        if len(self) >= half and name not in self:
            self._older = self.copy()
            self.clear()
        self[name] = value

    def drop(self, name: str) -> None:
        """Keep a row no more."""
        self.pop(name, None)
        self._older.pop(name, None)
