"""The steps in which watermarks move, and whose turn it is: shards are told in turn, not all at once.

Every shard is told once in ``STEP_S``, each at its own place in it: a slow stream does not wake every shard,
and a fast one wakes few at a time.
"""

import math
from collections.abc import Sequence
from typing import Final

from operators.streaming.ids import SHARDS

STEP_S: Final = 1.0
TURN_S: Final = STEP_S / SHARDS
"""A binary fraction of a second, so that sums of turns are exact."""


def in_steps(watermark_s: float, step_s: float = STEP_S) -> float:
    """Return a watermark in whole steps."""
    return math.floor(watermark_s / step_s) * step_s if math.isfinite(watermark_s) else watermark_s


def whose_turn(before_s: float, watermark_s: float) -> Sequence[int]:
    """Return the shards whose turn comes after one watermark and up to the next, both in turns.

    >>> whose_turn(10.0, 10.0 + 2 * TURN_S), len(whose_turn(10.0, 11.5))
    ([1, 2], 64)
    """
    if watermark_s - before_s >= STEP_S:
        return range(SHARDS)
    return [turn % SHARDS for turn in range(int(before_s / TURN_S) + 1, int(watermark_s / TURN_S) + 1)]


def watermark_of(shard: int, watermark_s: float) -> float:
    """Return the time of a shard's latest turn up to a watermark.

    >>> watermark_of(0, 10.5), watermark_of(32, 10.5), watermark_of(33, 10.5)
    (10.0, 10.5, 9.515625)
    """
    if not math.isfinite(watermark_s):
        return watermark_s
    return watermark_s - (watermark_s - shard * TURN_S) % STEP_S
