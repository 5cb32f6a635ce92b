"""Whether the mean of one figure moved to another level, both certainly and far."""

from typing import NamedTuple

from river import drift


class LevelSettings(NamedTuple):
    """When a level has moved.

    The first ``warm_up`` values set it. ``delta`` is ADWIN's probability of a false alarm; the mean of at
    least ``least_width`` values must be ``least_shift`` from the level.
    """

    warm_up: int = 500
    delta: float = 1e-4
    least_shift: float = 0.1
    least_width: int = 50


class LevelDetector:
    """River's ADWIN (Bifet and Gavalda 2007) over one figure between 0 and 1, compared with a level.

    ADWIN alone reports every certain change however small, and a slow one step by step: a change is reported
    once ADWIN found one since the level was set and the mean of what came after it is far from the level.
    With ``only_up`` a fall sets the level and is not reported. Bounded by ADWIN's window, whose buckets grow
    with the logarithm of the values.
    """

    __slots__ = ("adwin", "has_moved", "level", "only_up", "seen", "settings")

    def __init__(self, settings: LevelSettings, only_up: bool = False) -> None:
        self.settings = settings
        self.adwin = drift.ADWIN(delta=settings.delta)
        self.level: float | None = None
        self.has_moved = False
        self.only_up = only_up
        self.seen = 0

    def update(self, value: float) -> tuple[float, float] | None:
        """The levels before and after, when this value makes a change certain."""
        adwin, settings = self.adwin, self.settings
        adwin.update(value)
        self.seen += 1
        if self.seen == settings.warm_up:
            self._set_level()
        elif adwin.drift_detected:
            self.has_moved = True
            return None  # ADWIN forgets what came before with the next value
        if self.level is None or not self.has_moved or adwin.width < settings.least_width:
            return None
        before, after = self.level, adwin.estimation
        if abs(after - before) < settings.least_shift:
            return None
        self._set_level()
        return None if self.only_up and after < before else (before, after)

    def _set_level(self) -> None:
        self.level, self.has_moved = self.adwin.estimation, False
