"""One Bayesian linear regression an arm, all in a few arrays, tied by a regression over all arms."""

import math
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np

from operators.policies.columns import Columns, widest
from operators.policies.lessons import Floats, Lessons, everyone, newcomer
from operators.policies.meta_prior import MetaPrior, learned
from operators.policies.plans import Context
from operators.policies.regression import Fitted, Frame, common, fit, inverted

block: Final = 32
step: Final = 8
arrays: Final = ("span", "centre", "variance", "mean", "priors", "inverse")


class Belief(NamedTuple):
    """What is believed of some arms in one context: mean reward and the standard deviation of that mean."""

    means: list[float]
    deviations: list[float]


class Group(NamedTuple):
    """The distribution of the weights of one feature over arms: its mean and its variance."""

    mean: float
    variance: float


class Ties(NamedTuple):
    """How much an arm is like the others, in lessons' worth of evidence, before any lesson tells.

    ``slope`` is multiplied by the number of columns: together they may move an arm as far as the noise does.
    ``keep``: what a lesson counts after one more. ``learned``: whether lessons change level and slope.
    """

    level: float = 5.0
    slope: float = 1.0
    noise: float = 4.0
    keep: float = 1.0
    learned: bool = True


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
        self.span = np.zeros(step)
        self.centre = np.zeros(step)
        self.variance = np.ones(step)
        self.now = Lessons.none(step)
        self.then = self.now.copy()
        self.priors = np.zeros((2, step, step))
        self.inverse = np.zeros((2, step, step))
        self.mean = np.zeros(step)
        self.own = self.shared = MetaPrior(1.0, 1.0)
        self._fitted: Fitted | None = None
        self._stale = False
        self._renew()

    def believe(self, arms: Iterable[int | str], context: Context) -> Belief:
        """What is believed of these arms; an arm never learned is believed to be like the rest."""
        weights, noise, _ = self._current()
        x = self.columns.row(context, len(self.span))
        spread = ((self.inverse.reshape(-1, len(x)) @ x).reshape(-1, len(x)) @ x).tolist()
        means = (weights @ x).tolist()
        rows = [self.rows.get(arm, newcomer) for arm in arms]
        deviations = [math.sqrt(abs(spread[row] * noise[row])) for row in rows]
        return Belief([means[row] for row in rows], deviations)

    def noise(self) -> float:
        """The variance of rewards that no arm's regression explains, over all lessons."""
        _, noise, lessons = self._current()
        return float(noise[2:] @ lessons[2:]) / max(float(lessons[everyone]), 1.0)

    def groups(self) -> dict[str, Group]:
        """What has been learned of the weights of each feature, in reward by unit of the feature."""
        self._current()
        owners = np.array(self.columns.owners)
        table = self.own.of(np.arange(len(self.columns.names) + 1))
        found = {}
        for name, number in self.columns.names.items():
            mine = np.flatnonzero(owners == number)
            variance = self.noise() / float(table[number]) * float((1.0 / self.variance[mine]).mean())
            found[name] = Group(float(self.mean[mine].mean()), variance)
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
            self.priors *= kept
            self.inverse /= kept
        if self.lessons >= self.due:
            self._renew()

    def _row_to_learn(self, context: Context) -> Floats:
        x = self.columns.settled_row(context, len(self.span))
        if x is not None:
            np.maximum(self.span, np.abs(x), out=self.span)
            return x
        before = self.columns.size
        self.columns.learn(context)
        if self.columns.size > len(self.span):
            self._widen(-(-self.columns.size // step) * step - len(self.span))
        x = self.columns.row(context, len(self.span))
        np.maximum(self.span, np.abs(x), out=self.span)
        if self.columns.size > before:
            new = np.arange(before, self.columns.size)
            self.variance[new] = np.where(x[new] == 0.0, 1.0, x[new] ** 2)
            groups = self.columns.groups(len(x))
            for at, prior in enumerate((self.shared, self.own)):
                found = prior.of(groups)[new] * self.variance[new] * self._faded()
                self.priors[at, new, new] = found
                self.inverse[slice(1, None) if at else 0, new, new] = 1.0 / found
        return x

    def correct(self, arm: int | str, context: Context, lesson: int, reward: float, change: float) -> None:
        """What ``lesson`` taught of the arm as ``reward`` is taught as ``reward + change`` instead."""
        row = self.rows.get(arm)
        if row is None:
            return
        x, square = self.columns.row(context, len(self.span)), change * (2.0 * reward + change)
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
        for lessons in (self.now, self.then):
            lessons.widen(more)
        self.priors, self.inverse = (
            np.pad(each, ((0, 0), (0, more), (0, more))) for each in (self.priors, self.inverse)
        )
        self.span, self.centre, self.mean = (
            np.pad(each, (0, more)) for each in (self.span, self.centre, self.mean)
        )
        self.variance = np.pad(self.variance, (0, more), constant_values=1.0)

    def _current(self) -> Fitted:
        """Weights and noise by all that is known, kept until the next lesson."""
        if self._stale:
            self._learn_prior()
            self._rebuild()
        if self._fitted is None:
            self._fitted = fit(self.now, self.priors, self.inverse, self.mean, self.ties.noise)
        return self._fitted

    def _renew(self) -> None:
        """The features' means and scales anew, the meta-prior by them, and every inverse from its sums."""
        size, products = self.columns.size, self.now.products[everyone]
        count = max(products[0, 0], 1.0)
        self.centre = products[0] / count
        self.centre[0] = 1.0
        power = products.diagonal() / count
        self.variance = np.maximum(power - self.centre**2, (self.span / 4.0) ** 2)
        self.variance[(self.variance <= 0.0) | (np.arange(len(power)) >= size)] = 1.0
        if self.lessons >= 64:
            for name, (column, _, limit) in self.columns.numbers.items():
                if limit == widest and count * power[column] >= 4.0 * self.span[column] ** 2:
                    self.columns.limit(name, 3.0 * float(self.span[column]))
        self.then, self.renewed = self.now.copy(), self.lessons
        half_life = np.log(0.5) / np.log(self.ties.keep) if self.ties.keep < 1.0 else np.inf
        self.due = self.lessons + int(max(1.0, min(self.lessons / 2, half_life / 4.0)))
        self._learn_prior()
        self._rebuild()

    def _learn_prior(self) -> None:
        """The meta-prior by the lessons of the last renewal, whatever it was before."""
        self.own, self.shared = MetaPrior(self.ties.level, self._slope()), MetaPrior(1e-3, 1.0)
        if self.ties.learned and self.renewed >= step and len(self.rows) > 1:
            groups = self.columns.groups(len(self.span))[: self.columns.size]
            frame = Frame(self.centre, self.variance)
            first = (self.shared, self.own)
            self.shared, self.own = learned(self.then, frame, groups, first, self.ties.noise)

    def _rebuild(self) -> None:
        groups = self.columns.groups(len(self.span))
        frame = Frame(self.centre, self.variance)
        self.priors = frame.priors(self.shared.of(groups), self.own.of(groups))
        self.mean, _ = common(self.then, self.priors, inverted(self.then.products, self.priors))
        self.priors *= self._faded()
        self.inverse = inverted(self.now.products, self.priors)
        self._fitted, self._stale = None, False

    def _slope(self) -> float:
        return self.ties.slope * max(1, self.columns.size - 1)

    def _faded(self) -> float:
        """What a lesson of the last renewal counts by now."""
        return float(self.ties.keep ** (block * (self.lessons // block - self.renewed // block)))

    def state(self) -> tuple[Any, ...]:
        """All there is to know, in plain types and bytes."""
        self._current()
        plain = (self.columns.state(), list(self.rows.items()), self.lessons, self.due, self.renewed)
        learned = (self.now.state(), self.then.state(), self.own.state(), self.shared.state())
        return (*plain, *learned, *(getattr(self, name).tobytes() for name in arrays))

    def resume(self, state: tuple[Any, ...]) -> None:
        """Becomes what ``state()`` told."""
        columns, rows, self.lessons, self.due, self.renewed, now, then, own, shared, *parts = state
        self.columns = Columns.of(columns)
        self.rows = dict(rows)
        self.own, self.shared = MetaPrior.resumed(own), MetaPrior.resumed(shared)
        flat = {name: np.frombuffer(part).copy() for name, part in zip(arrays, parts, strict=True)}
        self.span, self.centre, self.variance = flat["span"], flat["centre"], flat["variance"]
        self.mean = flat["mean"]
        width = len(self.span)
        self.now, self.then = Lessons.of(now, width), Lessons.of(then, width)
        self.priors = flat["priors"].reshape(2, width, width)
        self.inverse = flat["inverse"].reshape(-1, width, width)
        self._fitted = None
