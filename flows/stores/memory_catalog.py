"""The catalog in memory, for runs without a state directory: replays and tests."""

from bisect import bisect_right, insort

from operators.streaming.messages import Product


class MemoryCatalog:
    """The products of one market for one run.

    Bounded by the products, and by what changed since the time that was last passed to ``forget``.
    """

    def __init__(self) -> None:
        self._products: dict[str, dict[float, Product | None]] = {}
        self._times_s: dict[str, list[float]] = {}

    def as_of(self, sku: str, at_s: float) -> Product | None:
        """Return a product as it was at a time."""
        times_s = self._times_s.get(sku, [])
        number = bisect_right(times_s, at_s)
        return self._products[sku][times_s[number - 1]] if number else None

    def put(self, sku: str, at_s: float, product: Product | None) -> None:
        """Keep what a product is from a time on."""
        versions = self._products.setdefault(sku, {})
        if at_s not in versions:
            insort(self._times_s.setdefault(sku, []), at_s)
        versions[at_s] = product

    def sync(self) -> None:
        """Nothing outlives the run."""

    def forget(self, before_s: float) -> None:
        """Drop what only times before this one can need."""
        for sku, times_s in list(self._times_s.items()):
            first = bisect_right(times_s, before_s) - 1
            if first >= 0 and self._products[sku][times_s[first]] is None:
                first += 1
            for at_s in times_s[: max(first, 0)]:
                del self._products[sku][at_s]
            del times_s[: max(first, 0)]
            if not times_s:
                del self._times_s[sku], self._products[sku]

    def close(self) -> None:
        """Nothing is open."""
