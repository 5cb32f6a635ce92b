"""The figures as a printed table and as JSON lines for programs."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from flows.bench.figures import FIGURES, Figure


def machine(spins_ms: Sequence[float]) -> str:
    """Return what the figures were measured on: cores, Python, how busy and how fast it was."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, load {load}; "
        f"a million additions took {min(spins_ms):.0f} to {max(spins_ms):.0f} ms"
    )


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print the table."""
    table = Table(
        "figure", "value", "unit", "target", "yardstick", "ratio", "the yardstick, and how it is measured"
    )
    for each in sorted(figures, key=lambda each: list(FIGURES).index(each.name)):
        how = f"{each.against}; {each.note}" if each.note else each.against
        numbers = (
            f"{each.value:g}",
            each.unit,
            FIGURES[each.name].target,
            f"{each.yardstick:g}",
            f"{each.ratio:g}",
        )
        table.add_row(each.name, *numbers, how)
    console.print(table)


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Write one JSON line for each figure."""
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in figures))
