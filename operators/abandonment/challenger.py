"""A second model that begins with nothing after a drift and takes over once it predicts better."""

from math import log
from typing import Final

from operators.abandonment.models import Features, Model

LEAST: Final = 300
MOST: Final = 3_000
MEMORY: Final = 500.0


class Challenger:
    """A model that learns beside the one that serves, and how much better it predicted lately.

    ``ahead`` is the mean of the server's log loss less its own over the last 500 lessons. Bounded by its
    model; it lives for 3,000 lessons at most.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.lessons = 0
        self.ahead = 0.0

    def learn(self, features: Features, abandoned: bool, weight: float, served: float) -> None:
        """Learn a lesson for which ``served`` was predicted by the model that serves."""
        own = self.model.lesson(features, abandoned, weight)
        self.lessons += 1
        gain = log((own if abandoned else 1.0 - own) / (served if abandoned else 1.0 - served))
        self.ahead += (gain - self.ahead) / min(self.lessons, MEMORY)

    @property
    def has_won(self) -> bool:
        """Whether it is ready to serve."""
        return self.lessons >= LEAST and self.ahead > 0.0

    @property
    def is_over(self) -> bool:
        """Whether it had its chance."""
        return self.lessons >= MOST
