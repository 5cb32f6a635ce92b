"""What was ever re-driven: known from notes on the rejected topic, whatever was killed and wherever it ran.

Before a batch is written back, a note says which records it has and where their partitions end; after it,
another says which were written. A batch with the first note alone was cut short: of its records those were
written that stand in their partitions after those ends.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from flows.kafka.bounded_read import read_ranges
from flows.kafka.cluster import Cluster
from flows.kafka.records import to_message
from flows.kafka.topics import beginning_offsets, end_offsets, partition_name, topic_partition
from flows.kafka.writer import NewRecord, RecordWriter
from flows.worker.fault_points import fault_point
from schemas.errors import BrokerError
from schemas.message import Header, Message
from schemas.records import encode
from schemas.redriven import Note, Redriven, Redriving, RedrivingRecord, is_note, note_headers, read_note

DIGEST_CHARS: Final = 32


class Redrivable(NamedTuple):
    """A rejected message by its id, and the record that is written back of it."""

    id: str
    record: NewRecord


class Journal:
    """The ids of what was re-driven: ``done``. Bounded by what the rejected topic retains."""

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self.done: set[str] = set()
        self._cluster = cluster
        self._topic = topic
        self._open: dict[str, tuple[int, Redriving]] = {}
        self._ends: dict[str, int] = {}

    def read(self, message: Message) -> None:
        """Take in a record of the topic; one that is no note changes nothing."""
        if message.value is None or not is_note(message):
            return
        try:
            note = read_note(message.value)
        except msgspec.DecodeError:  # another producer's
            return
        if isinstance(note, Redriving):
            self._open[note.batch] = message.partition, note
        else:
            self._open.pop(note.batch, None)
            self.done.update(note.ids)

    def recover(self, writer: RecordWriter | None) -> None:
        """Find what was written of batches that were cut short, and note it, where there is a writer."""
        copies = self._copies()
        for batch, (partition, note) in self._open.items():
            found = []
            for each in note.records:
                if copies[each.partition, each.digest]:
                    copies[each.partition, each.digest] -= 1
                    found.append(each.id)
            self.done.update(found)
            if writer is not None:
                self._write(writer, partition, Redriven(batch=batch, ids=tuple(found)))
        self._open.clear()

    def write(self, writer: RecordWriter, partition: int, batch: Sequence[Redrivable]) -> set[int]:
        """Write records back, with notes in the partition that the rejected ones stand in.

        Returns the numbers of those that were refused. Raises BrokerError where a record or a note is not
        acknowledged.
        """
        places = [partition_name(each.record.topic, each.record.partition) for each in batch]
        digests = [digest(each.record.key, each.record.value, each.record.headers) for each in batch]
        listed = zip(batch, places, digests, strict=True)
        announced = Redriving(
            batch=uuid.uuid4().hex,
            offsets=self._ends_of(set(places)),
            records=tuple(RedrivingRecord(each.id, place, found) for each, place, found in listed),
        )
        self._write(writer, partition, announced)
        fault_point("redrive_announced")
        refused = writer.write([each.record for each in batch])
        fault_point("redrive_written")
        ids = tuple(each.id for number, each in enumerate(batch) if number not in refused)
        self._write(writer, partition, Redriven(batch=announced.batch, ids=ids))
        fault_point("redrive_noted")
        self.done.update(ids)
        return refused

    def _write(self, writer: RecordWriter, partition: int, note: Note) -> None:
        headers = note_headers(note)
        if writer.write([NewRecord(self._topic, partition, headers[0][1], encode(note), headers)]):
            raise BrokerError(f"{self._topic} refuses the notes of redrive as too large or invalid")

    def _ends_of(self, partitions: set[str]) -> dict[str, int]:
        if new := partitions - self._ends.keys():
            self._ends |= end_offsets(self._cluster, sorted(new))
        return {name: self._ends[name] for name in sorted(partitions)}

    def _copies(self) -> Counter[tuple[str, str]]:
        """Return how often each digest stands in each partition where a batch may have been written."""
        starts: dict[str, int] = {}
        for _, note in self._open.values():
            for name, offset in note.offsets.items():
                starts[name] = min(offset, starts.get(name, offset))
        beginnings, ends = beginning_offsets(self._cluster, starts), end_offsets(self._cluster, starts)
        ranges = {topic_partition(name): (max(starts[name], beginnings[name]), ends[name]) for name in starts}
        uncommitted = {**self._cluster.settings, "isolation.level": "read_uncommitted"}
        copies: Counter[tuple[str, str]] = Counter()
        for batch in read_ranges(self._cluster._replace(settings=uncommitted), ranges):
            for record in batch:
                found = to_message(record, record.topic(), record.partition())
                name = partition_name(found.topic, found.partition)
                copies[name, digest(found.key, found.value, found.headers)] += 1
        return copies


def digest(key: bytes | None, value: bytes | None, headers: Iterable[Header]) -> str:
    """Return what tells records apart by all that they carry."""
    packed = msgspec.msgpack.encode((key, value, tuple(headers)))
    return hashlib.sha256(packed).hexdigest()[:DIGEST_CHARS]
