"""Files in: every line is read once, also when a run is cut short and resumed."""

import gzip

import pytest

from flows.files.source import FileSource
from flows.local.memory import ListSource
from schemas.errors import DataError, SetupError
from schemas.message import Message
from tests.flows.files.line_files import Echo, drained


def written(path, data):
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read_all(*paths, **settings):
    source = FileSource(paths, Echo, **settings)
    return [drained(source.build_part("source", name, None)) for name in source.list_parts()]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_each_line_is_a_message_with_its_number_as_offset(tmp_path, name):
    path = written(tmp_path / name, b'{"a":1}\n\n\xff\r\nlast without an end')
    [emitted] = read_all(path, batch=3)
    assert emitted == [
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


def test_files_of_the_same_name_are_partitions_of_their_own(tmp_path):
    (tmp_path / "b").mkdir()
    one, two = written(tmp_path / "a.jsonl", b"1"), written(tmp_path / "b" / "a.jsonl", b"2")
    assert [emitted[0] for emitted in read_all(one, two)] == [
        Message(b"1", None, (), "a.jsonl", 0, 0),
        Message(b"2", None, (), "a.jsonl", 1, 0),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_a_file_is_read_on_where_its_snapshot_was_taken(tmp_path, name):
    path = written(tmp_path / name, b"event_time,\n" + b"".join(b"line %d\r\n" % n for n in range(10)))
    source = FileSource([path], Echo, batch=2)
    partition = source.build_part("source", f"{name}/0000", None)
    whole = drained(source.build_part("source", f"{name}/0000", None))
    emitted = []
    for _ in range(5):
        resumed = source.build_part("source", f"{name}/0000", partition.snapshot())
        first, *rest = drained(resumed)
        assert first == f"resumed {name}/0000 at {len(emitted)}"
        assert emitted + rest == whole
        emitted += partition.next_batch()


def test_long_lines_do_not_pile_up_in_a_batch(tmp_path):
    source = FileSource([written(tmp_path / "a.jsonl", b"12345\n" * 4)], Echo, batch_bytes=10)
    partition = source.build_part("source", "a.jsonl/0000", None)
    assert [len(partition.next_batch()) for _ in range(2)] == [2, 2]
    partition.close()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_progress_adds_up_to_the_size(tmp_path, name):
    progress = []
    path = written(tmp_path / name, b'{"a":1}\n' * 1000)
    read_all(path, batch=100, progress=progress.append)
    assert sum(progress) == path.stat().st_size == FileSource([path], Echo).size_bytes


def test_a_missing_file_stops_at_start(tmp_path):
    with pytest.raises(SetupError, match=r"the input must be a file that can be read; got '.*none.jsonl'"):
        FileSource([tmp_path / "none.jsonl"], Echo)


def test_a_file_that_shrank_is_not_read_on(tmp_path):
    path = written(tmp_path / "a.jsonl.gz", b"1\n2\n3\n")
    source = FileSource([path], Echo, batch=3)
    partition = source.build_part("source", "a.jsonl.gz/0000", None)
    partition.next_batch()
    state = partition.snapshot()
    partition.close()
    for name in ("a.jsonl.gz", "a.jsonl"):
        shorter = FileSource([written(tmp_path / name, b"1\n")], Echo)
        with pytest.raises(DataError, match=f"{name} is shorter than what was read of it before"):
            shorter.build_part("source", f"{name}/0000", state)


@pytest.mark.parametrize("when", ["first read", "resumed"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no gzip", "Not a gzipped file"),
        (gzip.compress(bytes(range(256)) * 99)[:-9], "Compressed file ended before"),
        (gzip.compress(b"line\n" * 99)[:10] + b"\xff" * 99, "Error -3 while decompressing data"),
    ],
)
def test_a_broken_gzip_file_is_named_with_what_is_wrong(tmp_path, content, reason, when):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content)
    state = (1, 2, 10**6, b"2") if when == "resumed" else None
    with pytest.raises(DataError, match=rf"a\.jsonl\.gz must be gzip from end to end; got: {reason}"):
        drained(FileSource([path], Echo).build_part("source", "a.jsonl.gz/0000", state))


def test_a_resumed_list_emits_first_what_a_resume_asks_for():
    source = ListSource({"a": [Message(b"1"), Message(b"2")]}, Echo, batch=1)
    partition = source.build_part("source", "a", None)
    assert partition.next_batch() == [Message(b"1")]
    assert drained(source.build_part("source", "a", partition.snapshot())) == [
        "resumed a at 1",
        Message(b"2"),
        "end of a at 2",
    ]
