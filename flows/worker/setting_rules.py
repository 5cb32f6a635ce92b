"""What settings must be beside each other: one table of rules, checked once all of them are read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.durations import write_duration
from schemas.errors import SetupError
from schemas.shop import Shop

LONGEST: Final = timedelta(days=3650)
"""Longer durations lead out of the calendar."""
GREATEST_SEED: Final = 2**63 - 1
"""What a snapshot can hold."""
ON_SILENCE: Final = frozenset({"cart_idle", "session_ended"})
"""Triggers that are noticed only when the watermark has passed them, which is ``lateness`` later."""


class AtLeast(NamedTuple):
    """A duration that must not be shorter than another, and why."""

    longer: str
    shorter: str
    why: str


RULES: Final = (
    AtLeast("session_gap", "idle_after", "or a visit ends before its cart is idle"),
    AtLeast("max_lead", "lateness", "or partitions wait for events that may still come"),
)


def check(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for the first setting that does not go with the others; its words name both.

    >>> check({"seed": 0, "emit_after": datetime(2026, 1, 1)})
    Traceback (most recent call last):
    ValueError: EMIT_AFTER must have a time zone, as in `2026-01-31T00:00:00Z`; got 2026-01-01T00:00:00
    """
    for name, value in settings.items():
        if isinstance(value, timedelta) and value > LONGEST:
            raise ValueError(f"{name.upper()} must be at most {LONGEST.days}d; got {write_duration(value)}")
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(
                f"{name.upper()} must have a time zone, as in `2026-01-31T00:00:00Z`; got {value.isoformat()}"
            )
    if settings["seed"] > GREATEST_SEED:
        raise ValueError(f"SEED must be at most {GREATEST_SEED}; got {settings['seed']}")
    for name in ("schema_registry_client", "register_schemas"):
        if settings[name] and settings["schema_registry"] is None:
            raise ValueError(f"SCHEMA_REGISTRY must be set beside {name.upper()}; it is not")
    for rule in RULES:
        _check_order(rule, settings)


def check_freshness(shop: Shop, settings: Mapping[str, Any]) -> None:
    """Raise SetupError for a channel whose offers would all be stale by the time they are decided."""
    lateness = settings["lateness"]
    if not settings["triggers"] <= ON_SILENCE:
        return
    for market in shop.markets.values():
        for channel, age in market.rules.freshness:
            if age < lateness:
                raise SetupError(
                    f"rules.freshness.{channel} of market {market.name} must be at least LATENESS, "
                    f"{write_duration(lateness)}, or each of these offers is stale when it is decided; "
                    f"got {write_duration(age)}"
                )


def _check_order(rule: AtLeast, settings: Mapping[str, Any]) -> None:
    longer, shorter = settings[rule.longer], settings[rule.shorter]
    if longer < shorter:
        raise ValueError(
            f"{rule.longer.upper()} must be at least {rule.shorter.upper()}, {write_duration(shorter)}, "
            f"{rule.why}; got {write_duration(longer)}"
        )
