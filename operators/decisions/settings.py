"""What leads to a decision, and how a market scores and decides."""

from typing import Literal

import msgspec

from operators.abandonment.abandonment_model import OnDrift

ContributionsOf = Literal["all", "offers", "none"]
"""Which decisions say what they came from."""


class DecisionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What leads to a decision and for how long it counts.

    Times are in seconds. No moment before ``emit_after_s`` leads to a decision. ``policy`` is what chooses in
    a market that names no other. ``contributions``: which decisions say what they came from.
    """

    triggers: frozenset[str]
    policy: str
    seed: int
    correction_s: float
    emit_after_s: float
    shadow: bool
    contributions: ContributionsOf = "all"


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
