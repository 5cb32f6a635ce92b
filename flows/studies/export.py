"""The records of the topics, written to the same files as a replay writes."""

from collections.abc import Mapping
from pathlib import Path

from flows.files.jsonl import FILES, LineFiles, make_output_directory
from flows.files.sorting import sort_files
from flows.kafka.bounded_read import read_history
from flows.kafka.cluster import Cluster
from operators.streaming.messages import OutputRecord
from schemas.errors import DataError
from schemas.message import Message


def export_topics(cluster: Cluster, topics: Mapping[str, str], out: Path) -> dict[str, int]:
    """Write all records to files in ``out``, sorted by time and id; return the number of each stream.

    ``topics`` gives the topic of each stream: offers, decisions, rejected. Each is read to its present end.
    Raises SetupError where ``out`` is not empty, DataError where a record is not one of offerstream's.
    """
    make_output_directory(out)
    counts = dict.fromkeys(FILES, 0)
    for stream in FILES:
        files = LineFiles(out, stream)
        for batch in read_history(cluster, topics[stream]):
            files.write(_record(stream, message) for message in batch)
            counts[stream] += len(batch)
    sort_files(out)
    return counts


def _record(stream: str, message: Message) -> OutputRecord:
    headers = dict(message.headers)
    try:
        record_id, record_type = headers.pop("ce_id").decode(), headers.pop("ce_type").decode()
    except KeyError as missing:
        where = f"{message.topic}/{message.partition}/{message.offset}"
        raise DataError(
            f"{where} must have the header {missing}, as all records of offerstream; who wrote it?"
        ) from None
    key = message.key.decode() if message.key is not None else ""
    return OutputRecord(stream, record_type, key, record_id, message.value or b"", tuple(headers.items()))
