"""What is known of products as of a time: prices, unit costs, stock."""

from typing import Protocol

from operators.streaming.messages import Product


class Catalog(Protocol):
    """The products of one market through time; it survives the process and is not rolled back after a crash.

    Writing the same again changes nothing, so reading the topic again after a crash does not matter.
    """

    def as_of(self, sku: str, at_s: float) -> Product | None:
        """Return a product as it was at a time, None where it was not known or was removed."""

    def put(self, sku: str, at_s: float, product: Product | None) -> None:
        """Keep what a product is from a time on; None: it is removed."""

    def sync(self) -> None:
        """Make what was put so durable that a power failure does not take it back."""

    def forget(self, before_s: float) -> None:
        """Drop what only times before this one can need: of each product the newest before it stays."""


class NoCatalog:
    """Knows no product and keeps none: the catalog of a market that has none."""

    def as_of(self, sku: str, at_s: float) -> Product | None:
        """Return None."""
        del sku, at_s
        return None

    def put(self, sku: str, at_s: float, product: Product | None) -> None:
        """Keep nothing."""

    def sync(self) -> None:
        """Nothing was put."""

    def forget(self, before_s: float) -> None:
        """Drop nothing."""


class LatestCatalog:
    """A catalog that always says what it knows now, at whatever time it is asked about.

    In immediate mode moments come seconds after what happened: an offer must not be made on a product that
    is known to have sold out meanwhile.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.put = catalog.put
        self.sync = catalog.sync
        self.forget = catalog.forget

    def as_of(self, sku: str, at_s: float) -> Product | None:
        """Return a product as it is known now."""
        del at_s
        return self._catalog.as_of(sku, float("inf"))


def is_short(product: Product | None, at_least: int) -> bool:
    """Return whether there are fewer pieces of a product than that; unknown ones are enough."""
    return product is not None and product.stock is not None and product.stock < at_least
