"""A CSV file of logged bandit data: its rows, and which column means what."""

import csv
import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from operators.bandits.context import finite_number
from schemas.errors import DataError, SetupError

USUAL_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
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
"""The usual names of the columns by their meaning."""

REQUIRED: Final = ("arm", "reward", "propensity")


class CsvTable:
    """A CSV file as a header and rows of equal length; raises DataError where it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
                self.header, *self.rows = list(csv.reader(file)) or [[]]
        except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path} must be a CSV file that can be read; got: {error}") from None
        if not self.rows:
            raise DataError(f"{path} must have a header and at least one row")
        for at, row in enumerate(self.rows):
            if len(row) != len(self.header):
                raise DataError(f"{self.where(at)}: must have {len(self.header)} columns; got {len(row)}")

    def where(self, at: int) -> str:
        """Return the place of a row, as editors count lines."""
        return f"{self.path}:{at + 2}"

    def places(self, named: Mapping[str, str]) -> dict[str, int]:
        """Return the place of each column that has a meaning; ``named`` gives the unusual names.

        Raises SetupError for a meaning that there is not, DataError for a column that is missing.
        """
        for name in named:
            if name not in USUAL_NAMES:
                raise SetupError(f"a column can mean one of {', '.join(USUAL_NAMES)}; got {name!r}")
        found = {}
        for name, usual in USUAL_NAMES.items():
            wanted = (named[name],) if name in named else usual
            known = [self.header.index(each) for each in wanted if each in self.header]
            if known:
                found[name] = known[0]
            elif name in REQUIRED or name in named:
                raise DataError(
                    f"{self.path} must have a column {' or '.join(wanted)}, or one named as the {name}; "
                    f"it has {', '.join(self.header[:8])}"
                )
        return found

    def policies(self) -> dict[str, dict[str, int]]:
        """Return, for each policy with columns ``POLICY:ARM``, the place of each arm's probability."""
        found: dict[str, dict[str, int]] = {}
        for at, name in enumerate(self.header):
            policy, colon, arm = name.partition(":")
            if colon and policy and arm and not is_index(name) and self.is_share(at):
                found.setdefault(policy, {})[arm] = at
        return found

    def is_share(self, column: int) -> bool:
        """Return whether all values of a column are numbers from 0 to 1."""
        values = [_number(row[column]) for row in self.rows]
        return all(value is not None and 0.0 <= value <= 1.0 for value in values)

    def column(self, column: int) -> Sequence[float | str]:
        """Return the values of a column, as numbers if all that are not empty are; "" where one is empty."""
        texts = [row[column] for row in self.rows]
        found: list[float | str] = []
        for text in texts:
            value = _number(text) if text else text
            if value is None:
                return texts
            found.append(value)
        return found

    def number(self, at: int, column: int) -> float:
        """Return a value as a number; raises DataError where it is none."""
        found = _number(self.rows[at][column])
        if found is None:
            name = self.header[column]
            raise DataError(f"{self.where(at)}: {name} must be a number; got {self.rows[at][column]!r}")
        return found


def is_index(name: str) -> bool:
    """Return whether a column only numbers the rows, as pandas writes it: without a name, or unnamed."""
    return not name or name.startswith("Unnamed: ")


def _number(text: str) -> float | None:
    try:
        return finite_number(float(text))
    except ValueError:
        return None
