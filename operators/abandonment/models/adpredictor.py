"""Bayesian probit regression over binned features (Graepel and others, ICML 2010), with weighted lessons."""

from math import sqrt
from typing import Any

from river import linear_model
from river.linear_model.ad_predictor import _BIAS_KEY, _v_w

from operators.abandonment.models.base import Features, Model
from operators.abandonment.models.encoding import Encoder


class Weighted(linear_model.AdPredictor):
    """River's AdPredictor with the likelihood of a lesson raised to its weight."""

    def learn_one(self, x: Features, y: object, w: float = 1.0) -> None:
        """Learn once for a weight of one; heavier lessons are learned in steps of at most one."""
        while w > 0.0:
            self._step(x, y, min(w, 1.0))
            w -= 1.0

    def _step(self, x: Features, y: object, w: float) -> None:
        self._init_bias(len(x))
        sign = 1.0 if y else -1.0
        mean, total = self._total_mean_variance(x)
        deviation = sqrt(total)
        push, shrink = _v_w(sign * mean / deviation)
        push, shrink = w * sign * push / deviation, w * shrink / total
        means, variances = self.means, self.variances
        for name in (_BIAS_KEY, *x):
            variance = variances.get(name, 1.0)
            means[name], variances[name] = self._apply_dynamics(
                means.get(name, 0.0) + variance * push, variance * (1.0 - variance * shrink)
            )


class AdPredictor(Model):
    """AdPredictor behind the encoder's bins: it bends where the logistic model cannot.

    Bounded by the encoder's names, times its bins.
    """

    def __init__(self, beta: float = 4.0, epsilon: float = 1e-4) -> None:
        self.beta = beta
        self.epsilon = epsilon
        self.encoder = Encoder()
        self.linear: Any = Weighted(beta=beta, epsilon=epsilon)

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        return self._answer(self.encoder.binned(x))

    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the probability was; the beliefs about the bins that are on then narrow."""
        bins = self.encoder.binned(x)
        p = self._answer(bins)
        if w > 0.0:
            self.linear.learn_one(bins, y, w)
            self.encoder.learn(x)
        return p

    def forget(self) -> None:
        """Doubt every belief as before the first lesson; the means stay."""
        self.linear.variances = dict.fromkeys(self.linear.variances, 1.0)

    def _answer(self, bins: dict[str, float]) -> float:
        if not self.linear.means:  # River would set up its constant during the question
            return 0.5
        p: float = self.linear.predict_proba_one(bins)[True]
        return min(max(p, 1e-9), 1.0 - 1e-9)
