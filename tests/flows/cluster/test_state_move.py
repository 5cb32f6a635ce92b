"""The state of processes with disks of their own goes where it belongs, whole or not at all."""

import pytest
from msgspec import structs

from flows.cluster import state_move as moving
from flows.cluster.holdings import check_holdings, held_in, owners_of
from flows.cluster.layout import Layout, check_layouts, check_whole, read_layout
from flows.cluster.state_move import state_move
from flows.stores.bytewax_recovery import part_name
from flows.worker.state_dir import FirstStart, locked_state_dir, read_first_start, take_first_start
from schemas.errors import SetupError

PARTITIONS = 4
SOURCES = {"events/0000": 0, "events/0001": 0, "events/0002": 0}
FIRST = FirstStart(format=7, started_at_s=5.0, shards=64, markets=("de", "uk"), sources=SOURCES, sinks={})
DATABASES = (
    *("ledger/de", "ledger/uk", "catalog/de", "seen/events-0000", "seen/events-0001", "seen/events-0002"),
    *("features/part-0", "features/part-1", "features/part-2", "features/part-3"),
)


@pytest.fixture
def disks(tmp_path):
    """Four directories; the first holds the state of a worker of one process."""
    found = [tmp_path / f"p{number}" for number in range(4)]
    for name in DATABASES:
        (found[0] / name).mkdir(parents=True)
        (found[0] / name / "CURRENT").write_text(name)
    store = found[0] / "recovery"
    store.mkdir()
    for number in range(PARTITIONS):
        (store / part_name(number)).write_text(f"part {number}")
    (store / f"{part_name(0)}-wal").write_text("beside part 0")
    (found[0] / "rows/0").mkdir(parents=True)
    (found[0] / "rows/0/CURRENT").write_text("rows of 0")
    take_first_start(found[0], FIRST)
    return found


def content(disks):
    return {
        str(path.relative_to(disk)): path.read_text()
        for disk in disks
        for room in ("ledger", "catalog", "seen", "features", "recovery")
        for path in sorted((disk / room).rglob("*"))
        if path.is_file()
    }


def is_settled(disks):
    held = {number: held_in(disk) for number, disk in enumerate(disks)}
    check_holdings(held, FIRST, len(disks), PARTITIONS)
    return sorted(name for names in held.values() for name in names)


def test_from_one_to_three_to_two_and_back(disks):
    before, names = content(disks[:1]), is_settled(disks[:1])
    state_move(disks[:3])
    assert is_settled(disks[:3]) == names
    assert "ledger/uk" in held_in(disks[1])
    assert read_first_start(disks[2]) == FIRST
    state_move(disks[:2], [disks[2]])
    assert is_settled(disks[:2]) == names
    assert held_in(disks[2]) == ()
    assert state_move(disks[:1], disks[1:3]) > 0
    assert is_settled(disks[:1]) == names
    assert content(disks[:1]) == before
    assert state_move(disks[:1]) == 0
    check_whole(disks[0])
    assert sorted(path.name for path in disks[2].iterdir()) == ["lock"]


@pytest.mark.parametrize("point", ["state_copied", "state_moved"])
@pytest.mark.parametrize("count", [1, 4])
def test_a_move_that_was_interrupted_is_refused_and_can_be_completed(disks, monkeypatch, point, count):
    before, names = content(disks[:1]), is_settled(disks[:1])
    left = count

    def interrupt(reached):
        nonlocal left
        left -= reached == point
        if not left:
            raise KeyboardInterrupt

    monkeypatch.setattr(moving, "fault_point", interrupt)
    with pytest.raises(KeyboardInterrupt):
        state_move(disks[:2])
    layouts = [(number, read_layout(disk)) for number, disk in enumerate(disks[:2])]
    with pytest.raises(SetupError, match="of a move that was not completed"):
        check_layouts(layouts, 2)
    with pytest.raises(SetupError, match="of a move that was not completed"):
        check_whole(disks[0])
    monkeypatch.setattr(moving, "fault_point", lambda _name: None)
    state_move(disks[:2])
    assert is_settled(disks[:2]) == names
    assert content(disks[:2]) == before


def test_a_part_that_stands_in_two_places_and_differs_is_left_to_people(disks):
    (disks[1] / "ledger/uk").mkdir(parents=True)
    (disks[1] / "ledger/uk/CURRENT").write_text("another")
    with pytest.raises(SetupError, match="differ: remove the one that is out of date"):
        state_move(disks[:2])


def test_directories_of_other_workers_running_ones_and_the_same_twice_are_refused(disks):
    with pytest.raises(SetupError, match="a state directory of its own"):
        state_move([disks[0], disks[0]])
    with pytest.raises(SetupError, match="none is"):
        state_move(disks[1:3])
    with locked_state_dir(disks[0], 0), pytest.raises(SetupError, match="belongs to a running worker"):
        state_move(disks[:2])
    take_first_start(disks[1], structs.replace(FIRST, started_at_s=9.0))
    with pytest.raises(SetupError, match="must be of one worker"):
        state_move(disks[:2])


def test_every_part_has_an_owner_among_the_processes():
    for processes in (1, 2, 3, 5):
        assert set(owners_of(FIRST, processes).values()) <= set(range(processes))
    missing = {0: ("recovery/part-0.sqlite3",), 1: ()}
    with pytest.raises(SetupError, match=f"each of the {PARTITIONS} parts of recovery/ once"):
        check_holdings(missing, FIRST, 2, PARTITIONS)


def test_what_was_relearned_is_divided_before_several_start_on_it(tmp_path):
    disks = [tmp_path / "p0", tmp_path / "p1"]
    for name in ("ledger/uk/CURRENT", "relearned/de", "relearned/uk"):
        (disks[0] / name).parent.mkdir(parents=True, exist_ok=True)
        (disks[0] / name).write_text(name)
    take_first_start(disks[0], FIRST)
    state_move(disks)
    belongs = owners_of(FIRST, 2)
    assert {name: number for number, disk in enumerate(disks) for name in held_in(disk)} == {
        name: belongs[name] for name in ("ledger/uk", "relearned/de", "relearned/uk")
    }


def rows(disk):
    return {path.name: (path / "CURRENT").read_text() for path in sorted((disk / "rows").iterdir())}


def test_all_get_the_rows_that_each_process_wrote_last(disks):
    state_move(disks[:2])
    assert rows(disks[1]) == {"0": "rows of 0"}
    (disks[0] / "rows/0/CURRENT").write_text("later rows of 0")
    (disks[1] / "rows/1").mkdir()
    (disks[1] / "rows/1/CURRENT").write_text("rows of 1")
    state_move(disks[:3])
    assert rows(disks[0]) == rows(disks[1]) == rows(disks[2]) == {"0": "later rows of 0", "1": "rows of 1"}
    (disks[1] / "rows/1/CURRENT").write_text("later rows of 1")
    state_move(disks[:1], disks[1:3])
    assert rows(disks[0]) == {"0": "later rows of 0", "1": "later rows of 1"}
    assert state_move(disks[:2]) > 0
    assert rows(disks[1]) == {"0": "later rows of 0", "1": "later rows of 1"}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "of a worker that never had several disks, or none"),
        (Layout(0, 2, "a"), "of process 0 of 2"),
        (Layout(1, 3, "a"), "of process 1 of 3"),
    ],
)
def test_another_disk_than_that_of_the_process_is_refused(found, words):
    with pytest.raises(SetupError, match=f"the disk of process 1 of 2 has the state {words}"):
        check_layouts([(0, Layout(0, 2, "a")), (1, found)], 2)
    with pytest.raises(SetupError, match="not of one worker, or of different moves"):
        check_layouts([(0, Layout(0, 2, "a")), (1, Layout(1, 2, "b"))], 2)
