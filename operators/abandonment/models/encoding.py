"""Plain features made fit for online models in one pass: numbers scaled, words one-hot, gaps left out."""

from math import inf, log1p
from typing import Final

from operators.abandonment.models.base import Features
from operators.abandonment.models.number_statistics import BINS, NumberStatistics, signed_log1p

BIAS: Final = "1"
CONSTANT: Final = 3.0
"""Large, and so learned soon: a rare outcome is far from the even odds one begins with."""
REACH: Final = 4.0
"""No scaled number is further from 0, so that an outlier moves no weight far."""
DIFFERENCE_SCALE: Final = 2.0
"""Large for the same reason as the constant."""
NEGLIGIBLE: Final = 1e-9
"""A number of two values has this difference at most: its log is a linear function of it."""
OFTEN: Final = 0.95
"""A number seen in a smaller share of the updates also says that it is there."""


OWN_WORDS: Final = 24
"""Each feature may have so many words whatever the limit of all."""


class Encoder:
    """Running means and deviations of the numbers, and the words seen so far, kept apart from any model.

    Numbers pass through a signed log1p first, since money, counts and seconds have heavy tails; what that
    changes is a second feature, from which a linear model learns to undo it, or to go further. Means follow
    drift over the last ``memory`` updates. Names and words beyond the first ``limit`` are ignored, which
    bounds this state and that of every model behind it; so are the words of one name beyond a sixteenth of
    that, so that a feature of addresses or of junk takes no room from the others.

    River's ``StandardScaler`` and ``OneHotEncoder`` have no gaps, bound or log, and learn half as fast.
    """

    __slots__ = ("limit", "memory", "numbers", "own", "updates", "words")

    def __init__(self, limit: int = 4_096, memory: int = 20_000) -> None:
        self.limit = limit
        self.memory = memory
        self.updates = 0
        self.numbers: dict[str, NumberStatistics] = {}
        self.own: dict[str, int] = {}
        self.words: dict[str, None] = {}  # a set would be pickled in another order by every process

    def learn(self, x: Features) -> None:
        """Learn the numbers and words of one outcome's features."""
        self.updates += 1
        numbers, limit, memory = self.numbers, self.limit, self.memory
        for name, value in x.items():
            if value.__class__ is str:
                if len(self.words) < limit and f"{name}={value}" not in self.words:
                    own = self.own.get(name, 0)
                    if own < max(OWN_WORDS, limit // 16):
                        self.own[name] = own + 1
                        self.words[f"{name}={value}"] = None
                continue
            if value is None:
                continue
            if value.__class__ is not float:
                value = float(value)  # noqa: PLW2901 - a Decimal is not subtracted from a float
            logged = log1p(value) if value >= 0 else -log1p(-value)
            if logged - logged != 0.0:  # infinite or not a number
                continue
            known = numbers.get(name)
            if known is not None:
                known.update(value, logged, memory)
            elif len(numbers) < limit:
                numbers[name] = NumberStatistics(name, value)

    def scaled(self, x: Features) -> dict[str, float]:
        """The features as a linear model reads them, each between -4 and 4, with a constant.

        What the log did to the number ``n``, twice as large, is named ``n~``; that ``n`` is there, ``n?``.
        """
        out = {BIAS: CONSTANT}
        numbers, words = self.numbers, self.words
        often = OFTEN * self.updates
        for name, value in x.items():
            if value.__class__ is str:
                word = f"{name}={value}"
                if word in words:
                    out[word] = 1.0
                continue
            known = numbers.get(name)
            if known is None or value is None:
                continue
            if value.__class__ is not float:
                value = float(value)  # noqa: PLW2901 - as above
            z = ((log1p(value) if value >= 0 else -log1p(-value)) - known.mean) * known.scale
            raw = (value - known.raw_mean) * known.raw_scale
            if not -REACH < z < REACH:
                if z != z:  # noqa: PLR0124 - true for what is not a number, and the quickest way to ask
                    continue
                z = REACH if z > 0 else -REACH
            raw = raw if -REACH < raw < REACH else REACH if raw > 0 else -REACH
            out[name] = z
            gap = DIFFERENCE_SCALE * (raw - z)
            if not -NEGLIGIBLE < gap < NEGLIGIBLE:
                out[known.difference_name] = gap if -REACH < gap < REACH else REACH if gap > 0 else -REACH
            if known.count < often:
                out[known.presence_name] = 1.0
        return out

    def plain(self, x: Features) -> dict[str, float | str]:
        """The features as a tree reads them: finite numbers and known words, nothing else."""
        out: dict[str, float | str] = {}
        numbers, words = self.numbers, self.words
        for name, value in x.items():
            if value.__class__ is str:
                if f"{name}={value}" in words:
                    out[f"{name}="] = value  # never the name of a number: a tree keeps one kind to a name
            elif value is not None and name in numbers and -inf < value < inf:
                out[name] = signed_log1p(value)
        return out

    def binned(self, x: Features) -> dict[str, float]:
        """The features as names that are on: each number's bin (half a deviation wide), each known word."""
        out: dict[str, float] = {}
        numbers, words = self.numbers, self.words
        for name, value in x.items():
            if value.__class__ is str:
                word = f"{name}={value}"
                if word in words:
                    out[word] = 1.0
                continue
            known = numbers.get(name)
            if known is None or value is None:
                continue
            z = ((log1p(value) if value >= 0 else -log1p(-value)) - known.mean) * known.scale
            if z == z:  # noqa: PLR0124 - false for what is not a number, and the quickest way to ask
                place = BINS // 2 + 2.0 * z
                out[known.bin_names[int(place) if 0 < place < BINS else 0 if place <= 0 else BINS]] = 1.0
        return out
