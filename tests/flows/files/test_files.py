"""Files in and out: every line once, also when a run is cut short and goes on."""

import gzip
import json
from datetime import timedelta

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

from flows.files.jsonl import FILES, JsonlSink, settle
from flows.files.source import FileSource
from flows.local.memory import CollectSink, ListSource
from operators.streaming.messages import OutputRecord
from schemas.errors import SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent, Rejected, reject


class Echo:
    """A judge that says what it was given, and remembers how much that was."""

    def __init__(self, part, state):
        self.part = part
        self.read_so_far = int(state or b"0")

    def read(self, messages, now_s):
        assert now_s is None
        self.read_so_far += len(messages)
        return list(messages)

    def resumed(self):
        return [f"resumed {self.part} at {self.read_so_far}"]

    def end(self):
        return [f"end of {self.part} at {self.read_so_far}"]

    def snapshot(self):
        return b"%d" % self.read_so_far


def written(path, data):
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def drained(part):
    said = []
    while True:
        try:
            said += part.next_batch()
        except StopIteration:
            part.close()
            return said


def read_all(*paths, **settings):
    source = FileSource(paths, Echo, **settings)
    return [drained(source.build_part("source", part, None)) for part in source.list_parts()]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_each_line_is_a_message_with_its_number_as_offset(tmp_path, name):
    path = written(tmp_path / name, b'{"a":1}\n\n\xff\r\nlast without an end')
    [said] = read_all(path, batch=3)
    assert said == [
        Message(b'{"a":1}', None, (), name, 0, 0),
        Message(b"", None, (), name, 0, 1),
        Message(b"\xff", None, (), name, 0, 2),
        Message(b"last without an end", None, (), name, 0, 3),
        f"end of {name}/0000 at 4",
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_the_header_of_a_csv_is_skipped_and_counted(tmp_path, name):
    path = written(tmp_path / name, b"event_time,event_type\n2019,view\n")
    [[row, _]] = read_all(path)
    assert (row.value, row.offset) == (b"2019,view", 1)


def test_a_csv_without_a_header_loses_no_row(tmp_path):
    [[row, _]] = read_all(written(tmp_path / "a.csv", b"2019,view\n"))
    assert (row.value, row.offset) == (b"2019,view", 0)


def test_an_empty_file_only_ends(tmp_path):
    assert read_all(written(tmp_path / "a.jsonl", b"")) == [["end of a.jsonl/0000 at 0"]]


def test_files_of_the_same_name_are_parts_of_their_own(tmp_path):
    (tmp_path / "b").mkdir()
    one, two = written(tmp_path / "a.jsonl", b"1"), written(tmp_path / "b" / "a.jsonl", b"2")
    assert [said[0] for said in read_all(one, two)] == [
        Message(b"1", None, (), "a.jsonl", 0, 0),
        Message(b"2", None, (), "a.jsonl", 1, 0),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_a_file_is_read_on_where_its_snapshot_was_taken(tmp_path, name):
    path = written(tmp_path / name, b"event_time,\n" + b"".join(b"line %d\r\n" % n for n in range(10)))
    source = FileSource([path], Echo, batch=2)
    part = source.build_part("source", f"{name}/0000", None)
    whole = drained(source.build_part("source", f"{name}/0000", None))
    said = []
    for _ in range(5):
        resumed = source.build_part("source", f"{name}/0000", part.snapshot())
        again, *rest = drained(resumed)
        assert again == f"resumed {name}/0000 at {len(said)}"
        assert said + rest == whole
        said += part.next_batch()


def test_long_lines_do_not_pile_up_in_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.files.source._AT_ONCE_BYTES", 10)
    source = FileSource([written(tmp_path / "a.jsonl", b"12345\n" * 4)], Echo)
    part = source.build_part("source", "a.jsonl/0000", None)
    assert [len(part.next_batch()) for _ in range(2)] == [2, 2]
    part.close()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_progress_adds_up_to_the_size(tmp_path, name):
    told = []
    path = written(tmp_path / name, b'{"a":1}\n' * 1000)
    read_all(path, batch=100, progress=told.append)
    assert sum(told) == path.stat().st_size == FileSource([path], Echo).size_bytes


def test_a_missing_file_stops_at_start(tmp_path):
    with pytest.raises(SetupError, match=r"INPUT must be a file that can be read; got '.*none.jsonl'"):
        FileSource([tmp_path / "none.jsonl"], Echo)


def test_a_file_that_shrank_is_not_read_on(tmp_path):
    path = written(tmp_path / "a.jsonl.gz", b"1\n2\n3\n")
    source = FileSource([path], Echo, batch=3)
    part = source.build_part("source", "a.jsonl.gz/0000", None)
    part.next_batch()
    state = part.snapshot()
    part.close()
    for name in ("a.jsonl.gz", "a.jsonl"):
        shorter = FileSource([written(tmp_path / name, b"1\n")], Echo)
        with pytest.raises(SetupError, match="shorter than what was read of it before"):
            shorter.build_part("source", f"{name}/0000", state)


def offer(at_s, name, value=None):
    line = value or b'{"id":"%s","time":"2026-01-01T00:00:%02dZ"}' % (name.encode(), at_s)
    return OutputRecord("offers", "offer.decided", "ada", name, line)


def lines(directory, name):
    return (directory / f"{name}.jsonl").read_bytes().splitlines()


def filled(directory, stream, *said):
    part = JsonlSink(directory, stream).build_part("sink", stream, None)
    part.write_batch(list(said))
    return part


def test_every_type_has_its_file_and_every_file_is_there(tmp_path):
    types = ("decision", "reward", "score", "outcome", "score", "drift")
    filled(
        tmp_path, "decisions", *(OutputRecord("decisions", kind, "", "", kind.encode()) for kind in types)
    ).close()
    filled(tmp_path, "offers").close()
    filled(tmp_path, "rejected").close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "decisions.jsonl": b"decision\n",
        "rewards.jsonl": b"reward\n",
        "scores.jsonl": b"score\nscore\n",
        "outcomes.jsonl": b"outcome\n",
        "drifts.jsonl": b"drift\n",
        "offers.jsonl": b"",
        "rejected.jsonl": b"",
    }


def rejected(value, offset=0, class_="not_json", **settings):
    record = reject(Message(value, None, (), "t", 0, offset), InvalidEvent(class_, "why"), **settings)
    return OutputRecord("rejected", "rejected", record.id, record.id, record.value, record.headers)


def test_a_rejected_line_holds_text_or_bytes_and_where_it_came_from(tmp_path):
    values = (b'{"a"', b"\xff\n", b"")
    filled(
        tmp_path, "rejected", *map(rejected, values, range(3)), rejected(b"12345", 3, keep_bytes=2)
    ).close()
    text, binary, empty, cut = (Rejected.model_validate_json(line) for line in lines(tmp_path, "rejected"))
    assert (text.id, text.class_, text.reason, text.value) == ("t/0/0", "not_json", "why", '{"a"')
    assert (binary.value, binary.value_base64) == (None, "/wo=")
    assert (empty.value, empty.length) == ("", None)
    assert (cut.value, cut.length) == ("12", 5)
    assert json.loads(lines(tmp_path, "rejected")[2]).keys() == {
        *("id", "class", "reason", "topic", "partition", "offset", "value"),
    }


def test_a_resumed_sink_goes_on_where_its_snapshot_was_taken(tmp_path):
    sink = JsonlSink(tmp_path, "offers")
    part = filled(tmp_path, "offers", offer(0, "a"))
    state = part.snapshot()
    part.write_batch([offer(1, "lost")])
    again = sink.build_part("sink", "offers", state)
    again.write_batch([offer(2, "b")])
    part.close()
    again.close()
    assert [json.loads(line)["id"] for line in lines(tmp_path, "offers")] == ["a", "b"]


def test_a_fresh_run_begins_its_files_anew(tmp_path):
    filled(tmp_path, "offers", offer(0, "a")).close()
    filled(tmp_path, "offers").close()
    assert lines(tmp_path, "offers") == []


def test_a_sink_whose_files_were_cut_does_not_resume(tmp_path):
    part = filled(tmp_path, "offers", offer(0, "a"))
    state = part.snapshot()
    part.close()
    (tmp_path / "offers.jsonl").write_bytes(b"")
    with pytest.raises(SetupError, match=r"offers.jsonl must still have the \d+ bytes"):
        JsonlSink(tmp_path, "offers").build_part("sink", "offers", state)


def test_settled_files_do_not_depend_on_the_order_of_arrival(tmp_path):
    early = offer(0, "z", b'{"id":"z","time":"2026-01-01T00:00:00.5Z"}')
    said = [early, offer(1, "b"), offer(1, "c"), offer(12, "a")]
    wrong = [rejected(b"", offset, class_="empty") for offset in (2, 9, 10)]
    for name, order in (("one", 1), ("two", -1)):
        for stream in FILES:
            arrived = {"offers": said, "rejected": wrong}.get(stream, [])
            filled(tmp_path / name, stream, *arrived[::order]).close()
        settle(tmp_path / name)
    for names in FILES.values():
        for name in names:
            assert lines(tmp_path / "one", name) == lines(tmp_path / "two", name)
    assert [json.loads(line)["id"] for line in lines(tmp_path, "one/offers")] == ["z", "b", "c", "a"]
    assert [json.loads(line)["offset"] for line in lines(tmp_path, "two/rejected")] == [2, 9, 10]
    assert len(list((tmp_path / "two").iterdir())) == 7


def test_decisions_and_rewards_settle_by_their_own_ids(tmp_path):
    kinds = {"score": "moment_id", "decision": "decision_id", "reward": "reward_id", "outcome": "outcome_id"}
    beside = {"score": {}, "decision": {"moment_id": "m"}, "reward": {"decision_id": "d"}, "outcome": {}}
    said = [
        OutputRecord(
            "decisions", kind, "", "", json.dumps({"at": "2026-01-01T00:00:00Z", field: id_} | more).encode()
        )
        for (kind, field), more in zip(kinds.items(), beside.values(), strict=True)
        for id_ in ("2", "1")
    ]
    filled(tmp_path, "decisions", *said).close()
    filled(tmp_path, "offers").close()
    filled(tmp_path, "rejected").close()
    settle(tmp_path)
    for kind, field in kinds.items():
        assert [json.loads(line)[field] for line in lines(tmp_path, f"{kind}s")] == ["1", "2"]


def test_a_run_that_crashes_and_goes_on_says_everything_once(tmp_path):
    recovery = tmp_path / "recovery"
    recovery.mkdir()
    init_db_dir(recovery, 1)
    messages = {part: [Message(b"%d" % n, None, (), part, 0, n) for n in range(5)] for part in ("a", "b")}
    source = ListSource(messages, Echo, batch=2, crash_after=4)
    collected = CollectSink()
    for _ in range(2):
        flow = Dataflow("lists")
        read = op.input("source", flow, source)
        messages_only = op.filter("messages", read, lambda item: isinstance(item, Message))
        op.output("list", op.key_on("keyed", messages_only, lambda _: "all"), collected)
        offers = op.map("offers", messages_only, lambda message: ("", offer(message.offset, message.topic)))
        op.output("files", offers, JsonlSink(tmp_path, "offers"))
        run_main(flow, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(recovery))
    assert sorted(collected.items, key=lambda m: (m.topic, m.offset)) == messages["a"] + messages["b"]
    assert len(set(lines(tmp_path, "offers"))) == len(lines(tmp_path, "offers")) == 10


def test_a_list_that_is_resumed_says_so_first():
    source = ListSource({"a": [Message(b"1"), Message(b"2")]}, Echo, batch=1)
    part = source.build_part("source", "a", None)
    assert part.next_batch() == [Message(b"1")]
    assert drained(source.build_part("source", "a", part.snapshot())) == [
        "resumed a at 1",
        Message(b"2"),
        "end of a at 2",
    ]
