"""Topics are exported into the files that a replay of the same events writes."""

import json

import msgspec
import pytest

from flows.commands.export import _passed_over
from flows.files.jsonl import FILES, JsonlSink
from flows.files.sorting import sort_files
from flows.kafka.cluster import Cluster
from flows.studies.export import Exported, export_topics
from operators.streaming.messages import OutputRecord
from schemas.errors import BrokerError, SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject

TOPICS = {stream: f"shop.{stream}" for stream in FILES}
CLUSTER = Cluster("unused:9092")
AT = b'"2026-01-01T00:00:00.000000Z"'


def invalid(offset):
    headers = (("ce_id", None), ("class", b"gold"))
    message = Message(b"\xff", b"v-1", headers, "shop.events", 0, offset, 1e9)
    record = reject(message, InvalidEvent("encoding", "not UTF-8"))
    return OutputRecord(
        *("rejected", "rejected", record.route, record.id, record.value, record.headers), own_key=record.key
    )


RECORDS = [
    OutputRecord("offers", "offer.decided", "ada", "b", b'{"id":"b","time":%s}' % AT),
    OutputRecord("offers", "offer.revoked", "ada", "a", b'{"id":"a","time":%s}' % AT),
    OutputRecord("decisions", "decision", "ada", "d", b'{"decision_id":"d","at":%s}' % AT),
    OutputRecord("decisions", "reward", "ada", "r", b'{"reward_id":"r","at":%s}' % AT),
    OutputRecord("decisions", "score", "ada", "m.score", b'{"moment_id":"m","at":%s}' % AT),
    invalid(10),
    invalid(9),
]


def record(output, offset):
    """The record that the Kafka sink makes of it."""
    headers = (("ce_id", output.id.encode()), ("ce_type", output.type.encode()), *output.headers)
    value = None if output.is_null else output.value
    return Message(value, output.key.encode(), headers, TOPICS[output.stream], offset % 2, offset)


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
    assert {stream: count.written for stream, count in counts.items()} == {
        "offers": 2,
        "decisions": 3,
        "rejected": 2,
    }
    assert contents(tmp_path / "topics") == contents(replayed(tmp_path / "files"))
    assert len(contents(tmp_path / "topics")) == 9


OURS = (("ce_id", b"b"), ("ce_type", b"offer.decided"))
OF_0_1 = (("ce_id", b"t/0/1"), ("ce_type", b"rejected"), ("class", b"late"), ("reason", b"too old"))
NOTE = (("ce_id", b"shop.events/0/9.redriven"), ("ce_type", b"redriven"))


@pytest.mark.parametrize(
    ("place", "headers", "expected"),
    [
        (("offers", None), (), Exported(tombstones=1)),
        (("offers", None), OURS, Exported(tombstones=1)),
        (("offers", b'{"probe":1}'), (), Exported(foreign=1)),
        (("offers", b"{}"), (("ce_id", None), ("ce_type", None)), Exported(foreign=1)),
        (("offers", b"{}"), (("ce_id", b"\xff"), ("ce_type", b"\xff")), Exported(foreign=1)),
        (("decisions", b"{}"), OURS, Exported(foreign=1)),
        (("offers", b'{"id":"b"}'), (("mirror", b"m"), *OURS), Exported(written=1)),
        (("rejected", None), (), Exported(tombstones=1)),
        (("rejected", b"{}"), OURS, Exported(foreign=1)),
        (("rejected", b"oops"), OF_0_1, Exported(foreign=1)),
        (("rejected", b"{}"), NOTE, Exported(notes=1)),
    ],
)  # fmt: skip
def test_what_is_no_record_of_ours_is_passed_over_and_counted(tmp_path, broker, place, headers, expected):
    stream, value = place
    broker[TOPICS[stream]].append(Message(value, b"a", headers, TOPICS[stream], 3, 7))
    counts = export_topics(CLUSTER, TOPICS, tmp_path / "out")
    assert counts.pop(stream) == expected
    assert all(count == Exported() for count in counts.values())
    assert len(contents(tmp_path / "out")) == 9


def test_a_rejected_record_of_another_version_is_passed_over(tmp_path, broker):
    output = invalid(1)
    later = tuple(
        (name, b"unheard_of" if name == "offerstream.class" else value) for name, value in output.headers
    )
    broker["shop.rejected"].append(record(msgspec.structs.replace(output, headers=later), 0))
    assert export_topics(CLUSTER, TOPICS, tmp_path / "out")["rejected"] == Exported(foreign=1)


def test_a_rejected_message_without_a_value_is_no_tombstone(tmp_path, broker):
    empty = reject(Message(None, None, (), "shop.events", 0, 1), InvalidEvent("empty", "no value"))
    output = OutputRecord(
        *("rejected", "rejected", empty.route, empty.id, b"", empty.headers), own_key=None, is_null=True
    )
    broker["shop.rejected"].append(record(output, 0))
    assert export_topics(CLUSTER, TOPICS, tmp_path / "out")["rejected"] == Exported(written=1)
    (line,) = (tmp_path / "out/rejected.jsonl").read_text().splitlines()
    assert json.loads(line).keys() == {"id", "class", "reason", "topic", "partition", "offset", "key"}


def test_the_command_says_what_was_passed_over():
    assert _passed_over(Exported(written=3)) == ""
    assert _passed_over(Exported(1, 2, 3, 4)) == (
        " (passed over: 2 tombstones, 3 of other producers, 4 notes of redrive)"
    )


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("error", [BrokerError, KeyboardInterrupt])
def test_an_export_that_fails_leaves_nothing_that_blocks_the_next(
    tmp_path, broker, monkeypatch, is_new, error
):
    for offset, output in enumerate(RECORDS):
        broker[TOPICS[output.stream]].append(record(output, offset))
    out = tmp_path / "out"
    if not is_new:
        out.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr("flows.studies.export.sort_files", raising(error("gone")))
        with pytest.raises(error):
            export_topics(CLUSTER, TOPICS, out)
    assert out.exists() is not is_new
    assert is_new or contents(out) == {}
    assert export_topics(CLUSTER, TOPICS, out)["offers"].written == 2


def raising(error):
    def raises(*_):
        raise error

    return raises


def test_an_export_overwrites_nothing(tmp_path):
    (tmp_path / "offers.jsonl").write_bytes(b"mine")
    with pytest.raises(SetupError, match=r"the output directory .* must be new or empty; got: files in it"):
        export_topics(CLUSTER, TOPICS, tmp_path)
    with pytest.raises(SetupError, match="must be new or empty; got: File exists"):
        export_topics(CLUSTER, TOPICS, tmp_path / "offers.jsonl")
    assert contents(tmp_path) == {"offers.jsonl": b"mine"}
