"""The rows of a station: a snapshot holds what changed, and a crash takes back what is not sealed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.state.map_table import MapTable
from operators.state.rows import StateRows, changes_in
from operators.state.set_table import SetTable
from operators.state.struct_table import StructTable
from operators.state.timer_table import TimerTable
from tests.builders import OFTEN
from tests.rows import DictRows, everything_in

NAMES = st.sampled_from(["ann", "bob", "cid"])
TIMES = st.sampled_from([1.0, 5.0, 9.0, 60.0])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES, st.integers(0, 3)),
        st.tuples(st.just("extend"), NAMES, st.integers(0, 3)),
        st.tuples(st.just("drop"), NAMES),
        st.tuples(st.just("map"), NAMES, st.integers(0, 3)),
        st.tuples(st.just("unmap"), NAMES),
        st.tuples(st.just("join"), NAMES, NAMES),
        st.tuples(st.just("leave"), NAMES, NAMES),
        st.tuples(st.just("set"), NAMES, TIMES),
        st.tuples(st.just("unset"), NAMES, TIMES),
        st.tuples(st.just("advance"), st.sampled_from([2.0, 6.0, 30.0])),
        st.just(("seal",)),
        st.just(("crash",)),
        st.just(("crash unsealed",)),
    ),
    max_size=25,
)


class Station:
    """All kinds of tables over one store, and the same as plain dictionaries and sets."""

    def __init__(self, store=None, snapshot=None):
        self.rows = StateRows(store)
        self.lists = StructTable(self.rows, b"l", list[int])
        self.map = MapTable(self.rows, b"m", int)
        self.groups = SetTable(self.rows, b"g")
        self.timers = TimerTable(self.rows, b"t")
        if snapshot is None:
            self.rows.begin()
        else:
            self.rows.restore(snapshot)

    def take(self, step):
        """Do one step; return what the timers say."""
        what, *given = step
        does = {
            "put": lambda name, number: self.lists.put(name, [number]),
            "extend": self._extend,
            "drop": self.lists.drop,
            "map": self.map.put,
            "unmap": self.map.drop,
            "join": self.groups.add,
            "leave": self.groups.discard,
            "set": self.timers.set,
            "unset": self.timers.drop,
            "advance": lambda before_s: list(self.timers.due(before_s)),
        }
        return does[what](*given)

    def _extend(self, name, number):
        found = self.lists.get(name)
        if found is not None:
            found.append(number)

    def seen(self):
        """Everything that can be asked for."""
        names = ("ann", "bob", "cid")
        return (
            {name: self.lists.get(name) for name in names},
            sorted(self.lists.items()),
            [(name, self.map.get(name)) for name in self.map],
            {name: self.groups.members(name) for name in names},
        )


@OFTEN
@given(STEPS)
def test_rows_on_disk_are_as_if_everything_were_in_memory(steps):
    """Whatever is sealed and however often the station dies, it goes on from the last sealed snapshot."""
    store, plain = DictRows(), []
    station = Station(store)
    sealed, since = None, []
    for step in steps:
        if step == ("seal",):
            sealed, since = station.rows.snapshot(), []
            continue
        if step[0].startswith("crash"):
            if step == ("crash unsealed",):
                station.rows.snapshot()
            station = Station(store, sealed)
            for each in since:
                station.take(each)
            continue
        plain.append(step)
        since.append(step)
        said = station.take(step)
        memory = Station()
        expected = [memory.take(each) for each in plain]
        assert said == expected[-1]
        assert station.seen() == memory.seen()


@OFTEN
@given(STEPS)
def test_without_a_store_a_snapshot_holds_everything(steps):
    station, until = Station(), 0.0
    for step in steps:
        if step[0] not in {"seal", "crash", "crash unsealed"}:
            station.take(step)
            until = max(until, step[1]) if step[0] == "advance" else until
    other = Station(snapshot=station.rows.snapshot())
    assert other.seen() == station.seen()
    assert list(other.timers.due(math.inf)) == list(station.timers.due(math.inf))


def test_a_snapshot_holds_what_changed_since_the_one_before():
    station = Station(DictRows())
    for number in range(1000):
        station.lists.put(f"v{number}", [number])
    everything = station.rows.snapshot()
    station.lists.get("v7").append(1)
    assert station.lists.get("v8") == [8]
    changed = changes_in(station.rows.snapshot())
    assert list(changed) == [b"lv7"]
    assert len(changes_in(everything)) == 1000
    assert changes_in(station.rows.snapshot()) == {}


def test_timers_are_read_a_page_at_a_time():
    station = Station(DictRows())
    for number in range(1000):
        station.timers.set(f"v{number}", float(number))
    station.rows.snapshot()
    station.rows.snapshot()
    station.rows.snapshot()
    station.timers._heap.clear()
    assert [name for _, name in station.timers.due(3.0)] == ["v0", "v1", "v2"]
    assert len(station.timers._heap) < 20
    assert len(list(station.timers.due(1000.0))) == 997


def test_rows_that_belong_to_another_recovery_store_are_refused_with_words():
    store = DictRows("place of the rows")
    station = Station(store)
    snapshots = []
    for number in range(4):
        station.lists.put("ann", [number])
        snapshots.append(station.rows.snapshot())
    with pytest.raises(LookupError, match="place of the rows are those of snapshot 3, not of 1"):
        Station(store, snapshots[0])
    with pytest.raises(LookupError, match="those of snapshot 0, not of 4: they do not belong"):
        Station(DictRows("place of the rows"), snapshots[3])


def test_a_station_that_begins_anew_knows_nothing_of_lost_rows():
    store = DictRows()
    station = Station(store)
    station.lists.put("ann", [1])
    station.rows.snapshot()
    station.rows.snapshot()
    assert store.rows
    assert Station(store).lists.get("ann") is None
    assert store.rows == {}


def test_a_station_that_moves_takes_its_rows_along():
    places = {}
    here, there = DictRows("here", places), DictRows("there", places)
    station = Station(here)
    station.lists.put("ann", [1])
    station.rows.snapshot()
    station.lists.put("bob", [2])
    moved = Station(there, station.rows.snapshot())
    assert moved.seen() == station.seen()
    assert everything_in(moved.rows) == everything_in(station.rows)


def test_tables_share_no_keys():
    rows = StateRows()
    StructTable(rows, b"ab", int)
    with pytest.raises(ValueError, match="tables b'ab' and b'a' would share keys"):
        SetTable(rows, b"a")


def test_a_table_that_comes_later_finds_its_rows():
    station = Station()
    station.lists.put("ann", [1])
    rows = StateRows()
    rows.restore(station.rows.snapshot())
    assert StructTable(rows, b"l", list[int]).get("ann") == [1]
