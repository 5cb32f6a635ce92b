"""At most so many offers to one person in an hour, a day or a week."""

from typing import Final

from operators.decisions.calendar_windows import LONGEST_S, window_start_s
from operators.decisions.rules.cap_scope import CapScope, caps_of, covering
from operators.decisions.rules.holding import Publication
from operators.decisions.rules.person_history import SLACK_S, Histories
from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Market, Offer, Shop

REASON: Final = "cap"


class Caps(Rule):
    """Removes an offer that would be one too many for the person, by a cap ``per = "person"``.

    It counts in the ledger what was made to any of the person's visitors, so it has no memory of its own, and
    a crash loses nothing. An offer counts when it is published, by the clock where the person is now.
    """

    name = "caps"

    def __init__(self, histories: Histories, published: Publication) -> None:
        self._histories = histories
        self._published = published
        self._caps: list[CapScope] = []
        self._covering: dict[str, list[int]] = {}
        self._now: Situation | None = None
        self._reached: dict[tuple[int, float], bool] = {}

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the caps."""
        self._caps = caps_of(shop, market, "person")
        self._covering = covering(self._caps, shop.arms(market.name))
        longest_s = max((LONGEST_S[scope.cap.by] for scope in self._caps), default=-SLACK_S)
        self.memory_s = longest_s + SLACK_S
        self._now = None

    def concerns(self, offer: Offer) -> bool:
        """Return whether a cap covers the offer."""
        return bool(self._covering[offer.name])

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``cap`` for an offer that would be one too many."""
        if not self.concerns(offer):
            return None
        if self._now is not now:
            self._now, self._reached = now, {}
        at_s = self._published.at_s(offer, now)
        for number in self._covering[offer.name]:
            is_reached = self._reached.get((number, at_s))
            if is_reached is None:  # it is found out once a moment
                scope = self._caps[number]
                is_reached = self._count(scope, now, at_s) >= scope.cap.at_most
                self._reached[number, at_s] = is_reached
            if is_reached:
                return REASON
        return None

    def _count(self, scope: CapScope, now: Situation, at_s: float) -> int:
        """Return how many offers count in the window in which this one would be published."""
        by, zone = scope.cap.by, now.zone
        start_s = window_start_s(by, at_s, zone)
        made = self._histories.of(now).offers_since(start_s)
        return sum(
            scope.covers(each.arm) and window_start_s(by, each.published_s, zone) == start_s for each in made
        )
