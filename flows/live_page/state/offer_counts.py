"""How many offers were made and are open, and how the others ended."""

from collections import Counter
from typing import Final, Literal, NamedTuple

from schemas.offers import EndedOffer, OfferDecided

KEPT: Final = 100_000

State = Literal["made", "open", "redeemed", "expired", "revoked"]
STATES: Final[tuple[State, ...]] = ("made", "open", "redeemed", "expired", "revoked")
ENDS: Final[dict[str, State]] = {
    "offer.redeemed": "redeemed",
    "offer.expired": "expired",
    "offer.revoked": "revoked",
}


class _Open(NamedTuple):
    name: str
    expires_s: float


class OfferCounts:
    """Offers of a market by name and state, of those whose beginning was read.

    Bounded by ``most`` open offers and by the names of offers. An offer whose end does not come is dropped
    once it has expired.
    """

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._open: dict[str, _Open] = {}
        self.counts: Counter[tuple[str, State]] = Counter()
        self.reasons: Counter[str] = Counter()

    def add_offer(self, offer: OfferDecided) -> None:
        """Add an offer that was made."""
        name = offer.data.treatment.name
        self.counts[name, "made"] += 1
        self._open[offer.data.offer_id] = _Open(name, offer.data.expires_at.seconds)
        self.counts[name, "open"] += 1
        if len(self._open) > self._most:
            self._close(next(iter(self._open)))

    def add_end(self, ended: EndedOffer) -> None:
        """Add the end of an offer; of one whose beginning was not read, nothing."""
        name = self._close(ended.data.offer_id)
        if name is not None:
            self.counts[name, ENDS[ended.type]] += 1
            if ended.type == "offer.revoked":
                self.reasons[ended.data.reason] += 1

    def advance(self, time_s: float) -> None:
        """Drop what has expired by a time and of which no end was read."""
        late = [offer for offer, each in self._open.items() if each.expires_s < time_s]
        for offer in late:
            self._close(offer)

    def of(self, name: str) -> dict[State, int]:
        """Return the counts of an offer by state."""
        return {state: self.counts[name, state] for state in STATES}

    def total(self, state: State) -> int:
        """Return how many offers are in a state, or were made."""
        return sum(count for (_, each), count in self.counts.items() if each == state)

    def names(self) -> list[str]:
        """Return the offers that were made, by name."""
        return sorted({name for name, _ in self.counts})

    def _close(self, offer: str) -> str | None:
        found = self._open.pop(offer, None)
        if found is None:
            return None
        self.counts[found.name, "open"] -= 1
        return found.name
