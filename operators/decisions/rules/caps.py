"""At most so many offers to one person in an hour, a day or a week."""

from typing import Final

from operators.decisions.calendar_windows import LONGEST_S, window_start_s
from operators.decisions.rules.cap_rule import CapRule
from operators.decisions.rules.cap_scope import CapScope
from operators.decisions.rules.holding import Publication
from operators.decisions.rules.person_history import SLACK_S, Histories
from operators.decisions.rules.rule import Situation
from schemas.shop import Market, Shop

REASON: Final = "cap"


class Caps(CapRule):
    """Removes an offer as ``cap`` that would be one too many for the person, by a cap ``per = "person"``.

    It counts in the ledger what was made to any of the person's visitors, so it has no memory of its own, and
    a crash loses nothing. An offer counts by the clock where the person is now.
    """

    name = "caps"
    per = "person"
    reason = REASON

    def __init__(self, histories: Histories, published: Publication) -> None:
        super().__init__(published)
        self._histories = histories

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the caps."""
        super().configure(shop, market)
        longest_s = max((LONGEST_S[scope.cap.by] for scope in self._caps), default=-SLACK_S)
        self.memory_s = longest_s + SLACK_S
        self._longest_s = longest_s
        self._shuts = any(scope.cap.at_most == 0 for scope in self._caps)

    def _is_new(self, now: Situation, at_s: float) -> bool:
        """Return whether the person had no offer within the longest window: only a cap of 0 is full then."""
        if self._shuts:
            return False
        return not self._caps or not self._histories.of(now).offers_since(at_s - self._longest_s)

    def _count(self, scope: CapScope, now: Situation, at_s: float) -> int:
        """Return how many offers count in the window in which this one would be published."""
        by, zone = scope.cap.by, now.zone
        start_s = window_start_s(by, at_s, zone)
        made = self._histories.of(now).offers_since(start_s)
        if not made:
            return 0
        return sum(
            scope.covers(each.arm) and window_start_s(by, each.published_s, zone) == start_s for each in made
        )
