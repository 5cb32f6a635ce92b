"""The rows of a log in columns, read as if they were a list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload

import numpy as np
from typing_extensions import override

from operators.evaluation.log import Floats, Ints, Log
from operators.evaluation.mapping_columns import Codes
from operators.evaluation.row import Row
from operators.evaluation.row_columns import RowColumns


class Rows(Sequence[Row]):
    """A sequence of rows that keeps columns; a slice shares the columns of the whole.

    Parameters
    ----------
    rows
        The rows, each of which can be dropped as soon as the next one is asked for.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._columns = RowColumns()
        for row in rows:
            self._columns.append(row)
        self._columns.close()
        self._places: Ints = np.arange(len(self._columns.at), dtype=np.int64)

    def _at(self, places: Ints) -> "Rows":
        found = Rows()
        found._columns, found._places = self._columns, places
        return found

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Rows":
        """Return the rows in columns, the same object if they already are."""
        return rows if isinstance(rows, cls) else cls(rows)

    def in_order(self) -> "Rows":
        """Return the rows sorted by time; rows of one time keep their order."""
        at = self._columns.at
        return self._at(np.array(sorted(self._places.tolist(), key=at.__getitem__), dtype=np.int64))

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
        return self._at(places) if isinstance(at, slice) else self._columns.row(int(places))

    @override
    def __iter__(self) -> Iterator[Row]:
        return map(self._columns.row, self._places)

    def numbers(self) -> Iterator[tuple[str, Floats]]:
        """Return the numbers of the contexts by name, (rows,) each, NaN where there is none."""
        return self._columns.contexts.numbers(self._places)

    def codes(self) -> Iterator[tuple[str, Codes]]:
        """Return the words of the contexts by name, (rows,) each, as indices of ``words``."""
        return self._columns.contexts.codes(self._places)

    @property
    def words(self) -> list[str]:
        """All words in the contexts of the whole log."""
        return self._columns.contexts.words.values

    def arms(self) -> tuple[str, ...]:
        """Return all arms of the whole log, those of other policies in it included, in alphabetical order."""
        of = self._columns
        eligible = {arm for arms in of.choices.values for arm in arms}
        others = {arm for (_, arm), _ in of.policies.numbers(self._places[:0])}
        return tuple(sorted(eligible.union(of.arms.values, others)))

    def log(self, arms: Sequence[str]) -> Log:
        """Return the rows as a log over these arms, clustered by visitor.

        It has the whole logged distributions if every row has one.
        """
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
