"""Rejected records written back to where they came from, each once, however often and wherever this runs."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from flows.kafka.bounded_read import read_messages, retained_ranges
from flows.kafka.cluster import Cluster
from flows.kafka.topics import partition_counts
from flows.kafka.writer import NewRecord, RecordWriter
from flows.studies.redrive_journal import Journal, Redrivable
from schemas.dead_letters import Headers, split_headers
from schemas.message import Message
from schemas.redriven import is_note
from schemas.rejected import RejectedRecord, rejected_record

BATCH_RECORDS: Final = 100
BATCH_BYTES: Final = 8_000_000
"""How many records of a partition are written between two notes, and how much is held of all partitions."""


class Result(StrEnum):
    """What became of a rejected record of a class that was asked for."""

    REDRIVEN = "re-driven"
    BEFORE = "re-driven before"
    CUT = "cut, so not re-driven"
    GONE = "of a topic or partition that is gone"
    REFUSED = "refused by the broker"
    OVER_LIMIT = "over the limit"


class Skipped(StrEnum):
    """What else stands in the topic."""

    CLASS = "of other classes"
    TIME = "outside the times"
    TOMBSTONE = "tombstones"
    FOREIGN = "of other producers"


class Asked(NamedTuple):
    """Which rejected records are wanted: their classes, when they were rejected, and how many at most."""

    classes: frozenset[str]
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    dry_run: bool = False

    def is_in_time(self, message: Message) -> bool:
        """Return whether a record was rejected from ``since`` to before ``until``."""
        at_s = 0.0 if message.timestamp_s is None else message.timestamp_s
        is_too_early = self.since is not None and at_s < self.since.timestamp()
        return not is_too_early and (self.until is None or at_s < self.until.timestamp())


class RedriveCounts(NamedTuple):
    """How many records of each class came to what, and how much else stands in the topic."""

    results: Counter[tuple[str, Result]]
    skipped: Counter[Skipped]


class _Wanted(NamedTuple):
    """A record that is to be written back, and its class."""

    class_: str
    message: Redrivable
    size_bytes: int


def redrive(cluster: Cluster, topic: str, asked: Asked) -> RedriveCounts:
    """Write back the records of a rejected topic that were asked for; return what became of how many.

    Raises SetupError for a missing topic, BrokerError where records cannot be read or written.
    """
    return _Redrive(cluster, topic, asked).run()


class _Redrive:
    """One run over what stands in the topic when it begins; keeps a batch for each partition."""

    def __init__(self, cluster: Cluster, topic: str, asked: Asked) -> None:
        self._cluster = cluster
        self._topic = topic
        self._asked = asked
        self._ranges = retained_ranges(cluster, topic)
        self._partitions = partition_counts(cluster)
        self._journal = Journal(cluster, topic)
        self._writer = None if asked.dry_run else RecordWriter(cluster)
        self._counts = RedriveCounts(Counter(), Counter())
        self._taken: set[str] = set()
        self._batches: dict[int, list[_Wanted]] = {}
        self._size_bytes = 0

    def run(self) -> RedriveCounts:
        """Return what became of everything."""
        for message in self._messages():
            self._journal.read(message)
        self._journal.recover(self._writer)
        for message in self._messages():
            if (wanted := self._examine(message)) is not None:
                self._add(message.partition, wanted)
        self._write_all()
        return self._counts

    def _messages(self) -> Iterator[Message]:
        for batch in read_messages(self._cluster, self._topic, self._ranges):
            yield from batch

    def _add(self, partition: int, wanted: _Wanted) -> None:
        batch = self._batches.setdefault(partition, [])
        batch.append(wanted)
        self._size_bytes += wanted.size_bytes
        if self._size_bytes > BATCH_BYTES:
            self._write_all()
        elif len(batch) == BATCH_RECORDS:
            self._write(partition)

    def _write_all(self) -> None:
        for partition in list(self._batches):
            self._write(partition)

    def _write(self, partition: int) -> None:
        batch = self._batches.pop(partition)
        self._size_bytes -= sum(wanted.size_bytes for wanted in batch)
        refused: set[int] = set()
        if self._writer is not None:
            refused = self._journal.write(self._writer, partition, [wanted.message for wanted in batch])
        for number, wanted in enumerate(batch):
            result = Result.REFUSED if number in refused else Result.REDRIVEN
            self._counts.results[wanted.class_, result] += 1

    def _examine(self, message: Message) -> _Wanted | None:
        """Return a record that is to be written back; count any other one."""
        if is_note(message):
            return None
        record = rejected_record(message)
        headers = None if record is None else split_headers(record.headers)
        if record is None or headers is None:
            self._counts.skipped[Skipped.TOMBSTONE if message.value is None else Skipped.FOREIGN] += 1
            return None
        class_ = headers.ours()["class"].decode(errors="replace")
        if class_ not in self._asked.classes:
            self._counts.skipped[Skipped.CLASS] += 1
        elif not self._asked.is_in_time(message):
            self._counts.skipped[Skipped.TIME] += 1
        elif (obstacle := self._obstacle(record, headers)) is not None:
            self._counts.results[class_, obstacle] += 1
        else:
            self._taken.add(record.id)
            again = NewRecord(*record.source, record.key, record.value, headers.own)
            return _Wanted(class_, Redrivable(record.id, again), record.size_bytes)
        return None

    def _obstacle(self, record: RejectedRecord, headers: Headers) -> Result | None:
        topic, partition = record.source
        if record.id in self._journal.done or record.id in self._taken:
            return Result.BEFORE
        if "cut" in headers.ours():
            return Result.CUT
        if partition >= self._partitions.get(topic, 0):
            return Result.GONE
        if self._asked.limit is not None and len(self._taken) >= self._asked.limit:
            return Result.OVER_LIMIT
        return None
