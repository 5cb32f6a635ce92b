"""Whether the worker moves: the watermarks of its partitions, and when an epoch was last sealed."""

import math
from collections.abc import Callable


class Progress:
    """How far the slowest partition is, and since when. Bounded by the partitions.

    ``clock`` tells the time of day, ``elapsed`` seconds that no setting of a clock moves.
    """

    def __init__(self, clock: Callable[[], float], elapsed: Callable[[], float]) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._watermarks: dict[str, float] = {}
        self._watermark_s = -math.inf
        self._moved_s = self._sealed_s = elapsed()

    def opened(self, part: str) -> None:
        """Wait for a partition too."""
        self._watermarks[part] = -math.inf

    def closed(self, part: str) -> None:
        """Wait no longer for a partition."""
        self._watermarks.pop(part, None)
        self._advance()

    def advanced(self, part: str, watermark_s: float) -> None:
        """Take a partition's watermark."""
        before_s = self._watermarks.get(part, -math.inf)
        self._watermarks[part] = watermark_s
        if before_s <= self._watermark_s:
            self._advance()

    def sealed(self) -> None:
        """Note that an epoch was sealed just now."""
        self._sealed_s = self._elapsed()

    def watermark_delay_s(self) -> float:
        """Return the wall clock less the slowest partition's watermark; NaN before all have one."""
        return self._clock() - self._watermark_s if math.isfinite(self._watermark_s) else math.nan

    def watermark_stalled_s(self) -> float:
        """Return the seconds since the slowest partition's watermark moved, or since the start."""
        return self._elapsed() - self._moved_s

    def epoch_age_s(self) -> float:
        """Return the seconds since an epoch was sealed, or since the start."""
        return self._elapsed() - self._sealed_s

    def slowest(self) -> str | None:
        """Return the partition that all others wait for; None while none is open."""
        by_watermark = sorted(self._watermarks.copy().items(), key=lambda item: (item[1], item[0]))
        return by_watermark[0][0] if by_watermark else None

    def _advance(self) -> None:
        watermark_s = min(self._watermarks.values(), default=-math.inf)
        if watermark_s > self._watermark_s:
            self._moved_s = self._elapsed()
        self._watermark_s = watermark_s
