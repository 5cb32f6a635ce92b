"""What a state directory remembers of its first start, and who may use it."""

import multiprocessing
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from flows.worker.state_dir import (
    START_FILE,
    FirstStart,
    TopicOffsets,
    _make_private,
    locked_state_dir,
    read_first_start,
    relearned_in,
    start_or_resume,
    write_first_start,
    write_relearned,
)
from schemas.errors import SetupError


def first_start(**more):
    usual = {
        "format": 1,
        "started_at_s": 1.7e9,
        "shards": 256,
        "markets": ("de",),
        "sources": {},
        "sinks": {},
    }
    return FirstStart(**{**usual, **more})


def offsets(start=None, beginnings=None, ends=None):
    start = {"events/0000": 7} if start is None else start
    ends = {"offers/0000": 3} if ends is None else ends
    return TopicOffsets(start=start, beginnings=beginnings or dict.fromkeys(start, 0), ends=ends)


def hold(directory, held):
    with locked_state_dir(directory):
        held.set()
        signal.pause()


def test_the_first_start_is_written_once(tmp_path):
    first = start_or_resume(tmp_path, first_start(), offsets())
    assert first == first_start(sources={"events/0000": 7}, sinks={"offers/0000": 3})
    later = start_or_resume(
        tmp_path,
        first_start(started_at_s=1.8e9),
        offsets(start={"events/0000": 9}, ends={"offers/0000": 5}),
    )
    assert later == first == read_first_start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [START_FILE]


def test_a_topic_that_a_setting_turns_off_may_be_gone_and_begins_anew_when_it_is_on_again(tmp_path):
    both = {"offers/0000": 3, "flat/0000": 3}
    start_or_resume(tmp_path, first_start(), offsets(ends=both))
    with pytest.raises(SetupError, match="flat/0000 to write to"):
        start_or_resume(tmp_path, first_start(), offsets())
    off = msgspec.structs.replace(offsets(), off=frozenset({"flat"}))
    assert start_or_resume(tmp_path, first_start(), off).sinks == {"offers/0000": 3}
    again = start_or_resume(tmp_path, first_start(), offsets(ends={"offers/0000": 8, "flat/0000": 9}))
    assert again.sinks == {"offers/0000": 3, "flat/0000": 9}


def test_before_the_first_start_nothing_is_known(tmp_path):
    assert read_first_start(tmp_path) is None


def test_a_partition_added_later_is_read_from_its_beginning_and_written_from_its_end(tmp_path):
    start_or_resume(tmp_path, first_start(), offsets())
    more = offsets(
        start={"events/0000": 9, "events/0001": 4},
        beginnings={"events/0000": 1, "events/0001": 2},
        ends={"offers/0000": 5, "offers/0001": 6},
    )
    resumed = start_or_resume(tmp_path, first_start(), more)
    assert resumed.sources == {"events/0000": 7, "events/0001": 2}
    assert resumed.sinks == {"offers/0000": 3, "offers/0001": 6}
    assert read_first_start(tmp_path) == resumed


@pytest.mark.parametrize(
    ("new", "now", "words"),
    [
        (
            first_start(format=2),
            offsets(),
            "state format 1, this version works with 2; `offerstream relearn` rebuilds",
        ),
        (
            first_start(shards=64),
            offsets(),
            "shard count 256, this version works with 64; `offerstream relearn` rebuilds",
        ),
        (first_start(), offsets(start={}), "knows events/0000 to read from, which neither"),
        (first_start(), offsets(ends={}), "knows offers/0000 to write to, which neither"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(tmp_path, new, now, words):
    start_or_resume(tmp_path, first_start(), offsets())
    with pytest.raises(SetupError, match=words):
        start_or_resume(tmp_path, new, now)
    assert read_first_start(tmp_path).sources == {"events/0000": 7}


@pytest.mark.parametrize("is_file", [True, False])
def test_a_broken_file_is_refused(tmp_path, is_file):
    (tmp_path / START_FILE).write_text("{") if is_file else (tmp_path / START_FILE).mkdir()
    with pytest.raises(SetupError, match=f"{START_FILE} must be what an earlier start wrote; got: "):
        start_or_resume(tmp_path, first_start(), offsets())


def test_a_second_worker_on_the_same_directory_is_refused(tmp_path):
    with locked_state_dir(tmp_path / "state"):
        words = f"state belongs to a running worker .process {os.getpid()}.; stop it, or use another state"
        with pytest.raises(SetupError, match=words), locked_state_dir(tmp_path / "state"):
            pass
    with locked_state_dir(tmp_path / "state"):
        pass


def test_a_killed_worker_locks_nothing(tmp_path):
    spawning = multiprocessing.get_context("spawn")
    held = spawning.Event()
    holder = spawning.Process(target=hold, args=(tmp_path, held))
    holder.start()
    assert held.wait(30)
    with pytest.raises(SetupError, match=f"process {holder.pid}"), locked_state_dir(tmp_path):
        pass
    holder.kill()
    holder.join()
    with locked_state_dir(tmp_path):
        pass


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("/proc/nope", "No such file or directory"),
        ("/dev/null/state", "Not a directory"),
        ("FILE", "File exists"),
        ("FILE/state", "Not a directory"),
    ],
)
def test_a_directory_that_cannot_be_written_is_refused_with_the_reason(tmp_path, place, reason):
    (tmp_path / "file").touch()
    directory = Path(place.replace("FILE", str(tmp_path / "file")))
    words = f"the state directory {directory} must be one that can be written; got: {reason}"
    with pytest.raises(SetupError, match=f"^{re.escape(words)}$"), locked_state_dir(directory):
        pass


def test_a_first_start_that_cannot_be_written_is_refused_with_the_reason(tmp_path):
    (tmp_path / START_FILE).with_suffix(".new").mkdir()
    with pytest.raises(SetupError, match="must be one that can be written; got: Is a directory"):
        start_or_resume(tmp_path, first_start(), offsets())


def test_the_command_line_refuses_such_a_directory_in_one_line():
    command = [sys.executable, "-m", "flows.cli", "live", "--state", "/dev/null/state"]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "offerstream live: the state directory /dev/null/state must be one that can be written; "
        "got: Not a directory\n"
    )


def test_a_market_that_the_offers_file_no_longer_has_is_missed_at_start(tmp_path):
    start_or_resume(tmp_path, first_start(markets=("de", "uk")), offsets())
    with pytest.raises(SetupError, match="knows the market uk, which the offers file lacks"):
        start_or_resume(tmp_path, first_start(markets=("de",)), offsets())


def test_a_rebuilt_state_speaks_after_what_was_published(tmp_path):
    assert first_start().speaks_after_s == 1.7e9
    first = first_start(emit_after_s=1.6e9, sources={"events/0000": 7}, sinks={"offers/0000": 3})
    write_first_start(tmp_path, first)
    assert start_or_resume(tmp_path, first_start(), offsets()).speaks_after_s == 1.6e9
    write_relearned(tmp_path, "de", b"state")
    assert [relearned_in(tmp_path)(market) for market in ("de", "uk")] == [b"state", None]


def test_a_market_can_be_added(tmp_path):
    start_or_resume(tmp_path, first_start(markets=("de",)), offsets())
    more = start_or_resume(tmp_path, first_start(markets=("de", "uk")), offsets())
    assert more.markets == ("de", "uk")


def test_what_a_worker_makes_is_its_users_alone(tmp_path):
    state = tmp_path / "state"
    before = os.umask(0o022)
    try:
        with locked_state_dir(state):
            (state / "part").write_text("")
            (state / "below").mkdir()
        (tmp_path / "after").write_text("")
    finally:
        os.umask(before)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.iterdir())}
    assert found == {"state": 0o700, "lock": 0o600, "part": 0o600, "below": 0o700}
    assert stat.S_IMODE((tmp_path / "after").stat().st_mode) == 0o644


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_state_directory_that_others_may_have_written_to_is_refused(tmp_path, mode):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "start.json").write_text("{}")
    (tmp_path / "state").chmod(mode)
    words = f"for what it holds is run as code; its mode is {mode:04o}: look through it and `chmod -R go= "
    with pytest.raises(SetupError, match=words), locked_state_dir(tmp_path / "state"):
        pass


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_directory_that_only_others_may_read_or_that_is_empty_is_made_private(tmp_path, mode):
    state = tmp_path / "state"
    state.mkdir()
    if mode == 0o755:
        (state / "start.json").write_text("{}")
    state.chmod(mode)
    with locked_state_dir(state):
        assert stat.S_IMODE(state.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("owner", "mode", "words"),
    [
        (
            1,
            0o700,
            "must belong to the worker's user, for what it holds is run as code; it belongs to user 1$",
        ),
        (0, 0o2775, r"its mode is 2775: name a directory in it, like \S+/state, which the worker makes$"),
    ],
)
def test_a_directory_of_somebody_else_is_refused(tmp_path, monkeypatch, owner, mode, words):
    found = os.stat_result((stat.S_IFDIR | mode, 1, 1, 1, owner, 1, 0, 0, 0, 0))
    monkeypatch.setattr(os, "geteuid", lambda: 10001)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: found)
    with pytest.raises(SetupError, match=words):
        _make_private(tmp_path)


def test_an_input_topic_that_was_made_anew_is_refused_and_an_output_topic_only_said(tmp_path, caplog):
    ids = {"events": "a", "offers": "b"}
    old = msgspec.structs.replace(offsets(), ids=ids)
    assert start_or_resume(tmp_path, first_start(), old).topics == ids
    assert start_or_resume(tmp_path, first_start(), offsets()).topics == ids
    anew = msgspec.structs.replace(offsets(), ids=ids | {"offers": "c"})
    assert start_or_resume(tmp_path, first_start(), anew).topics == {"events": "a", "offers": "c"}
    assert caplog.messages == ["topic offers was made anew: what was written to the old one is not there"]
    anew = msgspec.structs.replace(offsets(), ids=ids | {"events": "d"})
    with pytest.raises(SetupError, match=r"^topic events was made anew since the state in .* new state"):
        start_or_resume(tmp_path, first_start(), anew)
    assert read_first_start(tmp_path).topics["events"] == "a"


def test_the_id_of_a_topic_is_noted_once_its_broker_has_ids(tmp_path):
    start_or_resume(tmp_path, first_start(), offsets())
    known = msgspec.structs.replace(offsets(), ids={"events": "a"})
    assert start_or_resume(tmp_path, first_start(), known).topics == {"events": "a"}
