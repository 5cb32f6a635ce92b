"""What is chosen for one moment: the policy draws among the eligible arms, unless the visitor is held out."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from operators.bandits import Policy
from operators.decisions.rules.eligibility import MAX_AGE_S, choice
from operators.experiments.assignment import Assignment, Assignments
from operators.sessions.features import Features
from operators.streaming.messages import Moment
from schemas.shop import NO_OFFER, Offer


class DecisionSettings(msgspec.Struct, frozen=True):
    """What leads to a decision and for how long it counts.

    Times are in seconds; no moment before ``emit_after_s`` leads to a decision.
    """

    deciding: frozenset[str] = frozenset({"cart_idle"})
    policy: str = "linear_thompson"
    seed: int = 0
    cooldown_s: float = 86_400.0
    correction_s: float = 7 * 86_400.0
    max_age_s: Mapping[str, float] = MAX_AGE_S
    emit_after_s: float = -math.inf
    shadow: bool = False


class Scored(msgspec.Struct, frozen=True):
    """What the abandonment model said of a moment, and which model."""

    score: float
    model: str
    version: int


class Occasion(NamedTuple):
    """A moment that calls for a decision, with the decision's id, the score, and what the policy is told."""

    decision: str
    moment: Moment
    scored: Scored
    context: Features


class Chosen(msgspec.Struct, frozen=True):
    """The arm chosen, its offer (None for no_offer), and how it came to be chosen.

    ``version``: how many lessons the policy had learned. ``reason``: why the choice teaches nothing, None
    where it does. ``unit`` is None where only no_offer was eligible. ``none_probability`` is the probability,
    over the holdout and the policy, of no_offer. ``window_s``: how long its outcome is awaited, held out or
    not.
    """

    arm: str
    offer: Offer | None
    probabilities: dict[str, float]
    eligible: list[str]
    removed: dict[str, str]
    version: int
    reason: str | None
    unit: Assignment | None = None
    none_probability: float = 1.0
    window_s: float = 0.0


def choose(
    on: Occasion,
    policy: Policy,
    assignments: Assignments,
    offers: Mapping[str, Offer],
    settings: DecisionSettings,
) -> Chosen:
    """Return what is chosen on an occasion among a market's offers, which are given by name.

    Who is held out is remembered for who had a choice; the draw depends on the decision's id and the seed.
    """
    moment, version = on.moment, policy.updates
    found = choice(moment, tuple(offers.values()), settings.max_age_s)
    eligible, removed = found.eligible, found.removed
    if len(eligible) == 1:
        reason = "stale" if "stale" in removed.values() else "no_eligible_arm"
        return Chosen(NO_OFFER, None, {NO_OFFER: 1.0}, eligible, removed, version, reason)
    unit = assignments.assign(moment.visitor, moment.user, moment.at_s)
    seed = int(on.decision[-15:], 16) ^ settings.seed
    arm, chance = policy.choose(eligible, on.context, seed)
    drawn = Chosen(
        arm,
        offers.get(arm),
        chance,
        eligible,
        removed,
        version,
        reason="shadow" if settings.shadow else None,
        unit=unit,
        none_probability=unit.share + (1 - unit.share) * chance[NO_OFFER],
        window_s=max(offers[name].reward_window.total_seconds() for name in eligible[1:]),
    )
    return _held_out(drawn) if unit.held_out else drawn


def _held_out(drawn: Chosen) -> Chosen:
    return replace(
        drawn,
        arm=NO_OFFER,
        offer=None,
        probabilities={NO_OFFER: 1.0},
        eligible=[NO_OFFER],
        removed=drawn.removed | dict.fromkeys(drawn.eligible[1:], "holdout"),
        reason="holdout",
    )
