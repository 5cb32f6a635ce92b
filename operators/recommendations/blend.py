"""Learners of one kind of group, blended by what they would have hit."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from operators.recommendations.draws import draws
from operators.recommendations.learner import Context, Group, Learner, Scores, distinct
from operators.recommendations.mixture import Mixture
from operators.state.array_table import ArrayTable
from operators.state.rows import StateRows

ALL_JUDGED: Final = 10_000
"""The first so many groups are all predicted before they are learned, then one in ``JUDGED_ONE_IN``."""
JUDGED_ONE_IN: Final = 10


class Candidate(NamedTuple):
    """A product by its number, the share of the blend that it has, and the learner that gave it most."""

    item: int
    share: float
    learner: Learner


class Blend:
    """Learns from groups of one kind, and predicts what comes next in one.

    Of a group that is predicted, one place is drawn at which what came before is the context. ``comes_back``:
    what is in the context may come next, too, as in a visit; nobody puts it into a cart again. Bounded as its
    learners are.
    """

    def __init__(
        self, rows: StateRows, prefix: bytes, learners: Sequence[Learner], *, comes_back: bool
    ) -> None:
        self.learners = tuple(learners)
        self._comes_back = comes_back
        self.mixture = Mixture(rows, prefix + b"m", len(learners))
        self._count = ArrayTable(rows, prefix + b"c", {"groups": ("u8", 1)}, 1)

    @property
    def groups(self) -> int:
        """How many groups were learned."""
        return int(self._count["groups"][0])

    def learn(self, items: Sequence[int], at_s: float) -> None:
        """Predict one product of a group by those before it, then learn the group; products may repeat."""
        if not items:
            return
        self._count.touch(0)
        self._count["groups"][0] += 1
        number = self.groups
        if len(items) > 1 and (number <= ALL_JUDGED or number % JUDGED_ONE_IN == 0):
            place = 1 + int(draws(number, 1)[0] * (len(items) - 1))
            before = distinct(items[:place])
            self.mixture.learn(self.scores(Context(before, at_s, before)), items[place])
        group = Group(distinct(items), at_s, number)
        for learner in self.learners:
            learner.learn(group)

    def forget(self, slot: int) -> None:
        """Forget the product that had a slot."""
        for learner in self.learners:
            learner.forget(slot)

    def scores(self, context: Context) -> list[Scores]:
        """Return what each learner says."""
        scores = [learner.scores(context) for learner in self.learners]
        if self._comes_back:
            return scores
        is_new = [~(each.items[:, None] == context.items).any(axis=1) for each in scores]
        return [Scores(each.items[new], each.values[new]) for each, new in zip(scores, is_new, strict=True)]

    def candidates(self, context: Context) -> list[Candidate]:
        """Return the best candidates, the best first."""
        scores = self.scores(context)
        blended, learners = self.mixture.blend(scores)
        return [
            Candidate(item, share, self.learners[learner])
            for item, share, learner in zip(
                blended.items.tolist(), blended.values.tolist(), learners.tolist(), strict=True
            )
        ]
