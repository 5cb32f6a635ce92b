"""How much each learner is listened to: by what it would have hit."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from operators.recommendations.learner import MOST_CANDIDATES, Scores
from operators.state.array_table import ArrayTable
from operators.state.rows import StateRows

SLOWEST: Final = 0.005
SMOOTHING: Final = 1e-3
"""Of every learner's probability so much is left to what it does not name."""
SHARPNESS: Final = 3.0
"""To blend, weights are raised to this power: weak learners that resemble each other add up to less."""
SHARED: Final = 1e-3
"""Of all weights so much is spread evenly at every step, so that none is lost for good."""


class Mixture:
    """Weights of learners, each of which says how probable products are: by what speaks for them.

    What happens next moves the weights by Soft-Bayes (Orseau, Lattimore and Legg, 2017), an exponentiated
    weights method for mixtures under log loss: in the long run they are about as good as the best fixed
    mixture, which is better than the best learner. Steps become shorter, down to ``SLOWEST``. Bounded by the
    number of learners.
    """

    def __init__(self, rows: StateRows, prefix: bytes, learners: int) -> None:
        self._row = ArrayTable(rows, prefix, {"weights": ("f8", learners), "judged": ("u8", 1)}, 1)
        self._learners = learners

    @property
    def judged(self) -> int:
        """How many times what came next was looked for."""
        return int(self._row["judged"][0])

    @property
    def weights(self) -> NDArray[np.float64]:
        """How much each learner is listened to; all of them together one."""
        if not self.judged:
            return np.full(self._learners, 1.0 / self._learners)
        weights: NDArray[np.float64] = self._row["weights"][0].reshape(self._learners)
        return weights

    def blend(self, scores: Sequence[Scores]) -> tuple[Scores, NDArray[np.intp]]:
        """Return the best candidates of all learners together, and which learner speaks most for each."""
        weights = self.weights**SHARPNESS
        weights /= weights.sum()
        named = np.concatenate([each.items for each in scores])
        shares = np.concatenate(
            [weight * _probable(each) for weight, each in zip(weights, scores, strict=True)]
        )
        learners = np.repeat(np.arange(len(scores)), [len(each.items) for each in scores])
        items, places = np.unique(named, return_inverse=True)
        given = np.zeros((len(scores), len(items)))
        given[learners, places] = shares
        total = given.sum(axis=0)
        order = np.lexsort((items, -total))[:MOST_CANDIDATES]
        return Scores(items[order], total[order]), given[:, order].argmax(axis=0)

    def learn(self, scores: Sequence[Scores], came: int) -> None:
        """Move the weights by how probable each learner had found what came next."""
        found = np.array([_probable(each)[each.items == came].sum() for each in scores]) + SMOOTHING
        step = max(SLOWEST, 1.0 / (10.0 + self.judged) ** 0.5)
        weights = self.weights
        weights = weights * (1.0 - step + step * found / (weights @ found))
        self._row.touch(0)
        self._row["weights"][0] = (1.0 - SHARED) * weights / weights.sum() + SHARED / self._learners
        self._row["judged"][0] += 1


def _probable(scores: Scores) -> NDArray[np.float64]:
    return scores.values / scores.values.sum() if len(scores.values) else scores.values
