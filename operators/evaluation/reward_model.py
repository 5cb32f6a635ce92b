"""What each arm would have earned in each row, predicted by ridge regressions that have not seen the row."""

from typing import Final, Protocol

import numpy as np

from operators.evaluation.features import blocks
from operators.evaluation.log import Floats, Log

GROUPS: Final = 10
SHARED: Final = 1.0
OWN_LEVEL: Final = 1.0
OWN_SLOPE: Final = 1.0
FAR: Final = 5.0


class Matrix(Protocol):
    """Rows by features, of which only some rows are looked at at once."""

    def __getitem__(self, these: slice, /) -> Floats:
        """Return the features of some rows."""


class RewardModel:
    """Ridge regressions of the reward: one over all rows, and what each arm differs from it.

    Built on sums over ten groups of visitors, so that models without one of the groups cost a solve. Features
    are scaled by their deviations and cut at five of them. Penalties are in rows' worth of evidence: 1 on the
    shared slopes and on an arm's own level, and on each of its own slopes one for each feature, so that
    together they move an arm about as far as the noise does.
    """

    def __init__(self, log: Log, features: Matrix, arms: int) -> None:
        self._log = log
        self._features = features
        self.groups = min(GROUPS, int(log.clusters.max()) + 1)
        self.group_of = log.clusters % self.groups
        self._mean = np.sum([features[these].sum(axis=0) for these in blocks(log.size)], axis=0) / log.size
        squares = [((features[these] - self._mean) ** 2).sum(axis=0) for these in blocks(log.size)]
        self._spread = np.sqrt(np.sum(squares, axis=0) / log.size)
        self._kept = self._spread > 0.0
        width = 1 + int(self._kept.sum())
        self._products = np.zeros((self.groups, arms, width, width))
        self._sums = np.zeros((self.groups, arms, width))
        cells = self.group_of * arms + log.arms
        for these in blocks(log.size):
            rows, rewards = self._rows(these), log.rewards[these]
            order = np.argsort(cells[these], kind="stable")
            for inner in np.split(order, np.flatnonzero(np.diff(cells[these][order])) + 1):
                group, arm = divmod(int(cells[these][inner[0]]), arms)
                x = rows[inner]
                self._products[group, arm] += x.T @ x
                self._sums[group, arm] += x.T @ rewards[inner]

    def _rows(self, these: slice) -> Floats:
        """Return some rows as they go into the regressions: a constant and what is kept, scaled and cut."""
        kept = self._kept
        scaled = (self._features[these][:, kept] - self._mean[kept]) / self._spread[kept]
        return np.column_stack([np.ones(len(scaled)), np.clip(scaled, -FAR, FAR)])

    def weights(self, without: int | None = None) -> Floats:
        """Return the regression weights, arms by features, of all rows but those of one group."""
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
        """Return the predicted reward, rows by arms, of each row by the model without its group."""
        found = np.empty((self._log.size, self._sums.shape[1]))
        weights = [self.weights(group if self.groups > 1 else None) for group in range(self.groups)]
        for these in blocks(self._log.size):
            rows, groups = self._rows(these), self.group_of[these]
            for group in np.unique(groups):
                found[these][groups == group] = rows[groups == group] @ weights[group].T
        return found

    def doubt(self, target: Floats, predicted: Floats) -> float:
        """Return the standard deviation of the direct estimate, as the model itself sees it.

        That of the posterior of the arms' own weights: great for an arm that was hardly ever logged, and
        blind to what is not linear.
        """
        errors = self._log.rewards - self._log.of_chosen(predicted)
        sums = [target[these].T @ self._rows(these) for these in blocks(self._log.size)]
        reach = np.sum(sums, axis=0) / self._log.size
        spread = np.linalg.solve(self._products.sum(axis=0) + self._penalty(), reach[:, :, None])[:, :, 0]
        return float(np.sqrt(np.mean(errors**2) * (reach * spread).sum()))


def cross_fitted(log: Log, features: Matrix, arms: int) -> Floats:
    """Return predicted rewards, rows by arms, each by a model that has not seen the row's visitor.

    ``features`` are numbers, rows by features; with one visitor only there is nobody to leave out.
    """
    return RewardModel(log, features, arms).predicted()
