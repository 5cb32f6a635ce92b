"""An event that comes twice is processed once, also after a crash."""

import random

import pytest

from flows.stores.seen_ids import MemorySeenIds, RocksSeenIds

HOUR_S = 3600.0


@pytest.fixture(params=["memory", "rocks"])
def seen(request, tmp_path):
    made = MemorySeenIds() if request.param == "memory" else RocksSeenIds(tmp_path)
    yield made
    made.close()


def test_the_same_id_twice_in_one_read_is_a_duplicate(seen):
    assert not seen.known("a", 0, 0.0)
    assert seen.known("a", 1, 1.0)
    assert not seen.known("b", 2, 2.0)


def test_the_same_id_in_a_later_read_is_a_duplicate_for_24_hours_either_way(seen):
    assert not seen.known("a", 0, 100 * HOUR_S)
    seen.flush()
    assert seen.known("a", 1, 124 * HOUR_S)
    assert seen.known("a", 2, 76 * HOUR_S)
    assert not seen.known("a", 3, 124 * HOUR_S + 1)


def test_the_same_offset_again_is_no_duplicate(seen):
    assert not seen.known("a", 7, 0.0)
    seen.flush()
    assert not seen.known("a", 7, 0.0)
    assert seen.known("a", 8, 0.0)
    seen.flush()
    assert not seen.known("a", 7, 0.0)


def test_reading_again_from_any_offset_gives_the_same_answers(tmp_path):
    seen = RocksSeenIds(tmp_path)
    rng = random.Random(3)
    log = [(rng.choice("abc"), offset, 9 * HOUR_S * offset) for offset in range(12)]
    first = [seen.known(*event) for event in log]
    assert True in first[3:]
    assert False in first[3:]
    seen.flush()
    for start in range(6, len(log)):
        assert [seen.known(*event) for event in log[start:]] == first[start:]
    seen.close()


def test_ids_that_are_not_ascii_are_distinguished(seen):
    assert not seen.known("e\u0301", 0, 0.0)
    assert not seen.known("é", 1, 0.0)
    assert seen.known("e\u0301", 2, 0.0)


def test_what_is_read_again_is_neither_remembered_nor_written_again(tmp_path):
    seen = RocksSeenIds(tmp_path)
    for _ in range(2):
        seen.known("a", 7, 0.0)
        seen.flush()
    assert not seen._unflushed
    seen.known("a", 7, 0.0)
    assert not seen._unflushed
    assert [len(value) for value in seen._database.values()] == [16]
    seen.close()


def test_what_was_flushed_is_known_after_a_restart(tmp_path):
    seen = RocksSeenIds(tmp_path)
    seen.known("a", 0, 0.0)
    seen.flush()
    seen.known("b", 1, 0.0)
    seen.close()
    again = RocksSeenIds(tmp_path)
    assert again.known("a", 9, 0.0)
    assert not again.known("b", 9, 0.0)
    again.close()


def test_the_memory_of_one_run_is_bounded_by_event_time():
    seen = MemorySeenIds()
    for hour in range(2000):
        seen.known(str(hour), hour, hour * HOUR_S)
        assert hour < 24 or seen.known(str(hour - 24), 10_000, hour * HOUR_S)
    assert len(seen._newer) + len(seen._older) <= 74


def test_an_id_keeps_a_bounded_history(tmp_path):
    seen = RocksSeenIds(tmp_path)
    for day in range(50):
        assert not seen.known("a", day, day * 25 * HOUR_S)
    seen.flush()
    assert [len(value) for value in seen._database.values()] == [4 * 16]
    seen.close()
