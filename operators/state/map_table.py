"""Rows that are a dictionary in memory, in the order in which names were put."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec

from operators.state.rows import StateRows

V = TypeVar("V")
_ENCODER: Final = msgspec.msgpack.Encoder()


class MapTable(Generic[V]):
    """Values by name, the one that was put the longest ago first. Bounded by whoever puts and drops names."""

    __slots__ = ("_changed", "_decode", "_is_durable", "_items", "_puts", "prefix")

    resident = True

    def __init__(self, rows: StateRows, prefix: bytes, kind: type[V]) -> None:
        self.prefix = prefix
        row: Any = tuple[int, kind]  # type: ignore[valid-type]
        self._decode = msgspec.msgpack.Decoder(row).decode
        self._is_durable = rows.store is not None
        self._items: dict[str, V] = {}
        self._changed: dict[str, int] = {}
        self._puts = 0
        rows.add(self)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._items)

    def __contains__(self, name: str) -> bool:
        """Return whether a name has a value."""
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        """Return the names, in their order."""
        return iter(self._items)

    def values(self) -> Iterable[V]:
        """Return the values, in their order."""
        return self._items.values()

    def get(self, name: str) -> V | None:
        """Return the value of a name, None where it has none; one that was changed in place is to be put."""
        return self._items.get(name)

    def put(self, name: str, value: V) -> None:
        """Let a name have this value, and come last."""
        self._items.pop(name, None)
        self._items[name] = value
        self._puts += 1
        self._changed[name] = self._puts

    def drop(self, name: str) -> V | None:
        """Let a name have no value any more; return the one that it had."""
        value = self._items.pop(name, None)
        if self._is_durable:
            self._changed[name] = 0
        return value

    def drop_first(self) -> V:
        """Drop the name that was put the longest ago; return its value."""
        name = next(iter(self._items))
        value = self._items[name]
        self.drop(name)
        return value

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the rows that changed; without a store, all."""
        items, prefix = self._items, self.prefix
        if self._is_durable:
            changed, self._changed = self._changed, {}
            for name, number in changed.items():
                row = _ENCODER.encode((number, items[name])) if name in items else None
                yield prefix + name.encode(), row
        else:
            for number, (name, value) in enumerate(items.items(), start=1):
                yield prefix + name.encode(), _ENCODER.encode((number, value))

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up all rows of a snapshot."""
        start = len(self.prefix)
        found = [(*self._decode(value), key[start:].decode()) for key, value in rows]
        found.sort(key=lambda row: row[0])
        self._items = {name: value for _, value, name in found}
        self._puts = found[-1][0] if found else 0
