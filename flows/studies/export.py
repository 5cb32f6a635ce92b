"""What stands in the topics, written to the same files as a replay writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from flows.files.jsonl import FILES, LineFiles
from flows.files.sorting import sort_files
from flows.files.unfinished import all_or_nothing
from flows.kafka.bounded_read import read_history
from flows.kafka.cluster import Cluster
from operators.ingest.rejected_output import rejected_output
from operators.streaming.messages import OutputRecord
from schemas.message import Message, first_header
from schemas.redriven import is_note
from schemas.rejected import rejected_line, rejected_record
from schemas.topics import OUTPUTS

TYPES: Final = {row.name: frozenset(row.files) for row in OUTPUTS}


class Exported(msgspec.Struct):
    """How many records of a stream were written, and how many others stand in its topic.

    ``tombstones`` have no value and ``foreign`` ones not the headers of ours; ``notes`` are those of redrive.
    """

    written: int = 0
    tombstones: int = 0
    foreign: int = 0
    notes: int = 0


def export_topics(cluster: Cluster, topics: Mapping[str, str], out: Path) -> dict[str, Exported]:
    """Write all records to files in ``out``, sorted by time and id; return how many each stream had.

    ``topics`` names the topic of each stream: offers, decisions, rejected. Each is read to where it ends
    now. Whatever fails, ``out`` is left as it was. Raises SetupError where it has something in it.
    """
    counts = {stream: Exported() for stream in FILES}
    with all_or_nothing(out) as directory:
        for stream, count in counts.items():
            files = LineFiles(directory, stream)
            for batch in read_history(cluster, topics[stream]):
                files.write(_counted(stream, batch, count))
        sort_files(directory)
    return counts


def _counted(stream: str, messages: list[Message], count: Exported) -> list[OutputRecord]:
    """Return the records of ours among some messages, and count all of them."""
    found = []
    for message in messages:
        record = _rejected(message) if stream == "rejected" else _record(stream, message)
        if record is not None:
            found.append(record)
            count.written += 1
        elif message.value is None:
            count.tombstones += 1
        elif is_note(message):
            count.notes += 1
        else:
            count.foreign += 1
    return found


def _record(stream: str, message: Message) -> OutputRecord | None:
    record_id, type_ = (first_header(message.headers, name) for name in ("ce_id", "ce_type"))
    if record_id is None or type_ not in TYPES[stream] or message.value is None:
        return None
    return OutputRecord(stream, type_, "", record_id, message.value)


def _rejected(message: Message) -> OutputRecord | None:
    record = rejected_record(message)
    if record is None:
        return None
    try:
        rejected_line(record)
    except ValueError:  # of another version: it says what this one does not know
        return None
    return rejected_output(record)
