"""Anybody's logged bandit data in a CSV file, as rows to evaluate policies on."""

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from flows.logged_decisions import Logged
from operators.evaluation import Row
from operators.policies.columns import number
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


def logged_table(path: Path, named: Mapping[str, str]) -> Logged:
    """Return the rows of a CSV file (plain or .gz) with a header, in the order of their times.

    ``named`` says which column is what where it is not called as in ``NAMES``. Columns ``POLICY:ARM`` are
    the probabilities of a policy to be evaluated. ``eligible`` lists arms with spaces or ``|`` between them,
    else all are; without ``visitor`` each row is a visitor's only one. All other columns are the context, as
    numbers where all their values are; ``position`` is a word. Raises SetupError for what is missing or is
    no number, with the line.
    """
    table = Table(path)
    place = table.places(named)
    policies = table.policies()
    taken = {*place.values(), *(at for arms in policies.values() for at in arms.values())}
    context = {name: at for at, name in enumerate(table.header) if name and at not in taken}
    values = {name: table.column(at) for name, at in context.items()}
    if "position" in place:
        values["position"] = [line[place["position"]] for line in table.lines]
    every = tuple(
        sorted({line[place["arm"]] for line in table.lines} | {a for p in policies.values() for a in p})
    )
    rows = []
    for at, line in enumerate(table.lines):
        arm = line[place["arm"]]
        eligible = tuple(line[place["eligible"]].replace("|", " ").split()) if "eligible" in place else every
        if arm not in eligible:
            raise SetupError(f"{table.where(at)}: eligible must list the arm that was chosen, {arm!r}")
        rows.append(
            Row(
                arm,
                table.number(at, place["propensity"]),
                table.number(at, place["reward"]),
                line[place["visitor"]] if "visitor" in place else str(at),
                eligible,
                {name: column[at] for name, column in values.items() if column[at] != ""},
                line[place["time"]] if "time" in place else at,
                None,
                {name: {a: table.number(at, i) for a, i in arms.items()} for name, arms in policies.items()},
            )
        )
    if "time" in place:
        rows.sort(key=_moment if table.is_number(place["time"]) else lambda row: str(row.at))
    return Logged(rows, {}, [])


class Table:
    """A CSV file as header and lines of equal length."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
                self.header, *self.lines = list(csv.reader(file)) or [[]]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
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
            if colon and policy and arm and self.is_number(at):
                found.setdefault(policy, {})[arm] = at
        return found

    def is_number(self, column: int) -> bool:
        """Return whether all values of a column that are there are finite numbers."""
        return all(_number(line[column]) is not None for line in self.lines if line[column])

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


def _number(text: str) -> float | None:
    try:
        return number(float(text))
    except ValueError:
        return None


def _moment(row: Row) -> float:
    return float(row.at)
