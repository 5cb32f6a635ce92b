"""How far from the usual a reward may be that a policy is trained with: running quantiles with a margin."""

from bisect import bisect_left, insort
from collections import deque
from math import inf
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from operators.bandits import defaults

Bounds: TypeAlias = tuple[float, float]
"""The least and the greatest reward to train with."""
UNBOUNDED: Final[Bounds] = (-inf, inf)


class WinsorSettings(NamedTuple):
    """When a reward is capped, and by what.

    Attributes
    ----------
    quantile
        The upper quantile of recent rewards, above a half and below 1; the lower one is as far from the other
        end. None: no reward is capped.
    margin
        Factor, at least 1, of the distance from the median to the farther of the two quantiles.
    window
        Rewards that the quantiles are of.
    repeats
        How often one value counts among these. Most decisions earn nothing, or what an offer costs; without a
        limit these values would be all that is usual, and every order an outlier.
    varied
        Different values in the window, from which on rewards are capped.
    patience
        Rewards after which they are capped even where there are fewer different ones.
    """

    quantile: float | None = defaults.WINSORIZE
    margin: float = defaults.WINSORIZE_MARGIN
    window: int = 256
    repeats: int = 16
    varied: int = 32
    patience: int = 256


def clip(reward: float, bounds: Bounds) -> float:
    """Return the reward, or the bound that it is beyond."""
    least, greatest = bounds
    if least <= reward <= greatest:
        return reward
    return least if reward < least else greatest


class Winsorizer:
    """Caps rewards at the median of recent ones, plus and minus a multiple of their quantiles' distance.

    A cap lets the mean of heavy-tailed rewards be learned at the rate of light-tailed ones (Bubeck,
    Cesa-Bianchi, Lugosi, 2013, "Bandits With Heavy Tail"). Quantiles stay where they are however great a few
    rewards are, and move with the unit of the reward and with a shift of all. They are exact, from a sorted
    window, and of the rewards as they came: where all rewards rise, the caps have followed once a share of
    1 - quantile of the window is new. Bounded by the window.

    >>> winsorizer = Winsorizer(WinsorSettings(quantile=0.9, margin=4.0))
    >>> for reward in range(41):
    ...     winsorizer.observe(float(reward))
    >>> clip(25.0, winsorizer.bounds()), clip(7000.0, winsorizer.bounds())
    (25.0, 88.0)
    """

    __slots__ = ("counts", "ordered", "recent", "seen", "settings")

    def __init__(self, settings: WinsorSettings) -> None:
        self.settings = settings
        self.seen = 0
        self.recent: deque[float] = deque()
        self.ordered: list[float] = []
        self.counts: dict[float, int] = {}

    def bounds(self) -> Bounds:
        """Return the least and the greatest reward to train with; infinite until enough is known."""
        quantile, margin, _, _, varied, patience = self.settings
        if quantile is None or (len(self.counts) < varied and self.seen < patience):
            return UNBOUNDED
        ordered = self.ordered
        last = len(ordered) - 1
        beyond = max(1, int((1.0 - quantile) * last))
        middle = ordered[last // 2]
        distance = max(ordered[last - beyond] - middle, middle - ordered[beyond]) if last >= beyond else 0.0
        if distance <= 0.0:
            return UNBOUNDED
        return middle - margin * distance, middle + margin * distance

    def observe(self, reward: float) -> None:
        """Count a reward among the recent ones."""
        if self.settings.quantile is None:
            return
        self.seen += 1
        count = self.counts.get(reward, 0)
        if count >= self.settings.repeats:
            return
        self.counts[reward] = count + 1
        self.recent.append(reward)
        insort(self.ordered, reward)
        if len(self.recent) > self.settings.window:
            self._remove(self.recent.popleft())

    def replace(self, before: float, after: float) -> None:
        """Count a reward that changed as what it is now, if it still counts."""
        if before in self.counts and self.counts.get(after, 0) < self.settings.repeats:
            self.recent[self.recent.index(before)] = after
            self._remove(before)
            self.counts[after] = self.counts.get(after, 0) + 1
            insort(self.ordered, after)

    def _remove(self, reward: float) -> None:
        del self.ordered[bisect_left(self.ordered, reward)]
        self.counts[reward] -= 1
        if not self.counts[reward]:
            del self.counts[reward]

    def state(self) -> tuple[Any, ...]:
        """Return everything but the settings in plain types and bytes."""
        return self.seen, np.array(self.recent).tobytes()

    def restore(self, state: tuple[Any, ...]) -> None:
        """Become what gave this ``state()``."""
        self.seen, recent = state
        self.recent = deque(np.frombuffer(recent).tolist())
        self.ordered = sorted(self.recent)
        for reward in self.recent:
            self.counts[reward] = self.counts.get(reward, 0) + 1
