"""The load that throughput is measured with: a fixed mix of events, decided often enough to be honest."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from flows.settings import Settings, read_settings
from operators.simulation.load import LoadEvent, load_events, load_rate

ALWAYS: Final[dict[str, Any]] = {"max_age_on_site": "365d", "max_age_app": "365d", "max_age_email": "365d"}
"""Settings under which recorded moments are decided as if they were fresh."""


def recorded(number: int, visitors: int) -> Iterator[LoadEvent]:
    """Return events that end now, spread over as much time as so many live visitors need."""
    begins_s = time.time() - number / load_rate(visitors)
    return load_events(number, visitors, starts_at_s=begins_s)


def write_load(path: Path, number: int, visitors: int) -> None:
    """Write the recorded load as JSON lines."""
    with path.open("wb") as file:
        file.writelines(load.value + b"\n" for load in recorded(number, visitors))


def page_settings(state: Path) -> Settings:
    """Return the settings of the page that is measured: the worker's own."""
    return read_settings(state=state, **ALWAYS)


def spin_ms() -> float:
    """Return what a million additions in pure Python take: how fast this machine is just now."""
    began_s = time.perf_counter()
    total = 0
    for number in count():
        total += number
        if number == 1_000_000:
            break
    return (time.perf_counter() - began_s) * 1000
