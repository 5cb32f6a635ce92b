"""Random streams that can be started again: what one shopper draws never depends on another."""

import math
from bisect import bisect
from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

WORD: Final = 1 << 64


class Dice(Random):
    """One generator that is put at the beginning of a named stream before it is used."""

    def restart(self, *key: int) -> "Dice":
        """Put the dice at the beginning of the stream that `key` (numbers from 0 to 2**64 - 1) names."""
        number = 1
        for part in key:
            number = number * WORD + part
        self.seed(number)
        return self

    def count(self, mean: float) -> int:
        """A geometric number from 0 with the given mean."""
        return int(math.log(1.0 - self.random()) / math.log(mean / (1.0 + mean))) if mean > 0 else 0

    def within(self, mean: float, least: float, most: float) -> float:
        """An exponential time of the given mean after `least`, given that it ends before `most`."""
        return self.stretched(self.random(), mean, least, most)

    @staticmethod
    def stretched(uniform: float, mean: float, least: float, most: float) -> float:
        """The time that `within` makes of a number drawn uniformly from 0 to 1."""
        share = 1.0 - math.exp(-(most - least) / mean)
        return least - mean * math.log(1.0 - uniform * share)

    def choose(self, options: Sequence[T], sums: Sequence[float]) -> T:
        """One of `options`, whose weights add up along `sums`, which end with 1."""
        return options[min(bisect(sums, self.random()), len(options) - 1)]


def running(weights: Sequence[float]) -> tuple[float, ...]:
    """The running sums of `weights`, scaled to end with 1.

    >>> running([1, 3])
    (0.25, 1.0)
    """
    total, sums = sum(weights), []
    so_far = 0.0
    for weight in weights:
        so_far += weight
        sums.append(so_far / total)
    return tuple(sums)
