"""The load that throughput is measured with: a fixed mix of events with a realistic share of decisions."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from flows.settings import Settings, read_settings
from operators.simulation.load import LoadEvent, load_events, load_rate

OFFERS: Final = Path(__file__).with_name("offers.toml")
"""Offers under which recorded moments are never stale."""


def recorded_load(number: int, visitors: int) -> Iterator[LoadEvent]:
    """Return events that end now, spread over the time in which so many visitors are live."""
    begins_s = time.time() - number / load_rate(visitors)
    return load_events(number, visitors, starts_at_s=begins_s)


def write_load(path: Path, number: int, visitors: int) -> None:
    """Write the recorded load as JSON lines."""
    with path.open("wb") as file:
        file.writelines(load.value + b"\n" for load in recorded_load(number, visitors))


def worker_settings(state: Path) -> Settings:
    """Return the settings of the dataflow that is measured: the worker's own."""
    return read_settings(state=state, offers=OFFERS)


def spin_ms() -> float:
    """Return how long a million additions in pure Python take: how fast this machine is now."""
    began_s = time.perf_counter()
    total = 0
    for number in count():
        total += number
        if number == 1_000_000:
            break
    return (time.perf_counter() - began_s) * 1000
