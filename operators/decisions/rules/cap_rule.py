"""What caps of a person and of a market have in common: which offers they cover, and when they are full."""

from abc import abstractmethod
from collections.abc import Hashable
from typing import ClassVar, Final

from operators.decisions.rules.cap_scope import CapScope, caps_of, covering
from operators.decisions.rules.holding import Publication
from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Market, Offer, Shop

NONE: Final[frozenset[int]] = frozenset()


class CapRule(Rule):
    """Removes an offer that would be one too many by a cap of this kind.

    An offer counts when it is published. How many there are is found out once a moment.
    """

    per: ClassVar[str]
    reason: ClassVar[str]

    def __init__(self, published: Publication) -> None:
        self._published = published
        self._caps: list[CapScope] = []
        self._covering: dict[str, list[int]] = {}
        self._now: Situation | None = None
        self._full: dict[float, frozenset[int]] = {}
        self._one_a_channel: tuple[Offer, ...] = ()

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the caps."""
        self._caps = caps_of(shop, market, self.per)
        self._covering = covering(self._caps, shop.arms(market.name))
        covered = [offer for offer in shop.arms(market.name) if self._covering[offer.name]]
        self._one_a_channel = tuple({offer.channel: offer for offer in covered}.values())
        self._now = None

    def concerns(self, offer: Offer) -> bool:
        """Return whether a cap covers the offer."""
        return bool(self._covering[offer.name])

    def alike(self, offer: Offer) -> Hashable:
        """Return the caps that cover it, and its channel, by which it is held."""
        return tuple(self._covering[offer.name]), offer.channel

    def spares(self, now: Situation) -> bool:
        """Return whether no cap is full, on whatever channel an offer would be published."""
        if not self._published.holds(now):
            return not self._full_at(now.at_s, now)
        at_s = self._published.at_s
        return not any(
            self._full_at(each_s, now) for each_s in {at_s(one, now) for one in self._one_a_channel}
        )

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return the reason for an offer that would be one too many."""
        full = self._full_at(self._published.at_s(offer, now), now)
        return None if full.isdisjoint(self._covering[offer.name]) else self.reason

    def _full_at(self, at_s: float, now: Situation) -> frozenset[int]:
        """Return the places of the caps that are full for an offer that is published at a time."""
        if self._now is not now:
            self._now, self._full = now, {}
        full = self._full.get(at_s)
        if full is None:
            full = self._full[at_s] = NONE if self._is_new(now, at_s) else self._find_full(now, at_s)
        return full

    def _find_full(self, now: Situation, at_s: float) -> frozenset[int]:
        caps = enumerate(self._caps)
        return frozenset(
            [number for number, scope in caps if self._count(scope, now, at_s) >= scope.cap.at_most]
        )

    def _is_new(self, now: Situation, at_s: float) -> bool:
        """Return whether it is plain that no cap is full."""
        return False

    @abstractmethod
    def _count(self, scope: CapScope, now: Situation, at_s: float) -> int:
        """Return how many offers count in the window in which one more would be published."""
