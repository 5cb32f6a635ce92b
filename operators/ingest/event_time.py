"""How far event time has come in one source partition, whatever a minority of clocks claims."""

from collections.abc import Iterable

from operators.streaming.watermark import NEVER


class RobustTime:
    """The median of the latest event times of the last ``visitors`` distinct visitors; it never goes back.

    A maximum follows the fastest clock: one visitor four minutes ahead makes everybody else late. The median
    is moved only where half of the visitors are wrong in the same direction; where each is wrong with
    probability 1/5, that has a probability of 1e-7 for 64 visitors (binomial tail). It lags the maximum by
    the time in which half as many distinct visitors come. It is computed for the first time when enough
    visitors, or sixteen times as many events, have come, and anew after a quarter as many events. A function
    of the events in offset order alone. Bounded by ``visitors`` numbers.

    >>> time = RobustTime(visitors=3)
    >>> for visitor, at_s in ((1, 10.0), (2, 11.0), (3, 999.0)): time.observe(visitor, at_s)
    >>> time.time_s
    11.0
    """

    __slots__ = ("_every", "_few", "_latest_s", "_observed", "_visitors", "time_s")

    def __init__(
        self,
        *,
        visitors: int,
        latest: Iterable[tuple[int, float]] = (),
        observed: int = 0,
        time_s: float = NEVER,
    ) -> None:
        self._visitors = visitors
        self._every = max(1, visitors // 4)
        self._few = 16 * visitors
        self._latest_s: dict[int, float] = dict(latest)
        self._observed = observed
        self.time_s = time_s

    def observe(self, visitor: int, at_s: float) -> None:
        """Take one event of a visitor, known by ``hash_of``, in offset order; the one read last counts."""
        latest_s = self._latest_s
        latest_s.pop(visitor, None)
        latest_s[visitor] = at_s
        if len(latest_s) > self._visitors:
            del latest_s[next(iter(latest_s))]
        self._observed += 1
        if self._observed % self._every:
            return
        if len(latest_s) == self._visitors or self._observed >= self._few:
            times_s = sorted(latest_s.values())
            self.time_s = max(self.time_s, times_s[(len(times_s) - 1) // 2])

    def state(self) -> tuple[list[tuple[int, float]], int, float]:
        """Return what is remembered: latest times by visitor, events observed, the time."""
        return list(self._latest_s.items()), self._observed, self.time_s
