"""What a check has found, in numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from flows.studies.check.tally import Tally
from schemas.adapters.guessing import Fit
from schemas.shop import Shop

LITTLE: Final = 0.5
"""Below this share of what is read, little is taken: the command ends with exit code 1."""


class SourceFindings(NamedTuple):
    """What was read: how many records of which of how many partitions, in which format, and how well all fit.

    ``is_whole``: there are no more records. ``is_found``: nobody named the format. ``better`` fits clearly
    better. ``partitions`` is None for a file.
    """

    name: str
    records: int
    is_whole: bool
    partitions: int | None
    form: str
    is_found: bool
    fits: Mapping[str, Fit]
    better: str | None


class Findings(NamedTuple):
    """What a check has found in its sources, for a shop as its offers file says it is."""

    sources: Sequence[SourceFindings]
    tally: Tally
    shop: Shop

    @property
    def total(self) -> int:
        """How many events were read, whatever became of them."""
        counts = self.tally.counts
        return counts.processed + counts.duplicate + counts.rejected

    @property
    def share_taken(self) -> float:
        """The share of them that is taken; duplicates are."""
        return 1.0 - self.tally.counts.rejected / self.total if self.total else 0.0

    @property
    def is_little(self) -> bool:
        """Whether nothing or little was taken."""
        return self.share_taken < LITTLE or not self.tally.counts.processed

    @property
    def unknown_markets(self) -> Counter[str]:
        """The markets that events name and the offers file does not."""
        return Counter({name: n for name, n in self.tally.markets.items() if name not in self.shop.markets})

    @property
    def foreign_currencies(self) -> Counter[str]:
        """The currencies that no market has or converts."""
        known = {name for market in self.shop.markets.values() for name in (market.currency, *market.rates)}
        return Counter({name: n for name, n in self.tally.currencies.items() if name not in known})
