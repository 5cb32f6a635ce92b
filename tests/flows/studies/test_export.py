"""Topics are exported into the files that a replay of the same events writes."""

import pytest

from flows.files.jsonl import FILES, JsonlSink
from flows.files.sorting import sort_files
from flows.kafka.cluster import Cluster
from flows.studies.export import export_topics
from operators.streaming.messages import OutputRecord
from schemas.errors import DataError, SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject

TOPICS = {stream: f"shop.{stream}" for stream in FILES}
CLUSTER = Cluster("unused:9092")
AT = b'"2026-01-01T00:00:00.000000Z"'


def wrong(offset):
    record = reject(
        Message(b"\xff", None, (), "shop.events", 0, offset, 1e9), InvalidEvent("encoding", "not UTF-8")
    )
    return OutputRecord("rejected", "rejected", record.id, record.id, record.value, record.headers)


RECORDS = [
    OutputRecord("offers", "offer.decided", "ada", "b", b'{"id":"b","time":%s}' % AT),
    OutputRecord("offers", "offer.revoked", "ada", "a", b'{"id":"a","time":%s}' % AT),
    OutputRecord("decisions", "decision", "ada", "d", b'{"decision_id":"d","at":%s}' % AT),
    OutputRecord("decisions", "reward", "ada", "r", b'{"reward_id":"r","at":%s}' % AT),
    OutputRecord("decisions", "score", "ada", "m.score", b'{"moment_id":"m","at":%s}' % AT),
    wrong(10),
    wrong(9),
]


def record(output, offset):
    """The record that the Kafka sink makes of it."""
    headers = (("ce_id", output.id.encode()), ("ce_type", output.type.encode()), *output.headers)
    return Message(output.value, output.key.encode(), headers, TOPICS[output.stream], offset % 2, offset)


@pytest.fixture
def broker(monkeypatch):
    """Topics as lists of records, read one at a time."""
    topics = {topic: [] for topic in TOPICS.values()}
    monkeypatch.setattr(
        "flows.studies.export.read_history", lambda _cluster, topic: ([one] for one in topics[topic])
    )
    return topics


def replayed(directory):
    for stream in FILES:
        part = JsonlSink(directory, stream).build_part("sink", stream, None)
        part.write_batch([output for output in RECORDS if output.stream == stream])
    sort_files(directory)
    return directory


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_exported_topics_equal_the_files_of_a_replay(tmp_path, broker):
    for offset, output in enumerate(RECORDS):
        broker[TOPICS[output.stream]].append(record(output, offset))
    counts = export_topics(CLUSTER, TOPICS, tmp_path / "topics")
    assert counts == {"offers": 2, "decisions": 3, "rejected": 2}
    assert contents(tmp_path / "topics") == contents(replayed(tmp_path / "files"))
    assert len(contents(tmp_path / "topics")) == 7


def test_a_foreign_record_stops_the_export(tmp_path, broker):
    broker["shop.offers"].append(Message(b"{}", None, (), "shop.offers", 3, 7))
    with pytest.raises(DataError, match=r"shop\.offers/3/7 must have the header 'ce_id'"):
        export_topics(CLUSTER, TOPICS, tmp_path)


def test_an_export_overwrites_nothing(tmp_path):
    (tmp_path / "offers.jsonl").write_bytes(b"mine")
    with pytest.raises(SetupError, match=r"the output directory .* must be new or empty; got: files in it"):
        export_topics(CLUSTER, TOPICS, tmp_path)
    with pytest.raises(SetupError, match="must be new or empty; got: File exists"):
        export_topics(CLUSTER, TOPICS, tmp_path / "offers.jsonl")
    assert contents(tmp_path) == {"offers.jsonl": b"mine"}
