"""Plain features made fit for linear models in one pass: numbers scaled, words one-hot, gaps left out."""

from math import inf, log1p, sqrt
from typing import Final

from operators.abandonment.models.base import Features

BIAS: Final = "1"
CONSTANT: Final = 3.0
LIMIT: Final = 4_096
MEMORY: Final = 20_000
LEAST: Final = 1 / MEMORY
REACH: Final = 4.0
BENT: Final = 2.0
NOUGHT: Final = 1e-9
MOST: Final = 1e100  # what is larger counts as this, so that its square is still a number
BINS: Final = 14

# A number's statistics: values seen; then mean, variance and one over the deviation (0.0 while it never
# changed) of the squeezed number, and the same three of the number as it is.
Statistics = list[float]


def squeezed(value: float) -> float:
    """A number with its heavy tail drawn in: a signed log1p."""
    return log1p(value) if value >= 0 else -log1p(-value)


class Encoder:
    """Running means and deviations of the numbers, and the words met so far.

    Numbers are squeezed by a signed log1p first, since money, counts and seconds have heavy tails; how far
    that bends them is a second feature, from which a linear model learns to undo it, or to bend further. A
    number that is often missing also says that it is there. Means follow drift over the last 20,000 lessons.
    Names and words beyond the first 4,096 are ignored, which bounds this state and that of every model
    behind it.
    """

    __slots__ = ("lessons", "numbers", "words")

    def __init__(self) -> None:
        self.lessons = 0
        self.numbers: dict[str, Statistics] = {}
        self.words: dict[str, None] = {}  # a set would be pickled in another order by every process

    def learn(self, x: Features) -> None:
        """Take the numbers and words of one lesson into account."""
        self.lessons += 1
        numbers = self.numbers
        for name, value in x.items():
            if value.__class__ is str:
                if len(self.words) < LIMIT:
                    self.words.setdefault(f"{name}={value}")
                continue
            if value is None:
                continue
            value = float(value)  # noqa: PLW2901 - a Decimal is not subtracted from a float
            number = log1p(value) if value >= 0 else -log1p(-value)
            if number - number != 0.0:  # infinite or not a number
                continue
            known = numbers.get(name)
            if known is None:
                if len(numbers) < LIMIT:
                    numbers[name] = [1.0, number, 0.0, 0.0, min(max(value, -MOST), MOST), 0.0, 0.0]
                continue
            known[0] = seen = known[0] + 1.0
            rate = 1.0 / seen if seen < MEMORY else LEAST
            change = number - known[1]
            known[1] += rate * change
            known[2] = variance = (1.0 - rate) * (known[2] + rate * change * change)
            known[3] = 1.0 / sqrt(variance) if variance > 1e-18 else 0.0
            change = (value if -MOST < value < MOST else MOST if value > 0.0 else -MOST) - known[4]
            known[4] += rate * change
            known[5] = variance = (1.0 - rate) * (known[5] + rate * change * change)
            known[6] = 1.0 / sqrt(variance) if variance > 1e-18 else 0.0

    def scaled(self, x: Features) -> dict[str, float]:
        """The features as a linear model reads them, each between -4 and 4, with a constant.

        The constant is large, and so learned soon: a rare outcome is far from the even odds one begins with.
        What squeezing did to a number, twice as large for the same reason, is named after it with a ``~``.
        """
        out = {BIAS: CONSTANT}
        numbers, words = self.numbers, self.words
        often = 0.95 * self.lessons
        for name, value in x.items():
            if value.__class__ is str:
                word = f"{name}={value}"
                if word in words:
                    out[word] = 1.0
                continue
            known = numbers.get(name)
            if known is None or value is None:
                continue
            seen, mean, _, scale, plain_mean, _, plain_scale = known
            value = float(value)  # noqa: PLW2901 - as above
            z = ((log1p(value) if value >= 0 else -log1p(-value)) - mean) * scale
            plain = (value - plain_mean) * plain_scale
            if not -REACH < z < REACH:
                if z != z:  # noqa: PLR0124 - true for what is not a number, and the quickest way to ask
                    continue
                z = REACH if z > 0 else -REACH
            if not -REACH < plain < REACH:
                plain = REACH if plain > 0 else -REACH
            out[name] = z
            bent = BENT * (plain - z)
            if not -NOUGHT < bent < NOUGHT:  # a number of two values is not bent
                out[f"{name}~"] = bent if -REACH < bent < REACH else REACH if bent > 0 else -REACH
            if seen < often:
                out[f"{name}?"] = 1.0
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
                out[name] = squeezed(value)
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
            z = ((log1p(value) if value >= 0 else -log1p(-value)) - known[1]) * known[3]
            if z == z:  # noqa: PLR0124 - false for what is not a number, and the quickest way to ask
                place = BINS // 2 + 2.0 * z
                out[f"{name}:{int(place) if 0 < place < BINS else 0 if place <= 0 else BINS}"] = 1.0
        return out
