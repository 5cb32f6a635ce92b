"""What is chosen for one moment: an arm is drawn among the eligible ones, unless the visitor is held out."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from operators.bandits import Policy
from operators.decisions.rollout import ROLLOUT, Route, route
from operators.decisions.rules import Eligibility, RuleBook, Situation
from operators.decisions.rules.freshness import STALE
from operators.experiments.assignment import HOLDOUT, Assignment, Assignments
from operators.streaming.messages import Moment
from schemas.rollout import Stage
from schemas.shop import NO_OFFER, Market, Offer

SHADOW: Final = Route("shadow", "policy")


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


class Choosers(NamedTuple):
    """What draws the arms of a market, by spec: its policy, and the rule of its rollout, if it has one."""

    policy: Policy
    policy_spec: str
    rule: Policy | None
    rule_spec: str | None

    def of(self, way: Route) -> tuple[Policy, str]:
        """Return what draws for a person, and its spec."""
        if way.chosen_by == "rule" and self.rule is not None and self.rule_spec is not None:
            return self.rule, self.rule_spec
        return self.policy, self.policy_spec


class Options(NamedTuple):
    """What may be chosen in a market and by what: its offers by name, the rules, the experiment.

    ``windows_s`` are the reward windows of the offers by name.
    """

    market: Market
    offers: Mapping[str, Offer]
    windows_s: Mapping[str, float]
    rules: RuleBook
    choosers: Choosers
    assignments: Assignments
    seed: int
    shadow: bool


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The arm chosen, its offer (None for no_offer), and how it came to be chosen.

    ``policy`` is the spec of what drew it and ``version`` the updates that had so far. ``reason``: why the
    policy is not updated from the choice, None where it is. ``unit`` is None where only no_offer was
    eligible. ``none_probability`` is the probability, over the holdout and the draw, that no offer is made.
    ``window_s``: for how long its outcome is awaited, held out or not. ``publish_s`` is when the offer is
    published.
    """

    arm: str
    offer: Offer | None
    probabilities: dict[str, float]
    eligible: list[str]
    removed: dict[str, str]
    policy: str
    version: int
    reason: str | None
    unit: Assignment | None
    none_probability: float
    window_s: float
    publish_s: float
    surcharges: dict[str, float] = {}
    stage: Stage
    canary: bool | None = None


def select(point: DecisionPoint, now: Situation, options: Options) -> Selection:
    """Return what is chosen at a decision point.

    An assignment is remembered only where there was a choice; the draw depends on the decision's id and the
    seed.
    """
    moment, offers, rules, market = point.moment, options.offers, options.rules, options.market
    found = rules.eligibility(now)
    if len(found.eligible) == 1:
        stage = SHADOW.stage if options.shadow else market.rollout.stage
        return _no_choice(found, options, stage, moment.at_s)
    unit = options.assignments.assign(moment.visitor, moment.user, moment.at_s)
    names = found.eligible[1:]
    eligible = [offers[name] for name in names]
    way = SHADOW if options.shadow else route(market.rollout, unit.place)
    chooser, spec = options.choosers.of(way)
    surcharges = rules.surcharges(eligible, now)
    publish_s = rules.publish_s(eligible, now)
    at_s, windows_s = moment.at_s, options.windows_s
    seed = int(point.decision[-15:], 16) ^ options.seed
    arm, probabilities = chooser.choose(found.eligible, point.context, seed, surcharges)
    drawn = Selection(
        arm=arm,
        offer=offers.get(arm),
        probabilities=probabilities,
        eligible=found.eligible,
        removed=found.removed,
        policy=spec,
        version=chooser.updates,
        reason="shadow" if way.stage == "shadow" else None,
        unit=unit,
        none_probability=way.none_probability(unit.share, probabilities[NO_OFFER]),
        window_s=max([publish_s[name] - at_s + windows_s[name] for name in names]),
        publish_s=publish_s.get(arm, at_s),
        surcharges=surcharges,
        stage=way.stage,
        canary=way.canary,
    )
    if unit.held_out:
        return _without_offers(drawn, HOLDOUT)
    if way.chosen_by == "nobody":
        return _without_offers(drawn, ROLLOUT)
    return drawn


def _no_choice(found: Eligibility, options: Options, stage: Stage, at_s: float) -> Selection:
    choosers = options.choosers
    return Selection(
        arm=NO_OFFER,
        offer=None,
        probabilities={NO_OFFER: 1.0},
        eligible=found.eligible,
        removed=found.removed,
        policy=choosers.policy_spec,
        version=choosers.policy.updates,
        reason=STALE if STALE in found.removed.values() else "no_eligible_arm",
        unit=None,
        none_probability=1.0,
        window_s=0.0,
        publish_s=at_s,
        stage=stage,
    )


def _without_offers(drawn: Selection, reason: str) -> Selection:
    return replace(
        drawn,
        arm=NO_OFFER,
        offer=None,
        probabilities={NO_OFFER: 1.0},
        eligible=[NO_OFFER],
        removed=drawn.removed | dict.fromkeys(drawn.eligible[1:], reason),
        reason=reason,
    )
