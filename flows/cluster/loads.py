"""Who reads which partition: dealt out so that all processes have as much to do, by what they did last time.

Shards and markets stay where their keys are, so reading is what can be moved. Each process writes down how
much processor time it has taken, and how much of that each partition; the next start evens it out.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from flows.cluster.membership import Member, owners

ENOUGH_S: Final = 5.0
"""A run of less processor time than this in all processes says nothing."""
SAVE_EVERY_S: Final = 60.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one process did in a run: its processor time, and that of reading each partition, in seconds."""

    run: str
    processes: int
    process_s: float
    reading_s: dict[str, float]


class LoadLog:
    """Notes what this process does, in a file of its own. Bounded by the number of partitions."""

    def __init__(self, directory: Path, member: Member, run: str) -> None:
        self._path = load_file(directory, member.index)
        self._processes = member.count
        self._run = run
        self._reading_s: dict[str, float] = {}
        self._began_s = time.process_time()
        self._saved_s = time.monotonic()

    def read(self, partition: str, seconds: float) -> None:
        """Note processor time that was spent on reading a partition; now and then write all of it down."""
        self._reading_s[partition] = self._reading_s.get(partition, 0.0) + seconds
        if time.monotonic() >= self._saved_s + SAVE_EVERY_S:
            self.save()

    def __enter__(self) -> Self:
        """Write down what was done when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write it down."""
        self.save()

    def save(self) -> None:
        """Write it down; where that fails, the next start knows less."""
        self._saved_s = time.monotonic()
        process_s = time.process_time() - self._began_s
        load = Load(run=self._run, processes=self._processes, process_s=process_s, reading_s=self._reading_s)
        new = self._path.with_suffix(".new")
        with suppress(OSError):
            new.write_bytes(msgspec.json.encode(load))
            new.replace(self._path)


def load_file(directory: Path, process: int) -> Path:
    """Return where a process writes down what it does."""
    return directory / f"load-{process}.json"


def known_loads(directory: Path, processes: int) -> list[Load]:
    """Return what these processes did in their last run; nothing where they did little, or were others."""
    loads = []
    for process in range(processes):
        with suppress(OSError, msgspec.MsgspecError):
            loads.append(msgspec.json.decode(load_file(directory, process).read_bytes(), type=Load))
    is_one_run = len(loads) == processes and len({(load.run, load.processes) for load in loads}) == 1
    is_of_so_many = all(load.processes == processes for load in loads)
    is_enough = sum(load.process_s for load in loads) >= ENOUGH_S
    return loads if is_one_run and is_of_so_many and is_enough else []


def readers_of(partitions: Iterable[str], processes: int, loads: list[Load]) -> dict[str, int]:
    """Return the process that reads each partition; without loads they are dealt out one by one.

    Each process reads at least one, where there are enough.

    >>> market = Load(run="1", processes=2, process_s=50.0, reading_s={"a/0000": 10.0, "c/0000": 10.0})
    >>> other = Load(run="1", processes=2, process_s=30.0, reading_s={"b/0000": 10.0})
    >>> readers_of(["a/0000", "b/0000", "c/0000"], 2, [market, other])
    {'a/0000': 1, 'b/0000': 0, 'c/0000': 1}
    """
    names = sorted(partitions)
    if not loads:
        return owners(names, processes)
    reading_s = {name: seconds for load in loads for name, seconds in load.reading_s.items()}
    usual_s = sum(reading_s.values()) / max(1, len(reading_s))
    sizes = {name: reading_s.get(name, usual_s) for name in names}
    busy_s = [max(0.0, load.process_s - sum(load.reading_s.values())) for load in loads]
    found = dict.fromkeys(names, 0)
    for name in sorted(names, key=lambda each: (-sizes[each], each)):
        process = busy_s.index(min(busy_s))
        found[name] = process
        busy_s[process] += sizes[name]
    return _with_one_each(found, sizes, processes)


def _with_one_each(found: dict[str, int], sizes: Mapping[str, float], processes: int) -> dict[str, int]:
    for process in range(processes):
        if process in found.values():
            continue
        owned = list(found.values())
        spare = [name for name, owner in found.items() if owned.count(owner) > 1]
        if spare:
            found[min(spare, key=lambda each: (sizes[each], each))] = process
    return found
