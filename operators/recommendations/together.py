"""Products that go together more often than their popularity explains."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from operators.recommendations.decay import decay, decays
from operators.recommendations.draws import draws
from operators.recommendations.learner import NOTHING, Context, Group, Scores, summed
from operators.recommendations.numbering import NONE, Numbering, Numbers, slot_of, slots_of
from operators.state.array_table import ArrayTable
from operators.state.rows import StateRows

NEIGHBOURS: Final = 64
"""Of a product so many others are counted."""
ITEMS_LEARNED: Final = 32
"""Of a group the last so many products are learned from."""
SIGNIFICANCE: Final = 3.84
"""The floor of the log-likelihood ratio: chance alone reaches it once in twenty times."""


class Together:
    """Counts which products are in one visit, or in one order, and fades the counts with a half-life.

    A pair counts only where it is seen more often than if the two had nothing to do with each other, by a
    log-likelihood ratio (Dunning, 1993) of at least ``SIGNIFICANCE``: a best-seller is together with
    everything, and goes with nothing for that. ``recent``: what is late in a context counts more.

    Of each product ``NEIGHBOURS`` others are counted, as in Unbiased Space Saving (Ting, 2018): a new one
    adds to the smallest count, and takes its place with the probability by which the count stays unbiased;
    draws follow from the group's number. Bounded by 529 bytes a product.
    """

    def __init__(  # noqa: PLR0913  where its rows are, and how it counts
        self,
        name: str,
        rows: StateRows,
        prefix: bytes,
        items: Numbering,
        *,
        half_life_s: float,
        recent: bool,
    ) -> None:
        self.name = name
        self._items = items
        self._half_life_s = half_life_s
        self._recent = recent
        columns = {
            "others": ("u4", NEIGHBOURS),
            "counts": ("f4", NEIGHBOURS),
            "seen": ("f8", 1),
            "at_s": ("f8", 1),
        }
        self._pairs = ArrayTable(rows, prefix + b"p", columns, items.capacity)
        self._groups = ArrayTable(rows, prefix + b"g", {"seen": ("f8", 1), "at_s": ("f8", 1)}, 1)

    def learn(self, group: Group) -> None:
        """Count every pair of a group; one that is told late counts as of the latest before it."""
        items = group.items[-ITEMS_LEARNED:]
        groups, pairs = self._groups, self._pairs
        groups.touch(0)
        at_s = max(group.at_s, float(groups["at_s"][0]))
        groups["seen"][0] = groups["seen"][0] * decay(at_s - groups["at_s"][0], self._half_life_s) + 1.0
        groups["at_s"][0] = at_s
        drawn = draws(group.number, len(items) ** 2).reshape(len(items), len(items))
        for place, item in enumerate(items.tolist()):
            slot = slot_of(item)
            pairs.touch(slot)
            faded = decay(at_s - pairs["at_s"][slot], self._half_life_s)
            pairs["seen"][slot] = pairs["seen"][slot] * faded + 1.0
            pairs["at_s"][slot] = at_s
            counts = pairs["counts"][slot]
            counts *= faded
            if len(items) > 1:
                _count(pairs["others"][slot], counts, np.delete(items, place)[::-1], drawn[place])

    def forget(self, slot: int) -> None:
        """Forget what a product was together with."""
        self._pairs.clear(slot)

    def scores(self, context: Context) -> Scores:
        """Return the products that go with those of the context."""
        asked, others, values = self._weighed(context)
        if not len(asked):
            return NOTHING
        counts = values > 0
        return summed(others[counts], values[counts])

    def anchors(self, context: Context, items: Sequence[int]) -> list[int]:
        """Return for each candidate the product of the context that it goes with most."""
        asked, others, values = self._weighed(context)
        found: list[int] = []
        for item in items:
            of_item = np.where(others == item, values, 0.0).max(axis=1, initial=0.0)
            found.append(int(asked[of_item.argmax()]) if of_item.any() else NONE)
        return found

    def _weighed(self, context: Context) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
        """Return what was asked for and, a row for each, what it was seen with and how much that counts."""
        pairs, half_life_s = self._pairs, self._half_life_s
        asked = context.items[-ITEMS_LEARNED:]
        slots = slots_of(asked)
        asked, slots = asked[slots < len(pairs)], slots[slots < len(pairs)]
        faded = decays(context.at_s - pairs["at_s"][slots], half_life_s)[:, None]
        others, together = pairs["others"][slots], pairs["counts"][slots] * faded
        places = np.minimum(slots_of(others), len(pairs) - 1)
        one = pairs["seen"][slots][:, None] * faded
        other = pairs["seen"][places] * decays(context.at_s - pairs["at_s"][places], half_life_s)
        groups = self._groups["seen"][0] * decay(context.at_s - self._groups["at_s"][0], half_life_s)
        is_there = self._items.known(others) & (together * groups > one * other)
        is_there &= log_likelihood_ratio(together, one, other, groups) >= SIGNIFICANCE
        share = np.divide(together, one, out=np.zeros_like(together), where=is_there)
        if self._recent:
            share /= np.arange(len(asked), 0, -1)[:, None]
        return asked, others, share


def _count(others: Numbers, counts: NDArray[np.float32], seen: Numbers, drawn: NDArray[np.float64]) -> None:
    """Count products in a row; those that are new to it, the latest first, add to the smallest counts."""
    match = others == seen[:, None]
    is_there = match.any(axis=1)
    counts[match[is_there].argmax(axis=1)] += 1.0
    new = seen[~is_there]
    smallest = np.argsort(counts, kind="stable")[: len(new)]
    counts[smallest] += 1.0
    taken = drawn[: len(smallest)] * counts[smallest] < 1.0
    others[smallest[taken]] = new[: len(smallest)][taken]


def log_likelihood_ratio(
    together: NDArray[np.float64], one: NDArray[np.float64], other: NDArray[np.float64], groups: float
) -> NDArray[np.float64]:
    """Return G squared of seeing two products together so often, each so often alone, in so many groups.

    >>> seen = [np.array([each]) for each in (10.0, 20.0, 50.0)]
    >>> float(log_likelihood_ratio(*seen, 1000.0)[0]) > 30, float(log_likelihood_ratio(*seen, 100.0)[0])
    (True, 0.0)
    """
    both = np.minimum(together, np.minimum(one, other))
    parts = (both, one - both, other - both, np.maximum(groups - one - other + both, 0.0))
    whole = parts[0] + parts[1] + parts[2] + parts[3]
    margins = (one, other, whole - one, whole - other)
    found = sum(map(_entropy, parts)) - sum(map(_entropy, margins)) + _entropy(whole)
    return np.maximum(np.round(2.0 * found, 9), 0.0)


def _entropy(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x * np.log(np.maximum(x, 1e-300))
