"""The contexts of rows as numbers for the reward model, made anew a block at a time so that none are kept."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from operators.evaluation.log import Floats
from operators.evaluation.mappings import MISSING
from operators.evaluation.rows import Rows

COLUMNS: Final = 64
"""Features the reward model uses; numbers come before words, frequent words before rare ones."""
BLOCK: Final = 16_384
"""Rows that are looked at at once."""


def blocks(size: int) -> Iterator[slice]:
    """Return the slices that so many rows are looked at in."""
    return (slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))


class Features:
    """Rows by at most ``most`` features; a slice of them is a matrix.

    Numbers as they are, the mean where missing; of words one column a value, 1 where it is there.
    """

    def __init__(self, rows: Rows, most: int = COLUMNS) -> None:
        self._rows = rows
        self._means: dict[str, float] = {}
        for name, values in rows.numbers():
            known = values[np.isfinite(values)]
            if known.size and np.ptp(known) > 0.0 and len(self._means) < most:
                self._means[name] = float(known.mean())
        counts: dict[tuple[str, str], int] = {}
        codes_of: dict[tuple[str, str], int] = {}
        for name, codes in rows.codes():
            for code, count in zip(*np.unique(codes[codes != MISSING], return_counts=True), strict=True):
                counts[name, rows.words[code]] = int(count)
                codes_of[name, rows.words[code]] = int(code)
        # a word that everybody has says as little as one that nobody has
        telling = sorted(counts, key=lambda pair: (-min(counts[pair], len(rows) - counts[pair]), pair))
        said = [pair for pair in telling[: most - len(self._means)] if counts[pair] < len(rows)]
        self._words = [(name, codes_of[name, word]) for name, word in said]

    def __getitem__(self, these: slice) -> Floats:
        """Return the features of some rows."""
        rows = self._rows[these]
        found = np.zeros((len(rows), len(self._means) + len(self._words)))
        places = {name: at for at, name in enumerate(self._means)}
        for name, values in rows.numbers():
            if name in places:
                found[:, places[name]] = np.where(np.isfinite(values), values, self._means[name])
        codes = dict(rows.codes())
        for at, (name, code) in enumerate(self._words, len(places)):
            found[:, at] = codes[name] == code
        return found
