"""What is chosen for one moment: the policy draws among the eligible arms, unless the visitor is held out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from operators.bandits import Policy
from operators.decisions.rules import Rule, eligibility
from operators.decisions.rules.freshness import STALE
from operators.decisions.settings import DecisionSettings
from operators.experiments.assignment import HOLDOUT, Assignment, Assignments
from operators.streaming.messages import Moment
from schemas.shop import NO_OFFER, Offer


class Prediction(NamedTuple):
    """What the abandonment model predicted at a moment, and which model after how many updates."""

    score: float
    model: str
    version: int


class DecisionPoint(NamedTuple):
    """A moment that leads to a decision, with the decision's id, the prediction and the policy's context."""

    decision: str
    moment: Moment
    prediction: Prediction
    context: dict[str, float | str]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The arm chosen, its offer (None for no_offer), and how it came to be chosen.

    ``version``: the policy's updates so far. ``reason``: why the policy is not updated from the choice, None
    where it is. ``unit`` is None where only no_offer was eligible. ``none_probability`` is the probability,
    over the holdout and the policy, of no_offer. ``window_s``: for how long its outcome is awaited, held out
    or not.
    """

    arm: str
    offer: Offer | None
    probabilities: dict[str, float]
    eligible: list[str]
    removed: dict[str, str]
    version: int
    reason: str | None
    unit: Assignment | None
    none_probability: float
    window_s: float


class Candidates(NamedTuple):
    """The offers of a market by name, and the rules that may remove them."""

    offers: Mapping[str, Offer]
    rules: Sequence[Rule]


def select(
    point: DecisionPoint,
    policy: Policy,
    assignments: Assignments,
    candidates: Candidates,
    settings: DecisionSettings,
) -> Selection:
    """Return what is chosen at a decision point.

    An assignment is remembered only where there was a choice; the draw depends on the decision's id and the
    seed.
    """
    moment, offers = point.moment, candidates.offers
    eligible, removed = eligibility(moment, tuple(offers.values()), candidates.rules)
    if len(eligible) == 1:
        return _no_choice(eligible, removed, policy.updates)
    unit = assignments.assign(moment.visitor, moment.user, moment.at_s)
    seed = int(point.decision[-15:], 16) ^ settings.seed
    arm, probabilities = policy.choose(eligible, point.context, seed)
    drawn = Selection(
        arm=arm,
        offer=offers.get(arm),
        probabilities=probabilities,
        eligible=eligible,
        removed=removed,
        version=policy.updates,
        reason="shadow" if settings.shadow else None,
        unit=unit,
        none_probability=unit.share + (1 - unit.share) * probabilities[NO_OFFER],
        window_s=max(offers[name].reward_window.total_seconds() for name in eligible[1:]),
    )
    return _held_out(drawn) if unit.held_out else drawn


def _no_choice(eligible: list[str], removed: dict[str, str], version: int) -> Selection:
    return Selection(
        arm=NO_OFFER,
        offer=None,
        probabilities={NO_OFFER: 1.0},
        eligible=eligible,
        removed=removed,
        version=version,
        reason=STALE if STALE in removed.values() else "no_eligible_arm",
        unit=None,
        none_probability=1.0,
        window_s=0.0,
    )


def _held_out(drawn: Selection) -> Selection:
    return replace(
        drawn,
        arm=NO_OFFER,
        offer=None,
        probabilities={NO_OFFER: 1.0},
        eligible=[NO_OFFER],
        removed=drawn.removed | dict.fromkeys(drawn.eligible[1:], HOLDOUT),
        reason=HOLDOUT,
    )
