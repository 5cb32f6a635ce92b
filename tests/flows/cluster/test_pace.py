"""A process knows how far the others are, and waits for them as for partitions of its own."""

import math
from types import SimpleNamespace

from flows.cluster.membership import ALONE, Member, slots_of
from flows.cluster.pace import PaceBoard, PaceNote, noted
from flows.kafka.source import LagLimiter
from flows.local.callback_sink import CallbackSink

THREE = ("a:1", "b:2", "c:3")


def note(process, slowest_s=math.inf, newest_s=0.0, *, is_begun=True, stops_for=None):
    return PaceNote(process, slowest_s, newest_s, is_begun, stops_for)


def partition(event_time_s, *, is_first=False, caught_up=False):
    return SimpleNamespace(
        reader=SimpleNamespace(event_time_s=event_time_s, greatest_s=event_time_s),
        is_first=is_first,
        caught_up_at=lambda: 1.0 if caught_up else None,
        has_read_start=lambda: caught_up,
    )


def limiter(board, *partitions):
    made = LagLimiter(SimpleNamespace(round=0), 300.0, idle_by_events=False, board=board)
    made.partitions += partitions
    return made


def test_nobody_reads_on_before_all_have_told_how_far_they_are():
    board = PaceBoard(Member(0, THREE), [0, 1, 2])
    ahead = partition(1000.0)
    assert limiter(board, ahead).holds_back(ahead)
    board.put(note(1, 900.0))
    assert limiter(board, ahead).holds_back(ahead)
    board.put(note(2))
    assert not limiter(board, ahead).holds_back(ahead)


def test_a_partition_waits_for_the_slowest_of_another_process():
    board = PaceBoard(Member(0, THREE[:2]), [0, 1])
    ahead = partition(1000.0)
    board.put(note(1, 600.0))
    assert limiter(board, ahead).holds_back(ahead)
    board.put(note(1, 700.0))
    assert not limiter(board, ahead).holds_back(ahead)


def test_events_wait_until_another_process_has_read_what_comes_first():
    board = PaceBoard(Member(0, THREE[:2]), [0, 1])
    some = partition(1000.0)
    board.put(note(1, is_begun=False))
    assert limiter(board, some).holds_back(some)
    board.put(note(1))
    assert not limiter(board, some).holds_back(some)


def test_a_process_that_reads_nothing_is_not_waited_for():
    board = PaceBoard(Member(0, THREE), [0, 0])
    assert (board.is_begun, board.slowest_s) == (True, math.inf)


def test_a_process_tells_how_far_it_is_and_not_all_the_time():
    board = PaceBoard(Member(1, THREE), [0, 1, 2])
    made = limiter(board, partition(50.0), partition(90.0), partition(10.0, caught_up=True))
    assert made.notes() == [note(1, 50.0, 90.0)]
    assert made.notes() == []


def test_that_all_must_stop_is_told_once_and_heard():
    made = limiter(PaceBoard(Member(1, THREE), [0, 1, 2]), partition(50.0))
    assert made.notes(stops_for="partitions were added") == [
        note(1, 50.0, 50.0, stops_for="partitions were added")
    ]
    assert made.notes(stops_for="partitions were added") == []
    heard = []
    board = PaceBoard(Member(0, THREE), [0, 1, 2], heard.append)
    sink = CallbackSink(board.put_all, member=Member(0, THREE))
    sink.build_part("pace", "00", None).write_batch([note(1), note(2, stops_for="")])
    assert heard == [""]


def test_a_worker_alone_tells_nobody():
    made = limiter(PaceBoard(ALONE, [0]), partition(50.0))
    assert (made.notes(), made.notes(stops_for="")) == ([], [])


def test_the_latest_note_goes_to_all_others():
    latest = note(1, 2.0)
    assert noted([note(1, 1.0), latest], 3) == [("00", latest), ("02", latest)]
    board = PaceBoard(Member(2, THREE), [0, 1, 2])
    sink = CallbackSink(board.put_all, member=Member(2, THREE))
    assert slots_of(Member())[sink.part_fn("02")] in sink.list_parts()
