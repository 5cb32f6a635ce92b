"""One Bayesian linear regression an arm, all in a few arrays, tied by a regression over all arms."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from operators.bandits.columns import Columns
from operators.bandits.hierarchy import Hierarchy, Ties
from operators.bandits.lessons import Floats, Lessons, everyone, newcomer
from operators.bandits.meta_prior import Places
from operators.bandits.plans import Context
from operators.bandits.regression import fit, inverted
from operators.bandits.scales import Scales

block: Final = 32
step: Final = 4


Belief: TypeAlias = tuple[float, float, float]
"""What is believed of an arm in one context: the mean reward, the variance of that mean as a multiple of the
noise, and the noise, which is the variance of rewards around their mean."""


class Group(NamedTuple):
    """The distribution of the weights of one feature over arms: its mean and its variance."""

    mean: float
    variance: float


class Arms:
    """Normal-inverse-gamma regressions: row 0 is fitted on all lessons, row 1 is an arm without any.

    An arm's prior is centred on the regression over all arms, and as narrow as a meta-prior has learned that
    arms are alike; its noise is learned and shrunk to the noise of all arms. Scales and means of features
    (both read from row 0) and the meta-prior are renewed when the lessons have grown by half, or by a
    quarter of their half-life. Every sum is linear or quadratic in the rewards, and those of the last
    renewal are kept, so a reward corrected later gives what would have been learned from it at once.
    Uncertainties follow the learned noise, so the unit of the reward does not matter.

    Bounded by the room of the columns, and by whoever lets arms leave.
    """

    def __init__(self, columns: Columns, ties: Ties) -> None:
        self.columns = columns
        self.ties = ties
        self.rows: dict[int | str, int] = {}
        self.lessons = 0
        self.due = 2
        self.renewed = 0
        self.scales = Scales.none(step)
        self.hierarchy = Hierarchy(ties, step)
        self.now = Lessons.none(step)
        self.then = self.now.copy()
        self.inverse = np.zeros((2, step, step))
        self._fitted: tuple[Floats, list[float], Floats] | None = None
        self._stale = False
        self._renew()

    @property
    def width(self) -> int:
        """Columns there is room for by now."""
        return len(self.hierarchy.mean)

    def believe(self, arms: Iterable[int | str], context: Context) -> list[Belief]:
        """What is believed of these arms; an arm never learned is believed to be like the rest."""
        weights, noises, flat = self._current()
        x = self.columns.row(context, weights.shape[1])
        # for small arrays the method takes half the time of the operator @
        means, spreads = weights.dot(x).tolist(), flat.dot(x).reshape(weights.shape).dot(x).tolist()
        row_of = self.rows.get
        return [(means[row := row_of(arm, newcomer)], abs(spreads[row]), noises[row]) for arm in arms]

    def noise(self) -> float:
        """The variance of rewards that no arm's regression explains, over all lessons."""
        _, noises, _ = self._current()
        lessons = self.now.products[:, 0, 0]
        return float(lessons[newcomer:].dot(noises[newcomer:])) / max(float(lessons[everyone]), 1.0)

    def groups(self) -> dict[str, Group]:
        """What has been learned of the weights of each feature, in reward by unit of the feature."""
        self._current()
        owners = np.array(self.columns.owners)
        table = self.hierarchy.own.of(np.arange(len(self.columns.names) + 1))
        found = {}
        for name, number in self.columns.names.items():
            mine = np.flatnonzero(owners == number)
            variance = self.noise() / float(table[number]) * float((1.0 / self.scales.variance[mine]).mean())
            found[name] = Group(float(self.hierarchy.mean[mine].mean()), variance)
        return found

    def learn(self, arm: int | str, context: Context, reward: float) -> None:
        """One lesson for the arm and for all arms together."""
        if self._stale:
            self._current()
        x = self._row_to_learn(context)
        row = self.rows.get(arm)
        if row is None:
            row = self._enter(arm)
        outer = x[:, None] * x
        for each in (everyone, row):
            self.now.products[each] += outer
            spread = self.inverse[each] @ x
            self.inverse[each] -= spread[:, None] * (spread / (1.0 + spread @ x))
        self.now.add(row, x, reward, reward * reward)
        self._fitted = None
        self.lessons += 1
        if self.ties.keep < 1.0 and self.lessons % block == 0:
            # the prior fades with the lessons until it is renewed: then inverses need only be scaled
            kept = self.ties.keep**block
            self.now.fade(kept)
            self.hierarchy.priors *= kept
            self.inverse /= kept
        if self.lessons >= self.due:
            self._renew()

    def _row_to_learn(self, context: Context) -> Floats:
        x = self.columns.settled_row(context, self.width)
        if x is None:
            before = self.columns.size
            self.columns.learn(context)
            if self.columns.size > self.width:
                self._widen(-(-self.columns.size // step) * step - self.width)
            x = self.columns.row(context, self.width)
            if self.columns.size > before:
                self._begin(x, np.arange(before, self.columns.size))
        self.scales.see(x)
        return x

    def _begin(self, x: Floats, new: Places) -> None:
        self.scales.begin(x, new)
        groups = self.columns.groups(self.width)
        shared, own = self.hierarchy.begin(new, groups, self.scales.variance, self._faded())
        self.inverse[everyone, new, new] = 1.0 / shared
        self.inverse[newcomer:, new, new] = 1.0 / own

    def correct(self, arm: int | str, context: Context, lesson: int, reward: float, change: float) -> None:
        """What ``lesson`` taught of the arm as ``reward`` is taught as ``reward + change`` instead."""
        row = self.rows.get(arm)
        if row is None:
            return
        x, square = self.columns.row(context, self.width), change * (2.0 * reward + change)
        for lessons, at in ((self.now, self.lessons), (self.then, self.renewed)):
            if lesson < at:
                weight = self.ties.keep ** (block * (at // block - lesson // block))
                lessons.add(row, x, weight * change, weight * square)
        self._stale = self._stale or lesson < self.renewed
        self._fitted = None

    def leave(self, arm: int | str) -> None:
        """Forgets the arm; what it taught of all arms together stays."""
        gone = self.rows.pop(arm)
        self.rows = {name: row - (row > gone) for name, row in self.rows.items()}
        for lessons in (self.now, self.then):
            lessons.leave(gone)
        self.inverse = np.delete(self.inverse, gone, axis=0)
        self._fitted = None

    def _enter(self, arm: int | str) -> int:
        row = self.rows[arm] = len(self.inverse)
        for lessons in (self.now, self.then):
            lessons.enter()
        self.inverse = np.concatenate([self.inverse, self.inverse[newcomer : newcomer + 1]])
        return row

    def _widen(self, more: int) -> None:
        for each in (self.now, self.then, self.scales, self.hierarchy):
            each.widen(more)
        self.inverse = np.pad(self.inverse, ((0, 0), (0, more), (0, more)))

    def _current(self) -> tuple[Floats, list[float], Floats]:
        """Weights and noise by all that is known, kept until the next lesson; all inverses as one matrix."""
        if self._stale:
            self._rebuild()
        if self._fitted is None:
            around = self.hierarchy
            fitted = fit(self.now, around.priors, self.inverse, around.mean, self.ties.noise)
            self._fitted = fitted.weights, fitted.noise.tolist(), self.inverse.reshape(-1, self.width)
        return self._fitted

    def _renew(self) -> None:
        """The features' means and scales anew, the meta-prior by them, and every inverse from its sums."""
        self.scales.renew(self.now.products[everyone], self.columns, self.lessons)
        self.then, self.renewed = self.now.copy(), self.lessons
        half_life = np.log(0.5) / np.log(self.ties.keep) if self.ties.keep < 1.0 else np.inf
        self.due = self.lessons + int(max(1.0, min(self.lessons / 2, half_life / 4.0)))
        self._rebuild()

    def _rebuild(self) -> None:
        """What is believed of an arm before its lessons, by those of the last renewal; then of every arm."""
        groups, frame, around = self.columns.groups(self.width), self.scales.frame, self.hierarchy
        around.learn(self.then, self.renewed, frame, groups[: self.columns.size])
        around.centre(self.then, frame, groups)
        around.priors *= self._faded()
        self.inverse = inverted(self.now.products, around.priors)
        self._fitted, self._stale = None, False

    def _faded(self) -> float:
        """What a lesson of the last renewal counts by now."""
        return float(self.ties.keep ** (block * (self.lessons // block - self.renewed // block)))

    def state(self) -> tuple[Any, ...]:
        """All there is to know, in plain types and bytes."""
        self._current()
        plain = (self.columns.state(), list(self.rows.items()), self.lessons, self.due, self.renewed)
        own, shared, *around = self.hierarchy.state()
        lessons = (self.now.state(), self.then.state())
        return (*plain, *lessons, own, shared, *self.scales.state(), *around, self.inverse.tobytes())

    def resume(self, state: tuple[Any, ...]) -> None:
        """Becomes what ``state()`` told."""
        columns, rows, self.lessons, self.due, self.renewed, now, then, own, shared, *rest = state
        span, centre, variance, mean, priors, inverse = rest
        self.columns = Columns.of(columns)
        self.rows = dict(rows)
        self.scales = Scales.of((span, centre, variance))
        self.hierarchy = Hierarchy.resumed(self.ties, (own, shared, mean, priors))
        self.now, self.then = Lessons.of(now, self.width), Lessons.of(then, self.width)
        self.inverse = np.frombuffer(inverse).copy().reshape(-1, self.width, self.width)
        self._fitted = None
