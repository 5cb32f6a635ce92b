"""Finished files: equal records give equal files."""

import json

from flows.files.jsonl import FILES
from flows.files.sorting import sort_files
from operators.streaming.messages import OutputRecord
from tests.flows.files.line_files import filled, lines, offer, rejected


def test_sorted_files_do_not_depend_on_the_order_of_arrival(tmp_path):
    early = offer(0, "z", b'{"id":"z","time":"2026-01-01T00:00:00.5Z"}')
    offers = [early, offer(1, "b"), offer(1, "c"), offer(12, "a")]
    invalid = [rejected(b"", offset, class_="empty") for offset in (2, 9, 10)]
    for name, order in (("one", 1), ("two", -1)):
        for stream in FILES:
            arrived = {"offers": offers, "rejected": invalid}.get(stream, [])
            filled(tmp_path / name, stream, *arrived[::order]).close()
        sort_files(tmp_path / name)
    for names in FILES.values():
        for name in names:
            assert lines(tmp_path / "one", name) == lines(tmp_path / "two", name)
    assert [json.loads(line)["id"] for line in lines(tmp_path, "one/offers")] == ["z", "b", "c", "a"]
    assert [json.loads(line)["offset"] for line in lines(tmp_path, "two/rejected")] == [2, 9, 10]
    assert len(list((tmp_path / "two").iterdir())) == 9


def test_decisions_and_rewards_are_sorted_by_their_own_ids(tmp_path):
    kinds = {"score": "moment_id", "decision": "decision_id", "reward": "reward_id", "outcome": "outcome_id"}
    beside = {"score": {}, "decision": {"moment_id": "m"}, "reward": {"decision_id": "d"}, "outcome": {}}
    records = [
        OutputRecord(
            "decisions", kind, "", "", json.dumps({"at": "2026-01-01T00:00:00Z", field: id_} | more).encode()
        )
        for (kind, field), more in zip(kinds.items(), beside.values(), strict=True)
        for id_ in ("2", "1")
    ]
    filled(tmp_path, "decisions", *records).close()
    sort_files(tmp_path)
    for kind, field in kinds.items():
        assert [json.loads(line)[field] for line in lines(tmp_path, f"{kind}s")] == ["1", "2"]


def test_a_stream_without_records_has_empty_files(tmp_path):
    sort_files(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        f"{name}.jsonl": b"" for names in FILES.values() for name in names
    }
