"""A CSV file of logged bandit data: its lines, and which column is what."""

import csv
import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from operators.bandits.context import finite_number
from schemas.errors import SetupError

NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "arm": ("arm", "action", "item_id"),
        "reward": ("reward", "click"),
        "propensity": ("propensity", "propensity_score", "pscore"),
        "visitor": ("visitor", "visitor_id", "user_id"),
        "time": ("time", "timestamp", "at"),
        "eligible": ("eligible",),
        "position": ("position",),
    }
)
"""What a column may be called; the first three must be there."""

NEEDED: Final = ("arm", "reward", "propensity")


class Table:
    """A CSV file as header and lines of equal length."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
                self.header, *self.lines = list(csv.reader(file)) or [[]]
        except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
            raise SetupError(f"{path} must be a CSV file that can be read; got: {error}") from None
        if not self.lines:
            raise SetupError(f"{path} must have a header and at least one row")
        for at, line in enumerate(self.lines):
            if len(line) != len(self.header):
                raise SetupError(f"{self.where(at)}: must have {len(self.header)} columns; got {len(line)}")

    def where(self, at: int) -> str:
        """Return the place of a row, as editors count lines."""
        return f"{self.path}:{at + 2}"

    def places(self, named: Mapping[str, str]) -> dict[str, int]:
        """Return where each column of a known meaning is; raises SetupError where one is not."""
        for name in named:
            if name not in NAMES:
                raise SetupError(f"--column must name one of {', '.join(NAMES)}; got {name!r}")
        found = {}
        for name, usual in NAMES.items():
            wanted = (named[name],) if name in named else usual
            known = [self.header.index(each) for each in wanted if each in self.header]
            if known:
                found[name] = known[0]
            elif name in NEEDED or name in named:
                raise SetupError(
                    f"{self.path} must have a column {' or '.join(wanted)} (or --column {name}=NAME); "
                    f"it has {', '.join(self.header[:8])}"
                )
        return found

    def policies(self) -> dict[str, dict[str, int]]:
        """Return, for each policy with columns ``POLICY:ARM``, where the probability of each arm is."""
        found: dict[str, dict[str, int]] = {}
        for at, name in enumerate(self.header):
            policy, colon, arm = name.partition(":")
            if colon and policy and arm and not is_index(name) and self.is_share(at):
                found.setdefault(policy, {})[arm] = at
        return found

    def is_share(self, column: int) -> bool:
        """Return whether all values of a column are numbers from 0 to 1."""
        values = [_number(line[column]) for line in self.lines]
        return all(value is not None and 0.0 <= value <= 1.0 for value in values)

    def column(self, column: int) -> Sequence[float | str]:
        """Return the values of a column as numbers, if all that are there are; "" where one is missing."""
        words = [line[column] for line in self.lines]
        found: list[float | str] = []
        for word in words:
            value = _number(word) if word else word
            if value is None:
                return words
            found.append(value)
        return found

    def number(self, at: int, column: int) -> float:
        """Return a value as a number; raises SetupError where it is none."""
        found = _number(self.lines[at][column])
        if found is None:
            name = self.header[column]
            raise SetupError(f"{self.where(at)}: {name} must be a number; got {self.lines[at][column]!r}")
        return found


def is_index(name: str) -> bool:
    """Return whether a column only numbers the rows, as pandas writes it: without a name, or so called."""
    return not name or name.startswith("Unnamed: ")


def _number(text: str) -> float | None:
    try:
        return finite_number(float(text))
    except ValueError:
        return None
