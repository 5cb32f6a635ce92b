"""Bayesian probit regression over binned features (Graepel and others, ICML 2010), with weighted updates."""

from math import sqrt
from typing import Any, Final

from river import linear_model
from river.linear_model.ad_predictor import _BIAS_KEY, _v_w

from operators.abandonment.models.base import BinaryClassifier, Features, LinearSum
from operators.abandonment.models.encoding import Encoder

LEAST: Final = 1e-9
"""A probability stays this far from 0 and 1, so that its log-odds exist."""


class WeightedAdPredictor(linear_model.AdPredictor):
    """River's ``AdPredictor`` with the likelihood of an update raised to its weight.

    Whole updates are River's; the fraction that remains is written here, since River's takes no weight.
    """

    def learn_one(self, x: Features, y: object, w: float = 1.0) -> None:
        """Learn once for a weight of one; a greater weight is learned in steps of at most one."""
        while w >= 1.0:
            super().learn_one(x, y)  # type: ignore[no-untyped-call]  # River's has no types
            w -= 1.0
        if w > 0.0:
            self._learn_fraction(x, y, w)

    def _learn_fraction(self, x: Features, y: object, w: float) -> None:
        self._init_bias(len(x))
        sign = 1.0 if y else -1.0
        mean, total = self._total_mean_variance(x)
        deviation = sqrt(total)
        v, correction = _v_w(sign * mean / deviation)
        step, shrinkage = w * sign * v / deviation, w * correction / total
        means, variances = self.means, self.variances
        for name in (_BIAS_KEY, *x):
            variance = variances.get(name, 1.0)
            means[name], variances[name] = self._apply_dynamics(
                means.get(name, 0.0) + variance * step, variance * (1.0 - variance * shrinkage)
            )


class AdPredictorClassifier(BinaryClassifier):
    """River's ``AdPredictor`` over the encoder's bins: it follows curves that the logistic model cannot.

    ``beta`` is the standard deviation of an outcome's noise, ``epsilon`` the share by which each weight
    returns to its prior with every update. Bounded by the encoder's names, times its bins.
    """

    def __init__(self, beta: float = 4.0, epsilon: float = 1e-4) -> None:
        self.beta = beta
        self.epsilon = epsilon
        self.encoder = Encoder()
        self.linear: Any = WeightedAdPredictor(beta=beta, epsilon=epsilon)

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        return self._predict(self.encoder.binned(x))

    def contributions(self, x: Features) -> LinearSum | None:
        """What each feature adds to the probit; None before the first prediction."""
        if not self.linear.means:
            return None
        binned, means = self.encoder.binned, self.linear.means
        deviation = sqrt(self.linear._total_mean_variance(binned(x))[1])  # noqa: SLF001 - what River predicts by
        of_each = ((name, binned({name: value})) for name, value in x.items())
        found = {name: sum(means.get(each, 0.0) for each in on) / deviation for name, on in of_each if on}
        return LinearSum("probits", means[_BIAS_KEY] / deviation, found)

    def predict_then_learn(self, x: Features, y: bool, w: float) -> float:
        """The probability before this update, whose likelihood is raised to the power ``w``."""
        bins = self.encoder.binned(x)
        p = self._predict(bins)
        if w > 0.0:
            self.linear.learn_one(bins, y, w)
            self.encoder.learn(x)
        return p

    def forget(self) -> None:
        """Make every weight as uncertain as before the first update; the means stay."""
        self.linear.variances = dict.fromkeys(self.linear.variances, 1.0)

    def _predict(self, bins: dict[str, float]) -> float:
        if not self.linear.means:  # River sets up its constant in the first prediction
            return 0.5
        p: float = self.linear.predict_proba_one(bins)[True]
        return min(max(p, LEAST), 1.0 - LEAST)
