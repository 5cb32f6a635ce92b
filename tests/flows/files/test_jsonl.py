"""Files out: every record is written once, also when a run is cut short and resumed."""

import json
import re
from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

from flows.files.jsonl import JsonlSink, make_output_directory
from flows.local.memory import CollectSink, ListSource
from operators.streaming.messages import OutputRecord
from schemas.errors import DataError, SetupError
from schemas.message import Message
from schemas.rejected import Rejected
from tests.flows.files.line_files import Echo, filled, lines, offer, rejected


def test_a_line_is_the_record_without_its_headers(tmp_path):
    traced = OutputRecord("offers", "offer.decided", "v", "o-1", b"{}", (("traceparent", b"00-1-2-01"),))
    filled(tmp_path, "offers", traced).close()
    assert (tmp_path / "offers.jsonl").read_bytes() == b"{}\n"


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
        "controls.jsonl": b"",
        "erasures.jsonl": b"",
        "offers.jsonl": b"",
        "rejected.jsonl": b"",
    }


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
    partition = filled(tmp_path, "offers", offer(0, "a"))
    state = partition.snapshot()
    partition.write_batch([offer(1, "lost")])
    resumed = sink.build_part("sink", "offers", state)
    resumed.write_batch([offer(2, "b")])
    partition.close()
    resumed.close()
    assert [json.loads(line)["id"] for line in lines(tmp_path, "offers")] == ["a", "b"]


def test_a_new_run_empties_its_files(tmp_path):
    filled(tmp_path, "offers", offer(0, "a")).close()
    filled(tmp_path, "offers").close()
    assert lines(tmp_path, "offers") == []


def test_a_sink_whose_files_were_cut_does_not_resume(tmp_path):
    partition = filled(tmp_path, "offers", offer(0, "a"))
    state = partition.snapshot()
    partition.close()
    (tmp_path / "offers.jsonl").write_bytes(b"")
    with pytest.raises(DataError, match=r"offers.jsonl must still have the \d+ bytes written before"):
        JsonlSink(tmp_path, "offers").build_part("sink", "offers", state)


def test_an_output_directory_is_made_with_its_parents(tmp_path):
    for _ in range(2):
        make_output_directory(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("FULL", "files in it"),
        ("FULL/file", "File exists"),
        ("FULL/file/out", "Not a directory"),
        ("/dev/null/out", "Not a directory"),
        ("/proc/nope", "No such file or directory"),
    ],
)
def test_an_output_directory_that_cannot_be_used_is_refused_with_the_reason(tmp_path, place, reason):
    (tmp_path / "file").touch()
    directory = Path(place.replace("FULL", str(tmp_path)))
    words = f"the output directory {directory} must be new or empty; got: {reason}"
    with pytest.raises(SetupError, match=f"^{re.escape(words)}$"):
        make_output_directory(directory)


def test_a_run_that_crashes_and_resumes_writes_everything_once(tmp_path):
    recovery = tmp_path / "recovery"
    recovery.mkdir()
    init_db_dir(recovery, 1)
    messages = {name: [Message(b"%d" % n, None, (), name, 0, n) for n in range(5)] for name in ("a", "b")}
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
