"""The reward of each arm in each row, predicted by ridge regressions that were not fitted to the row."""

from typing import Final, Protocol

import numpy as np

from operators.evaluation.context_features import blocks
from operators.evaluation.log import Floats, Log

FOLDS: Final = 10
SHARED: Final = 1.0
"""The penalty of a shared slope, in rows' worth of evidence: it only has to keep the fit determined."""
OWN_LEVEL: Final = 1.0
"""The penalty of an arm's own level."""
OWN_SLOPE: Final = 1.0
"""The penalty of each own slope, times the number of features: together they then move an arm about as far as
the noise does."""
FAR: Final = 5.0
"""Deviations at which a feature is cut off, so that an outlier does not decide the fit."""


class FeatureMatrix(Protocol):
    """Rows by features, of which only some rows are in memory at once."""

    def __getitem__(self, these: slice, /) -> Floats:
        """Return the features of some rows, (rows, features)."""


class RewardModel:
    """Ridge regressions of the reward: one over all rows, and one for the difference of each arm from it.

    It keeps sums by folds of visitors, so a model without one of the folds costs only a solve. Features are
    scaled by their standard deviations.

    Parameters
    ----------
    log
        The rows to fit.
    features
        Their features, (rows, features).
    arms
        The number of arms.
    folds
        Folds of visitors for cross-fitting, fewer where there are fewer visitors; 1: none is left out.
    """

    def __init__(self, log: Log, features: FeatureMatrix, arms: int, folds: int = FOLDS) -> None:
        self._log = log
        self._features = features
        self.folds = min(folds, int(log.clusters.max()) + 1)
        self.fold_of = log.clusters % self.folds
        self._mean = np.sum([features[these].sum(axis=0) for these in blocks(log.size)], axis=0) / log.size
        squares = [((features[these] - self._mean) ** 2).sum(axis=0) for these in blocks(log.size)]
        self._spread = np.sqrt(np.sum(squares, axis=0) / log.size)
        self._kept = self._spread > 0.0
        width = 1 + int(self._kept.sum())
        self._products = np.zeros((self.folds, arms, width, width))
        self._sums = np.zeros((self.folds, arms, width))
        cells = self.fold_of * arms + log.arms
        for these in blocks(log.size):
            rows, rewards = self._rows(these), log.rewards[these]
            order = np.argsort(cells[these], kind="stable")
            for inner in np.split(order, np.flatnonzero(np.diff(cells[these][order])) + 1):
                fold, arm = divmod(int(cells[these][inner[0]]), arms)
                x = rows[inner]
                self._products[fold, arm] += x.T @ x
                self._sums[fold, arm] += x.T @ rewards[inner]

    def _rows(self, these: slice) -> Floats:
        """Return some rows for the regressions: a constant and the features that vary, scaled and cut."""
        kept = self._kept
        scaled = (self._features[these][:, kept] - self._mean[kept]) / self._spread[kept]
        return np.column_stack([np.ones(len(scaled)), np.clip(scaled, -FAR, FAR)])

    def weights(self, without: int | None = None) -> Floats:
        """Return the regression weights, (arms, 1 + features), of all rows but those of one fold."""
        products, sums = self._products.sum(axis=0), self._sums.sum(axis=0)
        if without is not None:
            products, sums = products - self._products[without], sums - self._sums[without]
        penalty = np.full(self._sums.shape[2], SHARED)
        penalty[0] = 1e-6
        shared = np.linalg.solve(products.sum(axis=0) + np.diag(penalty), sums.sum(axis=0))
        rest = sums - products @ shared
        own = np.linalg.solve(products + self._penalty(), rest[:, :, None])[:, :, 0]
        found: Floats = shared + own
        return found

    def _penalty(self) -> Floats:
        width = self._sums.shape[2]
        penalty = np.full(width, OWN_SLOPE * max(width - 1, 1))
        penalty[0] = OWN_LEVEL
        return np.diag(penalty)

    def predicted(self) -> Floats:
        """Return the predicted rewards, (rows, arms), of each row by the model without its fold."""
        found = np.empty((self._log.size, self._sums.shape[1]))
        weights = [self.weights(fold if self.folds > 1 else None) for fold in range(self.folds)]
        for these in blocks(self._log.size):
            rows, folds = self._rows(these), self.fold_of[these]
            for fold in np.unique(folds):
                found[these][folds == fold] = rows[folds == fold] @ weights[fold].T
        return found

    def doubt(self, target: Floats, predicted: Floats) -> float:
        """Return the model's own standard deviation of the direct estimate.

        It is that of the posterior of the arms' own weights: great for an arm that was hardly ever logged,
        but not aware of what is not linear. ``target`` and ``predicted`` are (rows, arms).
        """
        errors = self._log.rewards - self._log.of_chosen(predicted)
        sums = [target[these].T @ self._rows(these) for these in blocks(self._log.size)]
        reach = np.sum(sums, axis=0) / self._log.size
        spread = np.linalg.solve(self._products.sum(axis=0) + self._penalty(), reach[:, :, None])[:, :, 0]
        return float(np.sqrt(np.mean(errors**2) * (reach * spread).sum()))


def cross_fitted(log: Log, features: FeatureMatrix, arms: int, folds: int = FOLDS) -> Floats:
    """Return predicted rewards, (rows, arms), each by a model that was not fitted to the row's visitor.

    Parameters are those of ``RewardModel``. With a single visitor no row can be left out.
    """
    return RewardModel(log, features, arms, folds).predicted()
