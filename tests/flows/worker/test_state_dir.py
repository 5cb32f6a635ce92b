"""What a state directory remembers of its first start, and who owns it."""

import multiprocessing
import os
import signal

import pytest

from flows.worker.state_dir import FILE, Offsets, Start, begin, begun, owned
from schemas.errors import SetupError


def fresh(**more):
    usual = {
        "format": 1,
        "started_at_s": 1.7e9,
        "shards": 256,
        "markets": ("de",),
        "sources": {},
        "sinks": {},
    }
    return Start(**{**usual, **more})


def offsets(first=None, beginnings=None, ends=None):
    first = {"events/0000": 7} if first is None else first
    ends = {"offers/0000": 3} if ends is None else ends
    return Offsets(first=first, beginnings=beginnings or dict.fromkeys(first, 0), ends=ends)


def hold(directory, held):
    with owned(directory):
        held.set()
        signal.pause()


def test_the_first_start_is_written_once(tmp_path):
    start = begin(tmp_path, fresh(), offsets())
    assert start == fresh(sources={"events/0000": 7}, sinks={"offers/0000": 3})
    later = begin(
        tmp_path, fresh(started_at_s=1.8e9), offsets(first={"events/0000": 9}, ends={"offers/0000": 5})
    )
    assert later == start == begun(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_before_the_first_start_nothing_is_known(tmp_path):
    assert begun(tmp_path) is None


def test_a_part_added_later_is_read_from_its_beginning_and_written_from_its_end(tmp_path):
    begin(tmp_path, fresh(), offsets())
    more = offsets(
        first={"events/0000": 9, "events/0001": 4},
        beginnings={"events/0000": 1, "events/0001": 2},
        ends={"offers/0000": 5, "offers/0001": 6},
    )
    start = begin(tmp_path, fresh(), more)
    assert start.sources == {"events/0000": 7, "events/0001": 2}
    assert start.sinks == {"offers/0000": 3, "offers/0001": 6}
    assert begun(tmp_path) == start


@pytest.mark.parametrize(
    ("now", "there", "words"),
    [
        (fresh(format=2), offsets(), "has state format 1, this version works with 2; start with a new"),
        (fresh(shards=64), offsets(), "has shard count 256, this version works with 64; start with a new"),
        (fresh(), offsets(first={}), "knows events/0000 to read from, which neither"),
        (fresh(), offsets(ends={}), "knows offers/0000 to write to, which neither"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_words(tmp_path, now, there, words):
    begin(tmp_path, fresh(), offsets())
    with pytest.raises(SetupError, match=words):
        begin(tmp_path, now, there)
    assert begun(tmp_path).sources == {"events/0000": 7}


def test_a_broken_file_is_refused_with_words(tmp_path):
    (tmp_path / FILE).write_text("{")
    with pytest.raises(SetupError, match=f"{FILE} must be what an earlier start wrote; got: "):
        begin(tmp_path, fresh(), offsets())


def test_a_second_worker_on_the_same_directory_is_refused(tmp_path):
    with owned(tmp_path / "state"):
        words = f"belongs to a running worker .process {os.getpid()}.; stop it"
        with pytest.raises(SetupError, match=words), owned(tmp_path / "state"):
            pass
    with owned(tmp_path / "state"):
        pass


def test_a_killed_worker_owns_nothing(tmp_path):
    spawning = multiprocessing.get_context("spawn")
    held = spawning.Event()
    holder = spawning.Process(target=hold, args=(tmp_path, held))
    holder.start()
    assert held.wait(30)
    with pytest.raises(SetupError, match=f"process {holder.pid}"), owned(tmp_path):
        pass
    holder.kill()
    holder.join()
    with owned(tmp_path):
        pass


def test_a_market_that_the_offers_file_no_longer_has_is_missed_at_start(tmp_path):
    begin(tmp_path, fresh(markets=("de", "uk")), offsets())
    with pytest.raises(SetupError, match="knows the market uk, which the offers file lacks"):
        begin(tmp_path, fresh(markets=("de",)), offsets())


def test_a_market_can_be_added(tmp_path):
    begin(tmp_path, fresh(markets=("de",)), offsets())
    assert begin(tmp_path, fresh(markets=("de", "uk")), offsets()).markets == ("de", "uk")
