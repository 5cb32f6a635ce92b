"""The contexts of rows as numbers for the reward model, computed block by block so that none are kept."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from operators.evaluation.log import Floats
from operators.evaluation.mapping_columns import MISSING
from operators.evaluation.rows import Rows

MAX_FEATURES: Final = 64
BLOCK: Final = 16_384
"""Rows that are in memory as features at once; it changes no figure."""


def blocks(size: int) -> Iterator[slice]:
    """Return slices of at most ``BLOCK`` rows that cover so many rows."""
    return (slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))


class ContextFeatures:
    """Rows by features; a slice of them is a matrix.

    Numbers are taken as they are, with the mean where one is missing; a word is one column, 1 where the
    context has it.

    Parameters
    ----------
    rows
        The rows whose contexts are encoded.
    max_features
        The greatest number of columns: numbers come before words, and words that half of the rows have before
        those that nearly all or nearly none have.
    """

    def __init__(self, rows: Rows, max_features: int = MAX_FEATURES) -> None:
        self._rows = rows
        self._means: dict[str, float] = {}
        for name, values in rows.numbers():
            known = values[np.isfinite(values)]
            if known.size and np.ptp(known) > 0.0 and len(self._means) < max_features:
                self._means[name] = float(known.mean())
        counts: dict[tuple[str, str], int] = {}
        codes_of: dict[tuple[str, str], int] = {}
        for name, codes in rows.codes():
            for code, count in zip(*np.unique(codes[codes != MISSING], return_counts=True), strict=True):
                counts[name, rows.words[code]] = int(count)
                codes_of[name, rows.words[code]] = int(code)
        # a word that every row has says as little as one that no row has
        ranked = sorted(counts, key=lambda pair: (-min(counts[pair], len(rows) - counts[pair]), pair))
        best = [pair for pair in ranked[: max_features - len(self._means)] if counts[pair] < len(rows)]
        self._words = [(name, codes_of[name, word]) for name, word in best]

    def __getitem__(self, these: slice) -> Floats:
        """Return the features of some rows, (rows, features)."""
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
