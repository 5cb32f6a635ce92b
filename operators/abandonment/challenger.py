"""A second model that begins with nothing after a drift and takes over once it predicts better."""

from math import log

from operators.abandonment.models import BinaryClassifier, Features


class Challenger:
    """A classifier that learns beside the one that serves, and how much better it predicted lately.

    ``lead`` is the mean of the serving model's log loss less its own over the last ``memory`` updates. It can
    win from ``min_updates`` on and is over after ``max_updates``. Bounded by its classifier.

    River's ``DriftRetrainingClassifier`` replaces a model at an alarm, whichever is better: with ``HDDMW`` it
    gives up a good one (log loss 0.616 instead of 0.583 on "Agrawal 2, perturbed" of docs/models.md), with
    ``DDM`` it keeps one that went wrong (0.472 instead of 0.458 on "Agrawal 1, then 4").
    """

    def __init__(
        self,
        classifier: BinaryClassifier,
        min_updates: int = 300,
        max_updates: int = 3_000,
        memory: float = 500.0,
    ) -> None:
        self.classifier = classifier
        self.min_updates = min_updates
        self.max_updates = max_updates
        self.memory = memory
        self.updates = 0
        self.lead = 0.0

    def learn(self, features: Features, abandoned: bool, weight: float, served: float) -> None:
        """Learn from an outcome for which the serving model predicted ``served``."""
        own = self.classifier.predict_then_learn(features, abandoned, weight)
        self.updates += 1
        gain = log((own if abandoned else 1.0 - own) / (served if abandoned else 1.0 - served))
        self.lead += (gain - self.lead) / min(self.updates, self.memory)

    @property
    def has_won(self) -> bool:
        """Whether it is ready to serve."""
        return self.updates >= self.min_updates and self.lead > 0.0

    @property
    def is_over(self) -> bool:
        """Whether it had its chance."""
        return self.updates >= self.max_updates
