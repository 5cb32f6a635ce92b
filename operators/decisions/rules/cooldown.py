"""The time for which a person gets no further offer: after one, after a purchase, after a dismissal."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from operators.decisions.rules.person_history import SLACK_S, Histories, PersonHistory
from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Market, Offer, Shop

AFTER_OFFER: Final = "cooldown"
AFTER_PURCHASE: Final = "cooldown_purchase"
AFTER_DISMISSAL: Final = "cooldown_dismissal"


class Latest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a visitor or a user last put an offer away, and bought something, lately, in the order of time."""

    dismissed_s: float = -math.inf
    purchases_s: tuple[float, ...] = ()

    def purchased_s(self, until_s: float = math.inf) -> float:
        """Return when something was last bought, as known at a time."""
        return max((at_s for at_s in self.purchases_s if at_s <= until_s), default=-math.inf)


PURCHASES: Final = 8
"""So many purchases are remembered, so that what is read again after a crash is judged as of its time."""
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Latest)


class Cooldown(Rule):
    """Removes all offers of a person who lately had one, bought something or put an offer away.

    The offers stand in the ledger, the rest is remembered beside it by visitor, purchases by user too: no
    snapshot grows with it, and changed lengths apply at once. What happened after a moment that is read late
    counts too, whatever the length. Bounded by the visitors and users that the ledger remembers.
    """

    name = "cooldown"

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        self._store = histories.ledger

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the lengths."""
        lengths = market.rules.cooldown
        self._after_offer_s = lengths.after_offer.total_seconds()
        self._after_purchase_s = lengths.after_purchase.total_seconds()
        self._after_dismissal_s = lengths.after_dismissal.total_seconds()
        self.memory_s = self._after_offer_s + SLACK_S

    def alike(self, offer: Offer) -> None:
        """All offers are."""

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``cooldown``, ``cooldown_purchase`` or ``cooldown_dismissal``."""
        if self._after_offer_s and self._histories.of(now).offers_after(now.at_s - self._after_offer_s):
            return AFTER_OFFER
        names = _of_visitors(now.visitors)
        if now.users:
            names += _of_users(now.users)
        latest = [_DECODER.decode(found) for found in map(self._store.recall, names) if found is not None]
        if not latest:
            return None
        if any(each.purchased_s() > now.at_s - self._after_purchase_s for each in latest):
            return AFTER_PURCHASE
        if any(each.dismissed_s > now.at_s - self._after_dismissal_s for each in latest):
            return AFTER_DISMISSAL
        return None

    def had_offer(self, visitors: Sequence[str], at_s: float) -> bool:
        """Return whether a person had an offer, made by then, whose cooldown lasts.

        What was decided later, and is in the ledger because of a crash, does not count.
        """
        if not self._after_offer_s:
            return False
        history = PersonHistory(self._histories.ledger, visitors, ())
        return any(each.at_s <= at_s for each in history.offers_after(at_s - self._after_offer_s))

    def purchased(self, visitors: Sequence[str], user: str | None, at_s: float) -> None:
        """Note that a person bought something."""
        for name in (*_of_visitors(visitors), *_of_users(() if user is None else (user,))):
            before = self._latest(name)
            if at_s not in before.purchases_s:
                purchases_s = tuple(sorted((*before.purchases_s, at_s)))[-PURCHASES:]
                self._remember(name, at_s, Latest(before.dismissed_s, purchases_s))

    def purchased_s(self, visitors: Sequence[str], users: Sequence[str], until_s: float) -> float:
        """Return when a person last bought something, as known at a time."""
        names = (*_of_visitors(visitors), *_of_users(users))
        return max((self._latest(name).purchased_s(until_s) for name in names), default=-math.inf)

    def dismissed(self, visitors: Sequence[str], at_s: float) -> None:
        """Note that a person put an offer away."""
        for name in _of_visitors(visitors):
            before = self._latest(name)
            if at_s > before.dismissed_s:
                self._remember(name, at_s, Latest(at_s, before.purchases_s))

    def _latest(self, name: str) -> Latest:
        found = self._store.recall(name)
        return Latest() if found is None else _DECODER.decode(found)

    def _remember(self, name: str, at_s: float, latest: Latest) -> None:
        at_s = max(at_s, latest.purchased_s(), latest.dismissed_s)
        self._store.remember(name, at_s, _ENCODER.encode(latest))


def _of_visitors(visitors: Sequence[str]) -> list[str]:
    return [f"cooldown of {visitor}" for visitor in visitors]


def _of_users(users: Sequence[str]) -> list[str]:
    return [f"cooldown of user {user}" for user in users]
