"""One Bayesian linear regression an arm, all in a few arrays, tied by a regression over all arms."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from operators.policies.columns import Columns, Context, widest

Floats = NDArray[np.float64]

everyone: Final = 0
newcomer: Final = 1
block: Final = 32
by_row: Final = ("products", "inverse", "sums", "squares")
arrays: Final = (*by_row, "priors", "span")


class Belief(NamedTuple):
    """What is believed of some arms in one context: mean reward and the standard deviation of that mean."""

    means: list[float]
    deviations: list[float]


class Ties(NamedTuple):
    """How much an arm is like the others, in lessons' worth of evidence; and how much is remembered.

    ``slope`` is multiplied by the number of columns: together they may move an arm as far as the noise does.
    """

    intercept: float = 5.0
    slope: float = 1.0
    noise: float = 4.0
    keep: float = 1.0


class Arms:
    """Normal-inverse-gamma regressions: row 0 is fitted on all lessons, row 1 is an arm without any.

    An arm's prior is centred on the regression over all arms; its noise is learned and shrunk to the noise
    of all arms. The sums of products are kept unscaled, in the units of the features, so a feature whose
    scale is better known later does not spoil them: scales and means (both read from row 0) only shape the
    prior, which is renewed whenever the number of lessons has doubled. Every posterior quantity is linear
    or quadratic in the rewards, so a reward corrected later gives what would have been learned from it at
    once. Uncertainties follow the learned noise, so the unit of the reward does not matter.

    Bounded by the room of the columns, and by whoever lets arms leave.
    """

    def __init__(self, columns: Columns, ties: Ties) -> None:
        self.columns = columns
        self.ties = ties
        self.rows: dict[int | str, int] = {}
        self.lessons = 0
        self.due = 2
        self.span = np.zeros(8)
        self.products = np.zeros((2, 8, 8))
        self.inverse = np.zeros((2, 8, 8))
        self.priors = np.zeros((2, 8, 8))
        self.sums = np.zeros((2, 8))
        self.squares = np.zeros(2)
        self._fitted: tuple[Floats, Floats, Floats] | None = None
        self._renew()

    def believe(self, arms: Iterable[int | str], context: Context) -> Belief:
        """What is believed of these arms; an arm never learned is believed to be like the rest."""
        weights, noise, _ = self._fitted if self._fitted is not None else self._fit()
        x = self.columns.row(context, len(self.span))
        means = (weights @ x).tolist()
        deviations = np.sqrt(np.abs(np.matmul(self.inverse, x) @ x * noise)).tolist()
        rows = [self.rows.get(arm, newcomer) for arm in arms]
        return Belief([means[row] for row in rows], [deviations[row] for row in rows])

    def noise(self) -> float:
        """The variance of rewards that no arm's regression explains, over all lessons."""
        _, noise, lessons = self._fitted if self._fitted is not None else self._fit()
        return float(noise[2:] @ lessons[2:]) / max(float(lessons[everyone]), 1.0)

    def learn(self, arm: int | str, context: Context, reward: float) -> None:
        """One lesson for the arm and for all arms together."""
        before = self.columns.size
        self.columns.learn(context)
        if self.columns.size > len(self.span):
            self._widen(-(-self.columns.size // 8) * 8 - len(self.span))
        x = self.columns.row(context, len(self.span))
        np.maximum(self.span, np.abs(x), out=self.span)
        for column in range(before, self.columns.size):
            prior = self._slope() * x[column] ** 2
            self.priors[:, column, column] = prior
            self.inverse[:, column, column] = 1.0 / prior
        row = self.rows.get(arm)
        if row is None:
            row = self._enter(arm)
        outer = x[:, None] * x
        for each in (everyone, row):
            self.products[each] += outer
            spread = self.inverse[each] @ x
            self.inverse[each] -= spread[:, None] * (spread / (1.0 + spread @ x))
        self._add(row, x, reward, reward * reward)
        self.lessons += 1
        if self.ties.keep < 1.0 and self.lessons % block == 0:
            for name in ("products", "sums", "squares"):
                setattr(self, name, getattr(self, name) * self.ties.keep**block)
            self._renew()
        if self.lessons >= self.due:
            self.due = 2 * self.lessons
            self._renew()

    def correct(self, arm: int | str, context: Context, lesson: int, reward: float, change: float) -> None:
        """What ``lesson`` taught of the arm as ``reward`` is taught as ``reward + change`` instead."""
        row = self.rows.get(arm)
        if row is not None:
            weight = self.ties.keep ** (block * (self.lessons // block - lesson // block))
            x = self.columns.row(context, len(self.span))
            self._add(row, x, weight * change, weight * change * (2.0 * reward + change))

    def _add(self, row: int, x: Floats, reward: float, square: float) -> None:
        for each in (everyone, row):
            self.sums[each] += reward * x
            self.squares[each] += square
        self._fitted = None

    def _fit(self) -> tuple[Floats, Floats, Floats]:
        """Weights, noise variance and lessons of every row, kept until the next lesson."""
        lessons = self.products[:, 0, 0]
        shared = self.inverse[everyone] @ self.sums[everyone]
        shift = self.priors[newcomer] @ shared
        evidence = self.sums + shift
        evidence[everyone] -= shift
        weights = np.matmul(self.inverse, evidence[:, :, None])[:, :, 0]
        misfit = self.squares + shared @ shift - (weights * evidence).sum(axis=1)
        misfit[everyone] -= shared @ shift
        np.maximum(misfit, 0.0, out=misfit)
        total = lessons[everyone]
        # before anything is known of the noise, rewards differ from nothing by as much as they are
        common = (misfit[everyone] + self.squares[everyone] / max(total, 1.0)) / (total + 1.0)
        noise = (misfit + self.ties.noise * common) / (lessons + self.ties.noise)
        self._fitted = weights, noise, lessons
        return self._fitted

    def leave(self, arm: int | str) -> None:
        """Forgets the arm; what it taught of all arms together stays."""
        gone = self.rows.pop(arm)
        self.rows = {name: row - (row > gone) for name, row in self.rows.items()}
        for name in by_row:
            setattr(self, name, np.delete(getattr(self, name), gone, axis=0))
        self._fitted = None

    def _enter(self, arm: int | str) -> int:
        row = self.rows[arm] = len(self.sums)
        for name in by_row:
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, old[newcomer : newcomer + 1]]))
        return row

    def _slope(self) -> float:
        return self.ties.slope * max(1, self.columns.size - 1)

    def _widen(self, more: int) -> None:
        for name, axes in (("span", 0), ("sums", 1), ("products", 2), ("inverse", 2), ("priors", 2)):
            old = getattr(self, name)
            setattr(
                self, name, np.pad(old, [(0, 0)] * (old.ndim - max(axes, 1)) + [(0, more)] * max(axes, 1))
            )

    def _renew(self) -> None:
        """The prior anew from the features' means and scales, and every inverse from its sums."""
        size, count = self.columns.size, max(self.products[everyone, 0, 0], 1.0)
        centre = self.products[everyone, 0] / count
        centre[0] = 1.0
        power = self.products[everyone].diagonal() / count
        variance = np.maximum(power - centre**2, (self.span / 4.0) ** 2)
        variance[variance <= 0.0] = 1.0
        variance[size:] = 1.0
        for row, intercept, slope in ((everyone, 1e-3, 1.0), (newcomer, self.ties.intercept, self._slope())):
            self.priors[row] = intercept * centre[:, None] * centre
            self.priors[row].flat[:: len(centre) + 1] += slope * variance
            self.priors[row, 0, 0] = intercept
        total = self.products + self.priors[newcomer]
        total[everyone] = self.products[everyone] + self.priors[everyone]
        scale = 1.0 / np.sqrt(total.diagonal(axis1=1, axis2=2))
        scale = scale[:, :, None] * scale[:, None, :]
        self.inverse = np.linalg.inv(total * scale) * scale
        if self.lessons >= 64:
            for name, (column, _, limit) in self.columns.numbers.items():
                if limit == widest and count * power[column] >= 4.0 * self.span[column] ** 2:
                    self.columns.limit(name, 3.0 * float(self.span[column]))
        self._fitted = None

    def state(self) -> tuple[Any, ...]:
        """All there is to know, in plain types and bytes."""
        plain = (self.columns.state(), list(self.rows.items()), self.lessons, self.due)
        return (*plain, *(getattr(self, name).tobytes() for name in arrays))

    def resume(self, state: tuple[Any, ...]) -> None:
        """Becomes what ``state()`` told."""
        columns, rows, self.lessons, self.due, *parts = state
        self.columns = Columns.of(columns)
        self.rows = dict(rows)
        flat = {name: np.frombuffer(part).copy() for name, part in zip(arrays, parts, strict=True)}
        width = len(flat["span"])
        square = (-1, width, width)
        shapes = {"products": square, "inverse": square, "priors": square, "sums": (-1, width)}
        for name, array in flat.items():
            setattr(self, name, array.reshape(shapes.get(name, -1)))
        self._fitted = None
