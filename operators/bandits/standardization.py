"""Weights in deviations of their features, in which one prior fits features of any unit."""

from typing import NamedTuple

import numpy as np

from operators.bandits.sufficient_statistics import Floats


class Standardization(NamedTuple):
    """Mean and variance of the features, each of shape (width,); the mean of the intercept is one."""

    centre: Floats
    variance: Floats

    def precision_matrices(self, shared: Floats, own: Floats) -> Floats:
        """Return two precision matrices, of the mean over arms and of an arm around it: (2, width, width).

        ``shared`` and ``own`` are precisions by column, of weights per deviation of their feature; that of
        the intercept holds at the mean of all features.
        """
        precisions = np.stack([shared, own])
        found = precisions[:, :1, None] * self.centre[:, None] * self.centre
        found.reshape(2, -1)[:, :: len(self.centre) + 1] += precisions * self.variance
        found[:, 0, 0] = precisions[:, 0]
        return found

    def squares(self, weights: Floats, covariance: Floats) -> tuple[Floats, Floats]:
        """Return squares of weights and their variances, (rows, width) each, per deviation of the features.

        ``weights`` are (rows, width), ``covariance`` is (rows, width, width). For the intercept both results
        hold at the mean of all features.
        """
        squares, variances = weights**2, np.einsum("ijj->ij", covariance) * self.variance
        squares *= self.variance
        squares[:, 0] = (weights @ self.centre) ** 2
        variances[:, 0] = (covariance @ self.centre) @ self.centre
        return squares, variances
