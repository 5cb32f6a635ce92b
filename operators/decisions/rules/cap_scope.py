"""Which offers a cap is about."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas.limits import Cap
from schemas.rules import Channel
from schemas.shop import Market, Offer, Shop


class CapScope(NamedTuple):
    """A cap of a market, with the channels of all offers by name."""

    cap: Cap
    channels: Mapping[str, Channel]

    @property
    def is_total(self) -> bool:
        """Whether all offers count."""
        return self.cap.offers is None and self.cap.channels is None

    def covers(self, arm: str) -> bool:
        """Return whether an offer counts and is removed; one that is gone counts on whatever channel."""
        cap = self.cap
        if cap.offers is not None and arm not in cap.offers:
            return False
        return cap.channels is None or self.channels.get(arm) in {None, *cap.channels}


def caps_of(shop: Shop, market: Market, per: str) -> list[CapScope]:
    """Return the caps of a market for each person, or for the market in total."""
    channels = {offer.name: offer.channel for offer in shop.offers}
    return [
        CapScope(cap, channels)
        for cap in shop.caps.values()
        if cap.per == per and (cap.markets is None or market.name in cap.markets)
    ]


def covering(caps: Sequence[CapScope], offers: Iterable[Offer]) -> dict[str, list[int]]:
    """Return the places of the caps that cover each offer, by its name."""
    return {
        offer.name: [place for place, scope in enumerate(caps) if scope.covers(offer.name)]
        for offer in offers
    }
