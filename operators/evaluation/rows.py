"""One logged decision with what it earned, and many of them in columns."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import msgspec
import numpy as np
from typing_extensions import override

from operators.evaluation.log import Floats, Ints, Log
from operators.evaluation.mappings import Codes, Mappings, Numbered


class Row(msgspec.Struct, frozen=True):
    """One logged decision and its reward.

    ``eligible`` are the arms that could be chosen. ``logging`` is the distribution it was drawn from, where
    that is known as a whole; ``given`` other policies' distributions, by name. ``at`` orders the rows.
    """

    arm: str
    propensity: float
    reward: float
    visitor: str
    eligible: tuple[str, ...]
    context: Mapping[str, Any]
    at: Any
    logging: Mapping[str, float] | None = None
    given: Mapping[str, Mapping[str, float]] = {}


class _Columns:
    """All fields of rows: 36 bytes a row, its time, and what `Mappings` keeps; names are kept once."""

    def __init__(self) -> None:
        self.arms: Numbered[str] = Numbered()
        self.visitors: Numbered[str] = Numbered()
        self.choices: Numbered[tuple[str, ...]] = Numbered()
        self.arm, self.visitor, self.choice = array("I"), array("I"), array("I")
        self.propensity, self.reward = array("d"), array("d")
        self.at: list[Any] = []
        self.contexts, self.logging, self.given = Mappings(), Mappings(), Mappings()

    def append(self, row: Row) -> None:
        self.arm.append(self.arms.of(row.arm))
        self.visitor.append(self.visitors.of(row.visitor))
        self.choice.append(self.choices.of(row.eligible))
        self.propensity.append(row.propensity)
        self.reward.append(row.reward)
        self.at.append(row.at)
        self.contexts.append(row.context)
        self.logging.append(row.logging or {})
        self.given.append({(name, arm): p for name, arms in row.given.items() for arm, p in arms.items()})

    def close(self) -> None:
        for each in (self.contexts, self.logging, self.given):
            each.close()

    def row(self, place: int) -> Row:
        given: dict[str, dict[str, float]] = {}
        for (name, arm), probability in self.given[place].items():
            given.setdefault(name, {})[arm] = probability
        return Row(
            self.arms.values[self.arm[place]],
            self.propensity[place],
            self.reward[place],
            self.visitors.values[self.visitor[place]],
            self.choices.values[self.choice[place]],
            self.contexts[place],
            self.at[place],
            self.logging[place] or None,
            given,
        )


class Rows(Sequence[Row]):
    """Rows in columns, read as if they were a list; a slice shares the columns of the whole."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._columns = _Columns()
        for row in rows:
            self._columns.append(row)
        self._columns.close()
        self._places: Ints = np.arange(len(self._columns.at), dtype=np.int64)

    def _those(self, places: Ints) -> "Rows":
        found = Rows()
        found._columns, found._places = self._columns, places
        return found

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Rows":
        """Return the rows in columns, as they are if they are so already."""
        return rows if isinstance(rows, cls) else cls(rows)

    def in_order(self) -> "Rows":
        """Return the rows in the order of their times; those of one time stay as they are."""
        at = self._columns.at
        return self._those(np.array(sorted(self._places.tolist(), key=at.__getitem__), dtype=np.int64))

    @override
    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> "Rows": ...

    @override
    def __getitem__(self, at: int | slice) -> "Row | Rows":
        places = self._places[at]
        return self._those(places) if isinstance(at, slice) else self._columns.row(int(places))

    @override
    def __iter__(self) -> Iterator[Row]:
        return map(self._columns.row, self._places)

    def numbers(self) -> Iterator[tuple[str, Floats]]:
        """Return the numbers of the contexts, name by name; not a number where there is none."""
        return self._columns.contexts.numbers(self._places)

    def codes(self) -> Iterator[tuple[str, Codes]]:
        """Return the words of the contexts, name by name, as indices of ``words``."""
        return self._columns.contexts.codes(self._places)

    @property
    def words(self) -> list[str]:
        """The words there are in the contexts of the whole log."""
        return self._columns.contexts.words.values

    def arms(self) -> tuple[str, ...]:
        """Return all arms of the whole log, of policies given in it too, in the order of their names."""
        of = self._columns
        eligible = {arm for arms in of.choices.values for arm in arms}
        given = {arm for (_, arm), _ in of.given.numbers(self._places[:0])}
        return tuple(sorted(eligible.union(of.arms.values, given)))

    def log(self, arms: Sequence[str]) -> Log:
        """Return the rows as a log, with the whole logged distributions where every row has one."""
        of, these = self._columns, self._places
        place = {arm: at for at, arm in enumerate(arms)}
        visitors = np.empty(len(of.visitors.values), dtype=np.int64)
        visitors[np.argsort(np.array(of.visitors.values, dtype=object))] = np.arange(len(visitors))
        return Log(
            np.asarray(of.reward)[these],
            np.array([place[arm] for arm in of.arms.values], dtype=np.int64)[np.asarray(of.arm)[these]],
            np.asarray(of.propensity)[these],
            visitors[np.asarray(of.visitor)[these]],
            self._logging(place),
        )

    def _logging(self, place: Mapping[str, int]) -> Floats | None:
        found = np.zeros((len(self), len(place)))
        for arm, values in self._columns.logging.numbers(self._places):
            found[:, place[arm]] = np.nan_to_num(values)
        return found if found.any(axis=1).all() else None
