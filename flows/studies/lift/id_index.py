"""Where each of some hashed ids stands in a column of them."""

from array import array

import numpy as np
from numpy.typing import NDArray

from operators.experiments.lift.units import Flags


class IdIndex:
    """An index of a column of ids; ``has_duplicates`` says whether an id stands there twice.

    >>> index = IdIndex(array("Q", [30, 10, 20]))
    >>> places, known = index.places(array("Q", [10, 99, 30]))
    >>> places.tolist(), known.tolist()
    ([1, 0], [True, False, True])
    """

    def __init__(self, column: "array[int]") -> None:
        ids = np.asarray(column)
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]
        self.has_duplicates = bool((self._sorted[1:] == self._sorted[:-1]).any())

    def places(self, column: "array[int]") -> tuple[NDArray[np.intp], Flags]:
        """Return the places of those ids that the index has, and which of them it has."""
        ids = np.asarray(column)
        if not self._sorted.size:
            return np.zeros(0, dtype=np.intp), np.zeros(ids.size, dtype=bool)
        place = np.minimum(np.searchsorted(self._sorted, ids), self._sorted.size - 1)
        known = self._sorted[place] == ids
        return self._order[place[known]], known


def hashed(identity: str) -> int:
    """Return an id as 64 bits; it differs from process to process."""
    return hash(identity) & 0xFFFF_FFFF_FFFF_FFFF
