"""A Bayesian linear regression for each arm, all in a few arrays, tied together by a common prior."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from operators.bandits.context import Context
from operators.bandits.feature_scales import FeatureScales
from operators.bandits.hierarchical_prior import HierarchicalPrior, PriorSettings
from operators.bandits.posterior_covariances import PosteriorCovariances, posterior_covariances
from operators.bandits.refit_schedule import BLOCK, RefitSchedule
from operators.bandits.regression import fit_regressions
from operators.bandits.row_encoder import RowEncoder
from operators.bandits.sufficient_statistics import NEW_ARM, POOLED, Floats, Indices, SufficientStatistics
from operators.bandits.weight_priors import WeightPrior, weight_priors

STEP: Final = 4
"""Arrays are widened by multiples of so many columns, so that not every new feature copies them."""

ArmPosterior: TypeAlias = tuple[float, float, float]
"""What is known of an arm in one context: the mean reward, the variance of this mean divided by the noise,
and the noise, which is the variance of rewards around their mean."""

Fitted: TypeAlias = tuple[Floats, list[float], Floats]
"""Weights and noise by row, and all covariances as one matrix."""


class _Answer(NamedTuple):
    """What was last said of a context, by row: choosing and valuing ask about the same one.

    ``was`` is the context as it was then: who asks may have changed it since.
    """

    fitted: Fitted
    context: Context
    was: Context
    x: Floats
    means: list[float]
    spreads: list[float]


class ArmRegressions:
    """Normal-inverse-gamma regressions: row 0 is fitted to all updates, row 1 is an arm without updates.

    The prior of an arm is centred on what all arms have in common and as narrow as a meta-prior has learned
    that arms are alike; the noise of an arm is learned and shrunk to that of all. The meta-prior and the
    features' means and scales, both read from row 0, are refitted on a schedule. Every sum is linear or
    quadratic in the rewards, and the sums of the last refit are kept, so a reward that is corrected later
    gives what would have been learned from the right one at once. Uncertainties follow the learned noise, so
    the unit of the reward does not matter.

    Bounded by the columns of the encoder and by the arms, which the caller removes.
    """

    def __init__(self, encoder: RowEncoder, settings: PriorSettings, decay: float) -> None:
        self.encoder = encoder
        self.rows: dict[int | str, int] = {}
        self.schedule = RefitSchedule(decay)
        self.scales = FeatureScales.unknown(STEP)
        self.prior = HierarchicalPrior(settings, STEP)
        self.statistics = SufficientStatistics.empty(STEP)
        self.at_refit = self.statistics.copy()
        self.covariances = PosteriorCovariances(np.zeros((2, STEP, STEP)))
        self._fitted: Fitted | None = None
        self._latest: _Answer | None = None
        self._stale = False
        self._refit()

    @property
    def width(self) -> int:
        """The number of columns there is space for."""
        return len(self.prior.mean)

    def posteriors(self, arms: Iterable[int | str], context: Context) -> list[ArmPosterior]:
        """Return what is known of these arms; an arm without updates is taken to be like the rest."""
        latest = self._answer(context)
        means, spreads, noises = latest.means, latest.spreads, latest.fitted[1]
        row_of = self.rows.get
        return [(means[row := row_of(arm, NEW_ARM)], abs(spreads[row]), noises[row]) for arm in arms]

    def contributions(
        self, arm: int | str, other: int | str, context: Context
    ) -> tuple[float, dict[str, float]]:
        """Return what each feature adds to the difference of two arms' mean rewards, and the rest of it.

        The rest is the difference where every column is at its mean over all updates.
        """
        answer, columns = self._answer(context), self.encoder.columns
        weights, row_of = answer.fitted[0], self.rows.get
        difference = weights[row_of(arm, NEW_ARM)] - weights[row_of(other, NEW_ARM)]
        sums = self.statistics.products[POOLED, 0]
        average = sums / sums[0] if sums[0] > 0.0 else np.zeros(len(sums))
        added = np.bincount(columns.groups(len(sums)), difference * (answer.x - average))
        constant = float(difference.dot(average) + added[0])
        return constant, dict(zip(columns.names, added[1:].tolist(), strict=True))

    def _answer(self, context: Context) -> _Answer:
        """Return what is known of a context, found out once as long as nothing is learned."""
        fitted = self._fitted or self._current()
        latest = self._latest
        if (
            latest is None
            or latest.fitted is not fitted
            or latest.context is not context
            or latest.was != context
        ):
            latest = self._latest = self._found_out(fitted, context)
        return latest

    def _found_out(self, fitted: Fitted, context: Context) -> _Answer:
        weights, _, flat = fitted
        x = self.encoder.row(context, weights.shape[1])
        # for small arrays the method takes half the time of the operator @
        means, spreads = weights.dot(x).tolist(), flat.dot(x).reshape(weights.shape).dot(x).tolist()
        return _Answer(fitted, context, dict(context), x, means, spreads)

    def noise(self) -> float:
        """Return the variance of rewards that no arm's regression explains, averaged over all updates."""
        _, noises, _ = self._current()
        counts = self.statistics.products[:, 0, 0]
        return float(counts[NEW_ARM:].dot(noises[NEW_ARM:])) / max(float(counts[POOLED]), 1.0)

    def weight_priors(self) -> dict[str, WeightPrior]:
        """Return what has been learned of the weights of each feature over arms."""
        self._current()
        return weight_priors(self.encoder.columns, self.prior, self.scales.variance, self.noise())

    def update(self, arm: int | str, context: Context, reward: float) -> None:
        """Learn what the arm earned in the context."""
        if self._stale:
            self._current()
        x = self._row_to_learn(context)
        row = self.rows.get(arm)
        if row is None:
            row = self._add(arm)
        self.statistics.add(row, x, reward)
        self.covariances.add(row, x)
        self._fitted = None
        schedule = self.schedule
        schedule.updates += 1
        if schedule.updates % BLOCK == 0 and schedule.decay < 1.0:
            # the prior decays with the updates until it is refitted: covariances need only be scaled
            kept = schedule.decay**BLOCK
            self.statistics.decay(kept)
            self.prior.precisions *= kept
            self.covariances.decay(kept)
        if schedule.updates >= schedule.due:
            self._refit()

    def _row_to_learn(self, context: Context) -> Floats:
        x = self.encoder.settled_row(context, self.width)
        if x is None:
            columns = self.encoder.columns
            before = columns.size
            self.encoder.learn(context)
            if columns.size > self.width:
                self._widen(-(-columns.size // STEP) * STEP - self.width)
            x = self.encoder.row(context, self.width)
            if columns.size > before:
                self._begin(x, np.arange(before, columns.size))
        self.scales.observe(x)
        return x

    def _begin(self, x: Floats, new: Indices) -> None:
        self.scales.begin(x, new)
        groups = self.encoder.columns.groups(self.width)
        decayed = self.schedule.weight_of_refit()
        self.covariances.begin(new, *self.prior.begin(new, groups, self.scales.variance, decayed))

    def revise(self, arm: int | str, context: Context, update: int, reward: float, change: float) -> None:
        """Make ``update`` (its number, from 0) count as if its ``reward`` had been ``reward + change``."""
        row = self.rows.get(arm)
        if row is None:
            return
        x, square = self.encoder.row(context, self.width), change * (2.0 * reward + change)
        schedule = self.schedule
        for statistics, at in ((self.statistics, schedule.updates), (self.at_refit, schedule.refitted)):
            if update < at:
                weight = schedule.weight(update, at)
                statistics.add_reward(row, x, weight * change, weight * square)
        self._stale = self._stale or update < schedule.refitted
        self._fitted = None

    def remove(self, arm: int | str) -> None:
        """Forget the arm; the pooled regression keeps its updates."""
        gone = self.rows.pop(arm)
        self.rows = {name: row - (row > gone) for name, row in self.rows.items()}
        for each in (self.statistics, self.at_refit, self.covariances):
            each.remove_arm(gone)
        self._fitted = None

    def _add(self, arm: int | str) -> int:
        row = self.rows[arm] = len(self.covariances.matrices)
        for each in (self.statistics, self.at_refit, self.covariances):
            each.add_arm()
        return row

    def _widen(self, more: int) -> None:
        for each in (self.statistics, self.at_refit, self.scales, self.prior, self.covariances):
            each.widen(more)

    def _current(self) -> Fitted:
        """Return what follows from all updates; it is kept until the next one."""
        if self._stale:
            self._infer()
        if self._fitted is None:
            prior, matrices = self.prior, self.covariances.matrices
            fitted = fit_regressions(
                self.statistics, prior.precisions, matrices, prior.mean, prior.settings.noise
            )
            self._fitted = fitted.weights, fitted.noise.tolist(), matrices.reshape(-1, self.width)
        return self._fitted

    def _refit(self) -> None:
        """Refit the features' means and scales, the meta-prior with them, and every covariance."""
        self.scales.refit(self.statistics.products[POOLED], self.encoder, self.schedule.updates)
        self.at_refit = self.statistics.copy()
        self.schedule.refit()
        self._infer()

    def _infer(self) -> None:
        """Fit the prior to the updates before the last refit, then every arm to all of its updates."""
        columns, scale = self.encoder.columns, self.scales.standardization
        groups = columns.groups(self.width)
        self.prior.fit(self.at_refit, self.schedule.refitted, scale, groups[: columns.size])
        self.prior.centre(self.at_refit, scale, groups)
        self.prior.precisions *= self.schedule.weight_of_refit()
        self.covariances = PosteriorCovariances(
            posterior_covariances(self.statistics.products, self.prior.precisions)
        )
        self._fitted, self._stale = None, False

    def state(self) -> tuple[Any, ...]:
        """Return everything in plain types and bytes."""
        self._current()
        schedule = (self.schedule.updates, self.schedule.due, self.schedule.refitted)
        sums = (self.statistics.state(), self.at_refit.state())
        learned = (self.scales.state(), self.prior.state(), self.covariances.matrices.tobytes())
        return (self.encoder.state(), list(self.rows.items()), schedule, sums, learned)

    def restore(self, state: tuple[Any, ...]) -> None:
        """Become what gave this ``state()``."""
        encoder, rows, schedule, sums, (scales, prior, matrices) = state
        self.encoder = RowEncoder.restored(encoder)
        self.rows = dict(rows)
        self.schedule.updates, self.schedule.due, self.schedule.refitted = schedule
        self.scales = FeatureScales.restored(scales)
        self.prior = HierarchicalPrior.restored(self.prior.settings, prior)
        self.statistics, self.at_refit = (SufficientStatistics.restored(each, self.width) for each in sums)
        shape = (-1, self.width, self.width)
        self.covariances = PosteriorCovariances(np.frombuffer(matrices).copy().reshape(shape))
        self._fitted = None
