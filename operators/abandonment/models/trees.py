"""River's adaptive trees over plain features: one tree, and a forest of them."""

from random import Random
from typing import Any

from river import forest, tree

from operators.abandonment.models.base import Features, Model
from operators.abandonment.models.encoding import Encoder

MOST_COPIES = 20


class Tree(Model):
    """A Hoeffding tree that replaces branches whose errors drift.

    It splits sooner than River's own settings do, since carts are thousands and not millions, and answers by
    counting, since naive Bayes in its leaves takes many related features for independent witnesses.
    Bounded by its depth and the encoder's names.
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
        return share(self.tree.predict_proba_one(self.encoder.plain(x)))

    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the probability was; the leaves the lesson reaches then count it ``w`` times."""
        plain = self.encoder.plain(x)
        p = share(self.tree.predict_proba_one(plain))
        if w > 0.0:
            self.tree.learn_one(plain, y, w=w)
            self.encoder.learn(x)
        return p


class Forest(Model):
    """Ten adaptive trees on random features: the strongest on bent data, at half a millisecond a lesson.

    Leaves count, as in the tree; asking River's naive Bayes leaves would change them. River's forest knows no
    weights: a lesson is repeated, its fraction by a seeded chance, at most 20 times.
    """

    def __init__(self, seed: int = 1, trees: int = 10, depth: int = 10) -> None:
        self.seed = seed
        self.trees = trees
        self.depth = depth
        self.encoder = Encoder()
        self.chance = Random(seed)  # noqa: S311 - draws copies, not secrets
        self.forest: Any = forest.ARFClassifier(
            n_models=trees, max_depth=depth, leaf_prediction="mc", seed=seed
        )

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        return self._answer(self.encoder.plain(x))

    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the probability was; the trees then see the lesson ``w`` times, on average."""
        p = self._answer(self.encoder.plain(x))
        if w > 0.0:
            self.encoder.learn(x)  # first: River sizes its random subsets by the features of the first lesson
            plain = self.encoder.plain(x)
            for _ in range(min(int(w + self.chance.random()), MOST_COPIES)):
                self.forest.learn_one(plain, y)
        return p

    def _answer(self, plain: dict[str, float | str]) -> float:
        if not len(self.forest):  # River would plant its trees during the question
            return 0.5
        return share(self.forest.predict_proba_one(plain))


def share(votes: dict[Any, float]) -> float:
    """The share of True among ``votes``, a half where there are none, kept off 0 and 1."""
    yes = votes.get(True, 0.0)
    total = yes + votes.get(False, 0.0)
    return min(max(yes / total, 1e-3), 1.0 - 1e-3) if total > 0.0 else 0.5
