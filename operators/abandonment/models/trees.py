"""River's adaptive trees over plain features: one tree, and a forest of them."""

from random import Random
from typing import Any, Final

from river import forest, tree

from operators.abandonment.models.base import BinaryClassifier, Features
from operators.abandonment.models.encoding import Encoder

LEAST: Final = 1e-3
"""Counts of a leaf say no more than that a probability is this near to 0 or 1."""


class TreeClassifier(BinaryClassifier):
    """River's ``HoeffdingAdaptiveTreeClassifier``, which replaces branches whose errors drift.

    It splits sooner than with River's own settings, since carts are thousands and not millions, and predicts
    by counting, since naive Bayes in its leaves takes many related features for independent witnesses.
    ``grace`` is the number of outcomes in a leaf between attempts to split it. Bounded by ``depth`` and the
    encoder's names.
    """

    def __init__(self, seed: int = 1, grace: int = 100, depth: int = 8) -> None:
        self.seed = seed
        self.grace = grace
        self.depth = depth
        self.encoder = Encoder()
        self.tree: Any = tree.HoeffdingAdaptiveTreeClassifier(
            grace_period=grace,
            max_depth=depth,
            delta=1e-3,
            tau=0.1,
            leaf_prediction="mc",
            binary_split=True,
            bootstrap_sampling=False,
            seed=seed,
        )

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        return share_of_true(self.tree.predict_proba_one(self.encoder.plain(x)))

    def predict_then_learn(self, x: Features, y: bool, w: float) -> float:
        """The probability before this update, which the leaves it reaches count ``w`` times."""
        plain = self.encoder.plain(x)
        p = share_of_true(self.tree.predict_proba_one(plain))
        if w > 0.0:
            self.tree.learn_one(plain, y, w=w)
            self.encoder.learn(x)
        return p


class ForestClassifier(BinaryClassifier):
    """River's ``ARFClassifier``: adaptive trees on random features, strong on curved data, and slow.

    Leaves count, as in the tree; River's naive Bayes leaves would change when they predict. River's forest
    takes no weights: an update is repeated, its fraction with a seeded probability, at most ``max_copies``
    times. Bounded by ``trees``, ``depth`` and the encoder's names.
    """

    def __init__(self, seed: int = 1, trees: int = 10, depth: int = 10, max_copies: int = 20) -> None:
        self.seed = seed
        self.trees = trees
        self.depth = depth
        self.max_copies = max_copies
        self.encoder = Encoder()
        self.rng = Random(seed)  # noqa: S311 - draws copies, not secrets
        self.forest: Any = forest.ARFClassifier(
            n_models=trees, max_depth=depth, leaf_prediction="mc", seed=seed
        )

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        return self._predict(self.encoder.plain(x))

    def predict_then_learn(self, x: Features, y: bool, w: float) -> float:
        """The probability before this update, which the trees learn ``w`` times on average."""
        p = self._predict(self.encoder.plain(x))
        if w > 0.0:
            self.encoder.learn(x)  # first: River sizes its random subsets by the features of the first update
            plain = self.encoder.plain(x)
            for _ in range(min(int(w + self.rng.random()), self.max_copies)):
                self.forest.learn_one(plain, y)
        return p

    def _predict(self, plain: dict[str, float | str]) -> float:
        if not len(self.forest):  # River plants its trees in the first prediction
            return 0.5
        return share_of_true(self.forest.predict_proba_one(plain))


def share_of_true(votes: dict[Any, float]) -> float:
    """The share of True among ``votes``, a half where there are none, kept off 0 and 1."""
    yes = votes.get(True, 0.0)
    total = yes + votes.get(False, 0.0)
    return min(max(yes / total, LEAST), 1.0 - LEAST) if total > 0.0 else 0.5
