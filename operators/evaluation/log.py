"""Logged decisions as arrays: the arm of each row, its probability, and what it earned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from schemas.errors import SetupError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = 1e-6
"""How far the sum of a row's probabilities may be from one."""


class Log:
    """Logged decisions.

    Parameters
    ----------
    rewards
        What each row earned, (rows,).
    arms
        The index of the chosen arm, (rows,).
    propensities
        The probability with which it was drawn, above 0 and at most 1, (rows,).
    clusters
        Which rows are not independent, by visitor: any values, (rows,); each row by itself if left out. Kept
        as numbers from zero.
    logging
        The whole distribution that the arm was drawn from, (rows, arms), where it is known.

    Raises
    ------
    SetupError
        For arrays of other shapes or values.
    """

    def __init__(
        self,
        rewards: ArrayLike,
        arms: ArrayLike,
        propensities: ArrayLike,
        clusters: Sequence[Any] | NDArray[Any] | None = None,
        logging: ArrayLike | None = None,
    ) -> None:
        self.rewards: Floats = np.asarray(rewards, dtype=np.float64)
        given = np.asarray(arms)
        if given.dtype.kind not in "iuf":
            raise SetupError(f"arms must be whole numbers from 0; got {given.dtype}")
        self.propensities: Floats = np.asarray(propensities, dtype=np.float64)
        self.size = len(self.rewards)
        names = np.arange(self.size) if clusters is None else np.asarray(clusters)
        if not len(given) == len(self.propensities) == len(names) == self.size:
            lengths = (self.size, len(given), len(self.propensities), len(names))
            raise SetupError(f"rewards, arms, propensities, clusters must be equally long; got {lengths}")
        if self.size == 0:
            raise SetupError("a log must have at least one row; got none")
        if not np.isfinite(self.rewards).all():
            raise SetupError(
                f"rewards must be finite numbers; row {_first(~np.isfinite(self.rewards))} is not"
            )
        if (wrong := ~((given >= 0) & (given % 1 == 0))).any():
            raise SetupError(f"arms must be whole numbers from 0; row {_first(wrong)} is not")
        self.arms: Ints = given.astype(np.int64)
        if (wrong := ~((self.propensities > 0) & (self.propensities <= 1))).any():
            first = _first(wrong)
            raise SetupError(
                f"propensities must be above 0 and at most 1; row {first} has {self.propensities[first]}"
            )
        _, found = np.unique(names, return_inverse=True)
        self.clusters: Ints = found.astype(np.int64)
        self.logging = None if logging is None else distribution(logging, self, "logging")

    def of_chosen(self, matrix: Floats) -> Floats:
        """Return the entry of the chosen arm in each row of a matrix, (rows, arms), as (rows,)."""
        return matrix[np.arange(self.size), self.arms]

    def weights(self, target: Floats) -> Floats:
        """Return the importance weights, (rows,): the target's probability of the arm over the logged one."""
        return self.of_chosen(target) / self.propensities


def distribution(matrix: ArrayLike, log: Log, name: str = "target") -> Floats:
    """Return probabilities, (rows, arms), as floats.

    Raises SetupError where a row is missing, has a negative entry or does not sum to one.
    """
    found = matrix_of(matrix, log, name)
    wrong: NDArray[np.bool_] = (found < 0).any(axis=1) | (np.abs(found.sum(axis=1) - 1.0) > TOLERANCE)
    if wrong.any():
        row = _first(wrong)
        raise SetupError(f"each row of {name} must be probabilities that sum to 1; row {row} is {found[row]}")
    return found


def matrix_of(matrix: ArrayLike, log: Log, name: str) -> Floats:
    """Return finite numbers, (rows, arms), as floats; SetupError for any other shape or content."""
    found: Floats = np.asarray(matrix, dtype=np.float64)
    least = int(log.arms.max()) + 1
    if found.ndim != 2 or len(found) != log.size or found.shape[1] < least:
        raise SetupError(f"{name} must have {log.size} rows and {least} or more arms; got {found.shape}")
    wrong = np.asarray(~np.isfinite(found).all(axis=1))
    if wrong.any():
        raise SetupError(f"{name} must be finite; row {_first(wrong)} is not")
    return found


def _first(wrong: NDArray[np.bool_]) -> int:
    return int(np.argmax(wrong))
