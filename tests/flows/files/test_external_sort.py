"""Sorting what is larger than memory: the order does not depend on how much of it is held at once."""

from hypothesis import given
from hypothesis import strategies as st

from flows.files import external_sort
from flows.files.external_sort import SortedRecords, sorted_file
from tests.builders import SELDOM

TIMES = st.lists(st.sampled_from([float("-inf"), -1.5, 0.0, 1.7e9, 1.7e9 + 1e-6]), max_size=40)


def read(path, position=0):
    with path.open("rb") as file:
        file.seek(position)
        return list(SortedRecords(file, 0, position))


def test_records_are_sorted_by_time_and_number_in_any_memory(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(external_sort, "MAX_MERGED", 3)

    @SELDOM
    @given(TIMES, st.sampled_from([0, 400, 10**9]))
    def law(times, memory_bytes):
        directory = tmp_path_factory.mktemp("sort")
        records = [(at_s, number, b"%d\n\r" % number * (number % 3)) for number, at_s in enumerate(times)]
        path = sorted_file(iter(records), directory, memory_bytes=memory_bytes)
        assert read(path) == [(number, value) for _, number, value in sorted(records)]
        assert list(directory.iterdir()) == [path]

    law()


def test_sorted_records_are_read_on_where_one_ended(tmp_path):
    path = sorted_file([(2.0, 0, b"later"), (1.0, 1, b"earlier"), (3.0, 2, b"")], tmp_path)
    with path.open("rb") as file:
        records = SortedRecords(file)
        assert next(iter(records)) == (1, b"earlier")
        assert read(path, records.position) == [(0, b"later"), (2, b"")]


def test_so_many_parts_are_merged_that_few_files_are_open(tmp_path):
    numbers = range(external_sort.MAX_MERGED * 2 + 1)
    path = sorted_file(((float(-n), n, b"") for n in numbers), tmp_path, memory_bytes=0)
    assert [number for number, _ in read(path)] == list(reversed(numbers))
