"""One logged decision with what it earned, and many of them as arrays."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from operators.evaluation.log import Floats, Log
from operators.policies.plans import number

COLUMNS: Final = 64
"""Features the reward model uses; numbers come before words, frequent words before rare ones."""


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


def arms_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return all arms of some rows, of policies given in them too, in the order of their names."""
    named = {arm for row in rows for arm in (row.arm, *row.eligible)}
    return tuple(sorted(named.union(*(arms for row in rows for arms in row.given.values()))))


def log_of(rows: Sequence[Row], arms: Sequence[str]) -> Log:
    """Return the rows as a log, with the whole logged distributions where every row has one."""
    place = {arm: at for at, arm in enumerate(arms)}
    logging = None
    if all(row.logging is not None for row in rows):
        logging = matrix([row.logging or {} for row in rows], arms)
    return Log(
        [row.reward for row in rows],
        [place[row.arm] for row in rows],
        [row.propensity for row in rows],
        [row.visitor for row in rows],
        logging,
    )


def matrix(distributions: Sequence[Mapping[str, float]], arms: Sequence[str]) -> Floats:
    """Return probabilities by arm as rows by arms, 0 where an arm is not named."""
    place = {arm: at for at, arm in enumerate(arms)}
    found = np.zeros((len(distributions), len(arms)))
    for row, each in zip(found, distributions, strict=True):
        for arm, probability in each.items():
            row[place[arm]] = probability
    return found


def features_of(rows: Sequence[Row], most: int = COLUMNS) -> Floats:
    """Return the contexts as numbers, rows by at most ``most`` features.

    Numbers as they are, the mean where missing; of words one column a value, 1 where it is there.
    """
    numbers = dict.fromkeys(
        name for row in rows for name, value in row.context.items() if not isinstance(value, str)
    )
    words = Counter(pair for row in rows for pair in row.context.items() if isinstance(pair[1], str))
    columns = [_filled([row.context.get(name) for row in rows]) for name in numbers]
    columns = [each for each in columns if each.std() > 0.0]
    # a word that everybody has says as little as one that nobody has
    telling = sorted(words, key=lambda pair: (-min(words[pair], len(rows) - words[pair]), pair))
    for name, word in telling[: max(most - len(columns), 0)]:
        if words[name, word] < len(rows):
            columns.append(np.array([float(row.context.get(name) == word) for row in rows]))
    return np.column_stack(columns[:most]) if columns else np.zeros((len(rows), 0))


def _filled(values: Sequence[object]) -> Floats:
    plain = [each if each.__class__ is float else number(each) for each in values]
    found = np.array(plain, dtype=np.float64)
    known = np.isfinite(found)
    return np.where(known, found, found[known].mean() if known.any() else 0.0)
