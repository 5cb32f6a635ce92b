"""Files in: every record is read once, also when a run is cut short and resumed."""

import gzip
import json

import pytest

from flows.files.input_file import examine
from flows.files.source import FileSource
from flows.local.memory import ListSource
from schemas.adapters import CSV_HEADER, REES46_HEADER
from schemas.errors import DataError
from schemas.message import Message
from tests.flows.files.line_files import Echo, drained


def written(path, data):
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def source_of(*paths, form="native", **settings):
    return FileSource([examine(path, form) for path in paths], Echo, **settings)


def read_all(*paths, **settings):
    source = source_of(*paths, **settings)
    return [drained(source.build_part("source", name, None)) for name in source.list_parts()]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_each_line_that_is_not_blank_is_a_message_with_its_number_as_offset(tmp_path, name):
    path = written(tmp_path / name, b'{"a":1}\n\n\xff\r\n \t\rlast without an end')
    [emitted] = read_all(path, batch=3)
    assert emitted == [
        Message(b'{"a":1}', None, (), name, 0, 0),
        Message(b"\xff", None, (), name, 0, 2),
        Message(b"last without an end", None, (), name, 0, 4),
        f"end of {name}/0000 at 3",
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a"])
def test_the_rows_of_a_csv_carry_its_header(tmp_path, name):
    path = written(tmp_path / name, REES46_HEADER + b"\n2019,view\n")
    [[row, _]] = read_all(path, form="rees46")
    assert row == Message(b"2019,view", None, ((CSV_HEADER, REES46_HEADER),), name, 0, 1)


def test_blank_lines_alone_do_not_end_a_file(tmp_path):
    path = written(tmp_path / "a.jsonl", b"{}\n" + b"\n" * 999_999 + b"{}")
    [emitted] = read_all(path)
    assert [message.offset for message in emitted[:-1]] == [0, 1_000_000]


def test_an_empty_file_only_ends(tmp_path):
    assert read_all(written(tmp_path / "a.jsonl", b"")) == [["end of a.jsonl/0000 at 0"]]


def test_files_of_the_same_name_are_partitions_of_their_own(tmp_path):
    (tmp_path / "b").mkdir()
    one, two = written(tmp_path / "a.jsonl", b"{1"), written(tmp_path / "b" / "a.jsonl", b"{2")
    assert [emitted[0] for emitted in read_all(one, two)] == [
        Message(b"{1", None, (), "a.jsonl", 0, 0),
        Message(b"{2", None, (), "a.jsonl", 1, 0),
    ]


LINES = b"".join(b'{"line": %d}\r\n\n' % n for n in range(10))
ROWS = REES46_HEADER + b"\n" + b"".join(b'2019,"row\n%d"\n' % n for n in range(10))


@pytest.mark.parametrize(
    ("name", "form", "data"),
    [
        ("a.jsonl", "native", LINES),
        ("a.jsonl.gz", "native", LINES),
        ("a.csv", "rees46", ROWS),
        ("a.csv", "rees46", ROWS.partition(b"\n")[2]),
        ("a.json", "native", json.dumps([{"n": n} for n in range(10)], indent=1).encode()),
    ],
)
def test_a_file_is_read_on_where_its_snapshot_was_taken(tmp_path, name, form, data):
    source = source_of(written(tmp_path / name, data), form=form, batch=2)
    partition = source.build_part("source", f"{name}/0000", None)
    whole = drained(source.build_part("source", f"{name}/0000", None))
    assert len(whole) == 11
    emitted = []
    for _ in range(5):
        resumed = source.build_part("source", f"{name}/0000", partition.snapshot())
        first, *rest = drained(resumed)
        assert first == f"resumed {name}/0000 at {len(emitted)}"
        assert emitted + rest == whole
        emitted += partition.next_batch()


def test_long_lines_do_not_pile_up_in_a_batch(tmp_path):
    source = source_of(written(tmp_path / "a.jsonl", b"{123}\n" * 4), batch_bytes=10)
    partition = source.build_part("source", "a.jsonl/0000", None)
    assert [len(partition.next_batch()) for _ in range(2)] == [2, 2]
    partition.close()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_progress_adds_up_to_the_size(tmp_path, name):
    progress = []
    path = written(tmp_path / name, b'{"a":1}\n' * 1000)
    read_all(path, batch=100, progress=progress.append)
    assert sum(progress) == path.stat().st_size == source_of(path).size_bytes


def test_a_file_that_shrank_is_not_read_on(tmp_path):
    path = written(tmp_path / "a.jsonl.gz", b"{1\n{2\n{3\n")
    source = source_of(path, batch=3)
    partition = source.build_part("source", "a.jsonl.gz/0000", None)
    partition.next_batch()
    state = partition.snapshot()
    partition.close()
    for name in ("a.jsonl.gz", "a.jsonl"):
        shorter = source_of(written(tmp_path / name, b"{1\n"))
        with pytest.raises(DataError, match=f"{name} is shorter than what was read of it before"):
            shorter.build_part("source", f"{name}/0000", state)


@pytest.mark.parametrize("when", ["first read", "resumed"])
def test_a_gzip_file_that_is_broken_behind_its_beginning_is_named_with_what_is_wrong(tmp_path, when):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"{}\n" * 10**6)[:-9])
    state = (1, 2, 10**7, b"2") if when == "resumed" else None
    source = source_of(path)
    with pytest.raises(
        DataError, match=r"a\.jsonl\.gz must be gzip from end to end; got: Compressed file ended"
    ):
        drained(source.build_part("source", "a.jsonl.gz/0000", state))


def test_a_resumed_list_emits_first_what_a_resume_asks_for():
    source = ListSource({"a": [Message(b"1"), Message(b"2")]}, Echo, batch=1)
    partition = source.build_part("source", "a", None)
    assert partition.next_batch() == [Message(b"1")]
    assert drained(source.build_part("source", "a", partition.snapshot())) == [
        "resumed a at 1",
        Message(b"2"),
        "end of a at 2",
    ]
