"""How often what came next was among the recommendations made before, for the blend and for each learner."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from time import process_time
from typing import Any, Final

import numpy as np

from flows.studies.recommend.groups import Kind, RecordedGroup
from operators.recommendations.blend import Blend
from operators.recommendations.recommender import Recommender, RecommenderSettings
from operators.state.rows import StateRows

BLEND: Final = "blend"
FIRST: Final = 20
"""A recommendation hits among the first so many."""
MOST_PREDICTIONS: Final = 20_000
"""So many predictions of a kind are made at most, over groups spread evenly."""
NOTE: Final = (
    "The first half of the visits, and of the baskets, is only learned. Of the second half every product but "
    "the first is predicted from those before it, and learned when the visit or the basket is over. HR@20 is "
    "how often it was among the first 20, MRR@20 the mean of one over its rank there. `new`: of those that "
    "had not been looked at before in the visit. `viewed_alike` and `bought_alike` are VS-kNN."
)


class Hits:
    """How often, and at which rank, what came next was found."""

    def __init__(self) -> None:
        self.predictions = self.new = self.hits = self.new_hits = 0
        self.reciprocal = self.new_reciprocal = 0.0

    def add(self, named: Iterable[str], came: str, *, is_new: bool) -> None:
        """Note the first 20 that were named for a prediction, and what came."""
        self.predictions += 1
        self.new += is_new
        for rank, sku in enumerate(named, start=1):
            if rank > FIRST:
                return
            if sku == came:
                self.hits += 1
                self.reciprocal += 1.0 / rank
                self.new_hits += is_new
                self.new_reciprocal += is_new / rank
                return

    def row(self) -> dict[str, float]:
        """Return the hit rates and the mean reciprocal ranks, of all and of the new."""
        every, new = max(self.predictions, 1), max(self.new, 1)
        return {
            "hit_rate": self.hits / every,
            "mrr": self.reciprocal / every,
            "new_hit_rate": self.new_hits / new,
            "new_mrr": self.new_reciprocal / new,
        }


class Trial:
    """Groups of one kind in one go: some of them are predicted, all of them learned."""

    def __init__(self, kind: Kind, groups: Sequence[RecordedGroup], settings: RecommenderSettings) -> None:
        self.kind = kind
        self.hits: defaultdict[str, Hits] = defaultdict(Hits)
        self.seconds: list[float] = []
        self.recommenders: dict[str, Recommender] = {}
        self._settings = settings
        self._half = len(groups) // 2
        predictions = sum(len(group.skus) - 1 for group in groups[self._half :])
        self._every = -(-predictions // MOST_PREDICTIONS) or 1
        self._number = 0

    def take(self, group: RecordedGroup, rival: Callable[[tuple[str, ...]], list[str]] | None = None) -> None:
        """Predict a group, where it is its turn, and learn it; ``rival`` is scored as ``rival``."""
        recommender = self.recommenders.get(group.market)
        if recommender is None:
            recommender = self.recommenders[group.market] = Recommender(self._settings, StateRows())
        if self._number >= self._half and self._number % self._every == 0:
            for place in range(1, len(group.skus)):
                self._predict(recommender, group, place, rival)
        self._number += 1
        learn = recommender.learn_visit if self.kind == "visits" else recommender.learn_order
        learn(group.skus, group.at_s)
        for sku, category in group.categories:
            recommender.describe(sku, category)

    def _predict(
        self,
        recommender: Recommender,
        group: RecordedGroup,
        place: int,
        rival: Callable[[tuple[str, ...]], list[str]] | None,
    ) -> None:
        before, came = group.skus[:place], group.skus[place]
        inside = set(before)
        is_new = came not in inside
        is_visit = self.kind == "visits"

        def may(sku: str) -> bool:
            return is_visit or sku not in inside

        ask = recommender.after if is_visit else recommender.beside
        began = process_time()
        found = ask(before, group.at_s, may, FIRST)
        self.seconds.append(process_time() - began)
        self.hits[BLEND].add((each.sku for each in found), came, is_new=is_new)
        context = recommender.context(before, group.at_s)
        for learner in self.blend(recommender).learners:
            named = (recommender.sku(item, context) for item in learner.scores(context).items.tolist())
            self.hits[learner.name].add(filter(may, named), came, is_new=is_new)
        if rival is not None:
            self.hits["rival"].add(rival(before), came, is_new=is_new)

    def blend(self, recommender: Recommender) -> Blend:
        """Return what of a recommender learns groups of this kind."""
        return recommender.viewing if self.kind == "visits" else recommender.buying

    def result(self) -> dict[str, Any]:
        """Return the figures: a row for the blend and for each learner, and what a question cost."""
        weights: defaultdict[str, float] = defaultdict(float)
        for recommender in self.recommenders.values():
            blend = self.blend(recommender)
            for learner, weight in zip(blend.learners, blend.mixture.weights.tolist(), strict=True):
                weights[learner.name] += weight / len(self.recommenders)
        milliseconds = np.array(self.seconds) * 1e3
        return {
            "kind": self.kind,
            "groups": self._number,
            "predictions": len(self.seconds),
            "products": sum(each.products for each in self.recommenders.values()),
            "milliseconds": float(milliseconds.mean()),
            "milliseconds_p99": float(np.percentile(milliseconds, 99)),
            "learners": [
                {"learner": name, **hits.row(), "weight": weights.get(name)}
                for name, hits in self.hits.items()
            ],
        }


def compared(groups: Sequence[RecordedGroup], settings: RecommenderSettings) -> list[dict[str, Any]]:
    """Return the figures for visits and for baskets, of those kinds of which anything was predicted."""
    results = []
    for kind in ("visits", "baskets"):
        chosen = [group for group in groups if group.kind == kind]
        trial = Trial(kind, chosen, settings)
        for group in chosen:
            trial.take(group)
        if trial.seconds:
            results.append(trial.result())
    return results
