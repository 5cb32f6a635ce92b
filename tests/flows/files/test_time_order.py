"""Input files in the order of time: what is in order is read as it is, what is not is sorted before."""

import gzip
import json
import logging
import re
import tempfile
from datetime import timedelta

import pytest

from flows.files.event_times import time_reader
from flows.files.input_file import examine
from flows.files.time_order import Disorder, first_disorder, input_files, sorted_copy
from schemas.adapters import REES46_HEADER
from schemas.errors import DataError, SetupError
from tests.builders import MAX_EVENT_BYTES, looked

LATENESS = timedelta(seconds=10)


def line(at):
    return json.dumps(looked(at)).encode() + b"\n"


def written(path, *times):
    path.write_bytes(b"".join(each if isinstance(each, bytes) else line(each) for each in times))
    return path


def ordered(*paths, form="native"):
    return input_files(paths, form, lateness=LATENESS, max_event_bytes=MAX_EVENT_BYTES)


def records(file):
    raw, unpacked = file.open()
    with raw:
        unpacked.seek(file.first_position)
        return list(file.records(unpacked, file.first_offset, file.first_position))


def offsets(file):
    return [offset for offset, _ in records(file)]


@pytest.mark.parametrize(
    "times", [[], [b"no event\n", b"{}\n"], [0, 0, 5, 5], [0, 10, 0, 20, 10], [5, b"{}\n", 5]]
)
def test_a_file_in_order_is_read_as_it_is(tmp_path, times, caplog):
    path = written(tmp_path / "a.jsonl", *times)
    with ordered(path) as [file]:
        assert file.path == path
    assert caplog.text == ""


def test_a_file_out_of_order_is_sorted_and_its_records_keep_their_numbers(tmp_path, caplog):
    path = written(tmp_path / "a.jsonl", b"\n", 60, 0, b"no event\n", 60, b"\r\n", 30)
    with caplog.at_level(logging.WARNING), ordered(path) as [file]:
        assert (file.name, offsets(file)) == ("a.jsonl", [2, 3, 6, 1, 4])
        assert records(file)[1] == (3, b"no event")
        assert file.path != path
    assert not file.path.exists()
    assert "a.jsonl is not in the order of time, offset 2 is 0:01:00 older than one before it" in caplog.text


def test_only_what_would_be_late_is_out_of_order(tmp_path):
    for behind, disorder in ((10, None), (10.1, Disorder(2, timedelta(seconds=10.1)))):
        file = examine(written(tmp_path / "a.jsonl", 0, 20, 20 - behind, 0))
        assert first_disorder(file, time_reader(file, "native", MAX_EVENT_BYTES), LATENESS) == (
            disorder or Disorder(3, timedelta(seconds=20))
        )


def test_files_that_overlap_in_time_are_not_sorted_among_each_other(tmp_path):
    paths = [written(tmp_path / name, *times) for name, times in {"a": [100, 200], "b": [0, 150]}.items()]
    with ordered(*paths) as files:
        assert [file.path for file in files] == paths


def test_each_kind_of_file_is_sorted(tmp_path):
    rows = [b"2019-10-01 00:0%d:00 UTC,view,446,,,,9.9,v%d,\n" % (at, at) for at in (2, 0, 1)]
    events = [looked(at) for at in (200, 0, 100)]
    files = {
        "rees46": REES46_HEADER + b"\n" + b"".join(rows),
        "native": json.dumps(events, indent=1).encode(),
    }
    for form, data in files.items():
        path = tmp_path / form
        path.write_bytes(gzip.compress(data))
        first = form == "rees46"
        with ordered(path, form=form) as [file]:
            assert offsets(file) == [1 + first, 2 + first, first]
            assert not file.is_gzip


def test_sorting_in_parts_changes_nothing(tmp_path):
    file = examine(written(tmp_path / "a.jsonl", *(n * 37 % 101 for n in range(101)), b"{}\n", 3, 3))
    time_of = time_reader(file, "native", MAX_EVENT_BYTES)
    copies = []
    for memory_bytes in (0, 1000, 10**9):
        directory = tmp_path / str(memory_bytes)
        directory.mkdir()
        copies.append(records(sorted_copy(file, time_of, directory, memory_bytes=memory_bytes)))
    assert copies[0] == copies[1] == copies[2]
    assert len(copies[0]) == 104


def test_a_gzip_that_is_broken_far_from_its_beginning_is_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(gzip.compress(b"".join(map(line, range(30_000))))[:-9])
    with pytest.raises(DataError, match="must be gzip from end to end; got: Compressed"), ordered(path):
        pass


def test_an_object_that_never_ends_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.files.json_elements.MAX_ELEMENT_BYTES", 1000)
    path = written(tmp_path / "a.json", b"[", line(0), b'{"a": ' + b"[" * 9999)
    words = r"a\.json must be JSON whose objects end within 64 MB; got: the object at byte \d+$"
    with pytest.raises(DataError, match=words), ordered(path):
        pass


def test_where_there_is_no_room_to_sort_the_directory_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    path = written(tmp_path / "a.jsonl", 60, 0)
    words = (
        f"TMPDIR must be a directory with room for a sorted copy of {path}; got: No such file or directory"
    )
    with pytest.raises(SetupError, match=re.escape(words)), ordered(path):
        pass
