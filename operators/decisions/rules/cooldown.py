"""The time for which a person who had an offer gets no further one."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from operators.decisions.expiring import drop_from_front
from operators.decisions.ledger import LedgerEntry
from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Market, Offer, Shop

REASON: Final = "cooldown"


class Cooldown(Rule):
    """Removes all offers of a person who had one lately.

    It remembers by visitor when the latest offer was made. Bounded by the visitors with an offer of one
    cooldown.
    """

    name = "cooldown"

    def __init__(self) -> None:
        self._offered_s: dict[str, float] = {}
        self._after_offer_s = 0.0

    def __len__(self) -> int:
        """Return how many visitors are cooling down."""
        return len(self._offered_s)

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the lengths."""
        self._after_offer_s = market.rules.cooldown.after_offer.total_seconds()

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``cooldown`` for a person who had an offer lately."""
        return REASON if self.had_offer(now.visitors, now.at_s) else None

    def had_offer(self, visitors: Sequence[str], at_s: float) -> bool:
        """Return whether a person had an offer so lately that no other follows."""
        latest_s = max((self._offered_s.get(each, -math.inf) for each in visitors), default=-math.inf)
        return latest_s + self._after_offer_s > at_s

    def decided(self, entry: LedgerEntry) -> None:
        """Note that a visitor had an offer."""
        terms = entry.terms
        if terms.expires_s is not None:
            before_s = self._offered_s.pop(terms.visitor, -math.inf)
            self._offered_s[terms.visitor] = max(before_s, terms.at_s)

    def forget(self, time_s: float) -> None:
        """Drop the cooldowns that are over."""
        drop_from_front(self._offered_s, lambda at_s: at_s < time_s - self._after_offer_s)

    def figures(self) -> dict[str, float]:
        """Return how many visitors are cooling down."""
        return {"cooldowns": len(self)}

    def state(self) -> bytes:
        """Return when each visitor had an offer."""
        return msgspec.msgpack.encode(self._offered_s)

    def restore(self, state: bytes) -> None:
        """Take up when each visitor had an offer."""
        self._offered_s = msgspec.msgpack.decode(state, type=dict[str, float])
