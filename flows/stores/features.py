"""The feature store on disk: the latest row of each kind for a visitor, readable while the worker runs."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, cast

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from rocksdict import Rdict, WriteBatch
from typing_extensions import override

from flows.cluster.membership import ALONE, Member
from flows.stores.rocksdb import TTL_BYTES, open_for_writing, open_read_only, prefixed
from operators.streaming.messages import FeatureRow

PARTITIONS: Final = 4
TTL_S: Final = 30 * 24 * 3600


def _prefix(market: str, visitor: str) -> bytes:
    return prefixed(prefixed(b"f", market), visitor)


class FeatureStorePartition(StatefulSinkPartition[list[FeatureRow], None]):
    """One database of the store. A row replaces the earlier one of its visitor and kind.

    Bounded by the visitors of the last ``ttl_s`` of wall clock, half as long again until RocksDB compacts.
    """

    def __init__(self, directory: Path, ttl_s: int = TTL_S) -> None:
        self._database = open_for_writing(directory, ttl_s=ttl_s)

    @override
    def write_batch(self, items: list[list[FeatureRow]]) -> None:
        """Write the rows. From then on they survive the death of the process and readers find them."""
        latest = {
            _prefix(row.market, row.visitor) + row.kind.encode(): row.value for rows in items for row in rows
        }
        batch = WriteBatch(raw_mode=True)
        for key, value in latest.items():
            batch.put(key, value)
        self._database.write(batch)

    @override
    def snapshot(self) -> None:
        """Return nothing: writing the same rows again after a crash changes nothing."""

    @override
    def close(self) -> None:
        """Close the database."""
        self._database.close()


def feature_parts(partitions: int = PARTITIONS) -> list[str]:
    """Return the names of the databases of a store."""
    return [f"part-{number}" for number in range(partitions)]


class FeatureStoreSink(FixedPartitionedSink[list[FeatureRow], None]):
    """The store as a sink: lists of rows by shard key, divided among so many databases.

    ``ttl_s`` is how long a row is kept after it was last written. ``partitions`` belongs to the state: it
    cannot change later. A ``member`` of several processes writes the databases that it owns.
    """

    def __init__(
        self, directory: Path, partitions: int = PARTITIONS, ttl_s: int = TTL_S, member: Member = ALONE
    ) -> None:
        self._directory = directory
        self._member = member
        self._partitions = partitions
        self._ttl_s = ttl_s

    @override
    def list_parts(self) -> list[str]:
        """Return the names of the databases that this process writes."""
        return self._member.own(feature_parts(self._partitions))

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> FeatureStorePartition:
        """Return a database with its earlier contents."""
        return FeatureStorePartition(self._directory / for_part, self._ttl_s)


def read_visitor(directory: Path, market: str, visitor: str) -> dict[str, bytes]:
    """Return the latest value of each kind for a visitor, while a worker may have the store open."""
    found: dict[str, bytes] = {}
    for path in sorted(directory.glob("part-*")):
        with open_read_only(path) as database:
            found.update(_rows(database, _prefix(market, visitor)))
    return found


def _rows(database: Rdict, prefix: bytes) -> Iterable[tuple[str, bytes]]:
    for key, value in cast("Iterator[tuple[bytes, bytes]]", database.items(from_key=prefix)):
        if not key.startswith(prefix):
            return
        yield key[len(prefix) :].decode(), value[:-TTL_BYTES]
