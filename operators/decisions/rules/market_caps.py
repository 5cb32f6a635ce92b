"""At most so many offers of a market in an hour, a day or a week."""

import math
from typing import Final, get_args
from zoneinfo import ZoneInfo

import msgspec

from operators.decisions.calendar_windows import MINUTE_S, Window, window_start_s
from operators.decisions.ledger import LedgerEntry
from operators.decisions.rules.cap_rule import CapRule
from operators.decisions.rules.cap_scope import CapScope
from operators.decisions.rules.holding import Publication
from operators.decisions.rules.person_history import past_offer
from operators.decisions.rules.rule import Situation
from schemas.shop import Market, Shop

REASON: Final = "cap_total"
WINDOWS: Final[tuple[Window, ...]] = get_args(Window)
FORGET_EVERY_S: Final = 600.0

Counts = dict[Window, dict[int, dict[str, int]]]
"""How many offers of each arm were published in each window, by when that began."""


class MarketCaps(CapRule):
    """Removes an offer as ``cap_total`` that would be one too many for the market, by ``per = "market"``.

    It counts all offers by hour, day and week in the market's time zone, so that a cap that controls add
    knows what went before. Bounded by the arms in the windows that are not over.
    """

    name = "market_caps"
    per = "market"
    reason = REASON

    def __init__(self, published: Publication) -> None:
        super().__init__(published)
        self._zone = ZoneInfo("UTC")
        self._counts: Counts = {by: {} for by in WINDOWS}
        self._forgot_s = -math.inf
        self._minute: float | None = None
        self._live: tuple[dict[str, int], ...] = ()

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the caps and the time zone."""
        super().configure(shop, market)
        self._zone = ZoneInfo(market.timezone)
        self._minute = None

    def _count(self, scope: CapScope, now: Situation, at_s: float) -> int:
        """Return how many offers count in the window in which one more would be published."""
        by = scope.cap.by
        made = self._counts[by].get(self._start(by, at_s), {})
        if scope.is_total:
            return sum(made.values())
        return sum(count for arm, count in made.items() if scope.covers(arm))

    def _start(self, by: Window, at_s: float) -> int:
        return int(window_start_s(by, at_s, self._zone))

    def decided(self, entry: LedgerEntry) -> None:
        """Count an offer that was made."""
        offer = past_offer(entry.terms)
        if offer is None:
            return
        arm, minute = offer.arm, offer.published_s // MINUTE_S
        if minute != self._minute:  # windows begin and end at full minutes
            starts = [(windows, self._start(by, offer.published_s)) for by, windows in self._counts.items()]
            self._live = tuple([windows.setdefault(start, {}) for windows, start in starts])
            self._minute = minute
        for made in self._live:
            made[arm] = made.get(arm, 0) + 1

    def forget(self, time_s: float) -> None:
        """Drop the windows that are over."""
        if time_s < self._forgot_s + FORGET_EVERY_S or not math.isfinite(time_s):
            return
        self._forgot_s = time_s
        self._minute = None
        for by, windows in self._counts.items():
            live_s = self._start(by, time_s)
            for start_s in [each for each in windows if each < live_s]:
                del windows[start_s]

    def state(self) -> bytes:
        """Return the counts."""
        return msgspec.msgpack.encode(self._counts)

    def restore(self, state: bytes) -> None:
        """Take up the counts."""
        self._counts = msgspec.msgpack.decode(state, type=Counts)
        self._minute = None
