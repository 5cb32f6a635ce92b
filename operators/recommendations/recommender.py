"""What goes with a visit or a cart: the learners of one market, told of visits, orders and products."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec
import numpy as np

from operators.recommendations.blend import Blend, Candidate
from operators.recommendations.learner import Context, Learner
from operators.recommendations.new_in_category import NewInCategory
from operators.recommendations.numbering import MOST, NONE, Numbering, slot_of
from operators.recommendations.popular import Popular
from operators.recommendations.seen_counts import SeenCounts
from operators.recommendations.seen_here import SeenHere
from operators.recommendations.session_neighbours import SessionNeighbours
from operators.recommendations.similar_vectors import SimilarVectors
from operators.recommendations.together import Together
from operators.recommendations.trending import Trending
from operators.state.rows import StateRows

DAY_S: Final = 86_400.0
May = Callable[[str], bool]
"""Whether a product may be recommended."""


def _any(_sku: str) -> bool:
    return True


class RecommenderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept, and how fast it fades: products, visits and orders, and half-lives in seconds.

    Beside about 2.4 KB a product, a visit or an order takes 69 bytes.
    """

    products: int = 100_000
    groups: int = 131_072
    together_s: float = 60 * DAY_S
    usual_s: float = 14 * DAY_S
    lately_s: float = 1 * DAY_S


class Recommendation(NamedTuple):
    """A product, how much speaks for it (all candidates together one at most), and why.

    ``because`` is the product of the context that speaks for it, None where no single one does.
    """

    sku: str
    share: float
    learner: str
    because: str | None


class Recommender:
    """The recommendations of one market: ``after`` a visit's products and ``beside`` those in a cart.

    Both are functions of the state: asking changes nothing. Bounded by the products and groups of its
    settings. A visit is learned when it is over, as what it looked at in order, an order as what it bought.
    """

    def __init__(self, settings: RecommenderSettings, rows: StateRows, prefix: bytes = b"") -> None:
        items = self._items = Numbering(rows, prefix + b"n", settings.products)
        self._categories = NewInCategory("new_in_category", rows, prefix + b"c", items)
        self._vectors = SimilarVectors("similar", rows, prefix + b"s", items)

        def blend(kind: bytes, names: tuple[str, str], learners: Sequence[Learner], *, recent: bool) -> Blend:
            counts = SeenCounts(rows, prefix + kind + b"s", items, settings.usual_s, settings.lately_s)
            neighbours = SessionNeighbours(names[0], rows, prefix + kind + b"k", items, settings.groups)
            place = prefix + kind + b"t"
            together = Together(names[1], rows, place, items, half_life_s=settings.together_s, recent=recent)
            popular, trending = Popular("popular", counts), Trending("trending", counts)
            return Blend(
                rows,
                prefix + kind + b"b",
                (*learners, neighbours, together, popular, trending, self._categories, self._vectors),
                comes_back=recent,
            )

        self.viewing = blend(b"v", ("viewed_alike", "viewed_together"), (SeenHere("seen_here"),), recent=True)
        self.buying = blend(b"o", ("bought_alike", "bought_together"), (), recent=False)

    @property
    def products(self) -> int:
        """How many products are known."""
        return len(self._items)

    def learn_visit(self, viewed: Iterable[str], at_s: float) -> None:
        """Learn from a visit that is over: the products it looked at, in order."""
        self.viewing.learn(self._numbers(viewed), at_s)

    def learn_order(self, bought: Iterable[str], at_s: float) -> None:
        """Learn from an order."""
        self.buying.learn(self._numbers(dict.fromkeys(bought)), at_s)

    def describe(self, sku: str, category: str | None = None, vector: Sequence[float] = ()) -> None:
        """Note what a product is; one that nobody has seen yet may be recommended by that."""
        if category is None and not len(vector):
            return
        [item] = self._numbers((sku,))
        if category is not None:
            self._categories.describe(item, category)
        if len(vector):
            self._vectors.describe(item, vector)

    def after(
        self, viewed: Iterable[str], at_s: float, may: May = _any, count: int = 20
    ) -> list[Recommendation]:
        """Return what is likely to be looked at next in a visit, the best first, of what ``may`` be."""
        context = self.context(viewed, at_s)
        return self._recommended(self.viewing.candidates(context), context, may, count)

    def beside(
        self, cart: Iterable[str], at_s: float, may: May = _any, count: int = 20
    ) -> list[Recommendation]:
        """Return what is likely to be bought beside what is in a cart, the best first, of what ``may`` be."""
        context = self.context(cart, at_s)
        return self._recommended(self.buying.candidates(context), context, may, count)

    def _recommended(
        self, candidates: Iterable[Candidate], context: Context, may: May, count: int
    ) -> list[Recommendation]:
        """Return the first so many candidates that may be recommended, with the reason for each."""
        chosen = list(islice((each for each in candidates if may(self.sku(each.item, context))), count))
        anchors: dict[int, int] = {}
        for learner in {each.learner.name: each.learner for each in chosen}.values():
            items = [each.item for each in chosen if each.learner is learner]
            anchors.update(zip(items, learner.anchors(context, items), strict=True))
        return [
            Recommendation(
                self.sku(each.item, context),
                each.share,
                each.learner.name,
                None if anchors[each.item] == NONE else self.sku(anchors[each.item], context),
            )
            for each in chosen
        ]

    def context(self, skus: Iterable[str], at_s: float) -> Context:
        """Return what somebody looked at or has in the cart, the latest last, by numbers."""
        last = tuple(dict.fromkeys(reversed(list(skus))))[::-1]
        found = [self._items.find(sku) for sku in last]
        known = np.array([number for number in found if number != NONE], dtype=np.uint32)
        every = np.array([number or place for place, number in enumerate(found, start=1)], dtype=np.uint32)
        return Context(known, at_s, every, last)

    def sku(self, item: int, context: Context) -> str:
        """Return the sku of a candidate, or of a product of the context."""
        return self._items.name(item) if item >= MOST else context.skus[item - 1]

    def _numbers(self, skus: Iterable[str]) -> list[int]:
        numbers: list[int] = []
        for sku in skus:
            number, is_reused = self._items.see(sku)
            numbers.append(number)
            if is_reused:
                slot = slot_of(number)
                self.viewing.forget(slot)
                self.buying.forget(slot)
        return numbers
