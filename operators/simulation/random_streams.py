"""Random streams that can be restarted: the draws of one shopper never depend on those of another."""

import math
from bisect import bisect
from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

WORD: Final = 1 << 64


class RandomStream(Random):
    """A generator that is put at the beginning of a named stream before it is used."""

    def restart(self, *key: int) -> "RandomStream":
        """Go to the beginning of the stream named by ``key``, numbers from 0 to 2**64 - 1; return itself."""
        number = 1
        for part in key:
            number = number * WORD + part
        self.seed(number)
        return self

    def geometric(self, mean: float) -> int:
        """Return a geometric number from 0 with the given mean."""
        return int(math.log(1.0 - self.random()) / math.log(mean / (1.0 + mean))) if mean > 0 else 0

    def truncated_exponential(self, mean: float, least: float, most: float) -> float:
        """Return ``least`` plus an exponential number of the given mean, conditional on at most ``most``."""
        return self.truncated_exponential_quantile(self.random(), mean, least, most)

    @staticmethod
    def truncated_exponential_quantile(uniform: float, mean: float, least: float, most: float) -> float:
        """Return the quantile of ``truncated_exponential`` at ``uniform``, from 0 to 1."""
        share = 1.0 - math.exp(-(most - least) / mean)
        return least - mean * math.log(1.0 - uniform * share)

    def weighted_choice(self, options: Sequence[T], cumulative: Sequence[float]) -> T:
        """Return one of ``options``, given the cumulative sums of their weights, which end with 1."""
        return options[min(bisect(cumulative, self.random()), len(options) - 1)]


def cumulative_shares(weights: Sequence[float]) -> tuple[float, ...]:
    """Return the cumulative sums of ``weights``, scaled to end with 1.

    >>> cumulative_shares([1, 3])
    (0.25, 1.0)
    """
    total, sums = sum(weights), []
    so_far = 0.0
    for weight in weights:
        so_far += weight
        sums.append(so_far / total)
    return tuple(sums)
