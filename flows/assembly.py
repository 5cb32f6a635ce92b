"""From settings to the things the page is drawn with: the one place of assembly."""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from flows.dataflow import Rules
from flows.settings import Settings
from flows.stores.seen_ids import MemorySeen, RocksSeen
from operators.decisions.ledger import Ledger
from operators.decisions.market import MarketSettings
from operators.decisions.selection import DecisionSettings
from operators.ingest.partition_reader import Reader, ReadingSettings
from operators.sessions.session_machine import VisitSettings
from schemas.adapters import decoder
from schemas.shop import Shop


def rules_of(  # noqa: PLR0913  the one place of assembly is told everything
    settings: Settings,
    shop: Shop,
    parts: Iterable[str],
    ledger_of: Callable[[str], Ledger],
    *,
    ordered: bool,
    emit_after_s: float = float("-inf"),
) -> Rules:
    """Return what the stations go by."""
    decisions = DecisionSettings(
        deciding=frozenset(settings.deciding),
        policy=settings.policy,
        seed=settings.seed,
        cooldown_s=settings.cooldown.total_seconds(),
        correction_s=settings.correction.total_seconds(),
        max_age_s={
            "on_site": settings.max_age_on_site.total_seconds(),
            "app": settings.max_age_app.total_seconds(),
            "email": settings.max_age_email.total_seconds(),
        },
        emit_after_s=emit_after_s,
        shadow=settings.shadow,
    )
    visits = VisitSettings(
        timezones={name: ZoneInfo(market.timezone) for name, market in shop.markets.items()},
        session_gap_s=settings.session_gap.total_seconds(),
        idle_s=settings.idle_after.total_seconds(),
        recovery_s=settings.recovery.total_seconds(),
        lateness_s=settings.lateness.total_seconds(),
    )
    # a cart left behind is known a gap after its last event; half a gap more is for the visit up to there.
    # Live nothing ends, and an incident is better told in minutes.
    label_delay_s = 1.5 * settings.session_gap.total_seconds() if ordered else 0.0
    markets = MarketSettings(decisions, settings.model, settings.on_drift, label_delay_s, ordered=ordered)
    return Rules(shop, tuple(parts), visits, markets, ledger_of)


def reader_of(
    settings: Settings, shop: Shop, format_of: Callable[[str], str], seen_in: Path | None, *, ordered: bool
) -> Callable[[str, bytes | None], Reader]:
    """Return the maker of the reader of one part; ``seen_in`` is where ids are remembered, None: in memory.

    What has no broker's timestamp may be no later than now.
    """
    markets = frozenset(shop.markets)
    reading = ReadingSettings(
        markets=markets,
        costed=frozenset(name for name, market in shop.markets.items() if market.margin_rate is not None),
        lateness_s=settings.lateness.total_seconds(),
        clock_skew_s=settings.clock_skew.total_seconds(),
        latest_s=time.time() if settings.idle_time == "wall" else math.inf,
        ordered=ordered,
        wall=settings.idle_time == "wall",
    )

    def make(part: str, state: bytes | None) -> Reader:
        topic = part.rpartition("/")[0]
        decode = decoder(format_of(topic), markets, settings.max_event_bytes)
        seen = MemorySeen() if seen_in is None else RocksSeen(seen_in / part.replace("/", "-"))
        return Reader(part, reading, decode, seen, state)

    return make
