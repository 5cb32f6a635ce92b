"""Rows that are sets: which names belong to a group, however many, without rewriting the group."""

from collections.abc import Iterable, Iterator

from operators.state.rows import StateRows, after

_END = b"\x00"


class SetTable:
    """Names by group. In memory is what changed since the last snapshot but one; without a store, all."""

    resident = False

    def __init__(self, rows: StateRows, prefix: bytes) -> None:
        self.prefix = prefix
        self._rows = rows
        self._changed: dict[str, dict[str, bool]] = {}
        self._sealing: dict[str, dict[str, bool]] = {}
        rows.add(self)

    def members(self, group: str) -> list[str]:
        """Return the names that belong to a group, sorted."""
        found: set[str] = set()
        store = self._rows.store
        if store is not None:
            start = self._group(group)
            found = {key[len(start) :].decode() for key, _ in store.scan(start, after(start))}
        for changes in (self._sealing, self._changed):
            for name, is_in in changes.get(group, {}).items():
                (found.add if is_in else found.discard)(name)
        return sorted(found)

    def add(self, group: str, name: str) -> None:
        """Let a name belong to a group."""
        self._changed.setdefault(group, {})[name] = True

    def discard(self, group: str, name: str) -> None:
        """Let a name belong to a group no more."""
        changed = self._changed.setdefault(group, {})
        if self._rows.store is not None:
            changed[name] = False
            return
        changed.pop(name, None)
        if not changed:
            del self._changed[group]

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the rows that changed; without a store, all."""
        for group, names in self._changed.items():
            start = self._group(group)
            for name, is_in in names.items():
                yield start + name.encode(), b"" if is_in else None
        if self._rows.store is not None:
            self._sealing, self._changed = self._changed, {}

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the rows of a snapshot."""
        for key, _ in rows:
            group, name = key[len(self.prefix) :].split(_END, 1)
            self.add(group.decode(), name.decode())

    def _group(self, group: str) -> bytes:
        return self.prefix + group.encode() + _END
