"""The feature store on disk: the latest of what is known of every visitor, readable while the worker runs."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, cast

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from rocksdict import Rdict, WriteBatch
from typing_extensions import override

from flows.stores.rocksdb import TTL_BYTES, open_beside_owner, open_owned, prefixed
from operators.streaming.messages import FeatureRow

KEPT_S: Final = 30 * 24 * 3600


def _prefix(market: str, visitor: str) -> bytes:
    return prefixed(b"f", market, visitor)


class FeatureStorePart(StatefulSinkPartition[list[FeatureRow], None]):
    """One database of the store. A row takes the place of an earlier one of its visitor and kind."""

    def __init__(self, directory: Path) -> None:
        self._database = open_owned(directory, ttl_s=KEPT_S)

    @override
    def write_batch(self, items: list[list[FeatureRow]]) -> None:
        """Write the rows, which from then on survive the death of the process and are seen by readers."""
        latest = {
            _prefix(row.market, row.visitor) + row.kind.encode(): row.value for rows in items for row in rows
        }
        batch = WriteBatch(raw_mode=True)
        for key, value in latest.items():
            batch.put(key, value)
        self._database.write(batch)

    @override
    def snapshot(self) -> None:
        """Return nothing: rows that are written again after a crash change nothing."""

    @override
    def close(self) -> None:
        """Give up the directory."""
        self._database.close()


class FeatureStoreSink(FixedPartitionedSink[list[FeatureRow], None]):
    """The store as a sink of the page: lists of rows by shard key, divided among ``parts`` databases.

    What was not written for 30 days goes. The number of parts belongs to the state: it stays as it was.
    """

    def __init__(self, directory: Path, parts: int = 4) -> None:
        self._directory = directory
        self._parts = parts

    @override
    def list_parts(self) -> list[str]:
        """Return the names of the databases."""
        return [f"part-{part}" for part in range(self._parts)]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> FeatureStorePart:
        """Return a database, with what it held before."""
        return FeatureStorePart(self._directory / for_part)


def read_visitor(directory: Path, market: str, visitor: str) -> dict[str, bytes]:
    """Return the latest value of each kind for a visitor, while a worker may have the store open."""
    found: dict[str, bytes] = {}
    for path in sorted(directory.glob("part-*")):
        with open_beside_owner(path) as database:
            found.update(_rows(database, _prefix(market, visitor)))
    return found


def _rows(database: Rdict, prefix: bytes) -> Iterable[tuple[str, bytes]]:
    for key, value in cast("Iterator[tuple[bytes, bytes]]", database.items(from_key=prefix)):
        if not key.startswith(prefix):
            return
        yield key[len(prefix) :].decode(), value[:-TTL_BYTES]
