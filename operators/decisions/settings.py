"""What leads to a decision, and how a market scores and decides."""

from collections.abc import Mapping

import msgspec

from operators.abandonment.abandonment_model import OnDrift


class DecisionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What leads to a decision and for how long it counts.

    Times are in seconds; ``max_age_s`` is by channel. No moment before ``emit_after_s`` leads to a decision.
    """

    triggers: frozenset[str]
    policy: str
    seed: int
    cooldown_s: float
    correction_s: float
    max_age_s: Mapping[str, float]
    emit_after_s: float
    shadow: bool


class MarketSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a market scores and decides, and whether events are held until its time passes them.

    ``partitions`` are those whose records reach markets without a visitor's shard; a market waits for the
    time of each. ``label_delay_s`` after a cart's moment its outcome counts for the base rate that is
    monitored.
    """

    decisions: DecisionSettings
    model: str
    on_drift: OnDrift
    label_delay_s: float
    ordered: bool
    partitions: tuple[str, ...] = ()
