"""A decision explained: from its records to what they mean."""

import math
from collections.abc import Iterable
from typing import Final

from flows.studies.explain.decision_story import DecisionStory
from flows.studies.explain.happenings import happenings, reward_so_far
from flows.studies.explain.local_terms import LocalTerms
from flows.studies.explain.paragraphs import paragraphs
from flows.studies.explain.removal_words import removal_words
from flows.studies.explain.similar import most_similar
from operators.bandits import POLICIES
from operators.bandits.linear_policy import LinearPolicy
from schemas.decisions import Contributions, Decision, Feature
from schemas.explanation import (
    ExplainedArm,
    ExplainedChoice,
    ExplainedFeature,
    ExplainedMoment,
    ExplainedScore,
    ExplainedSum,
    Explanation,
    RemovedArm,
)
from schemas.shop import NO_OFFER, Market, Shop

Z: Final = 1.959964
SUMS: Final = ("logistic", "adpredictor")
"""The models whose score is a sum of features before calibration."""


def explained(story: DecisionStory, shop: Shop | None = None) -> Explanation:
    """Return a decision explained from its records.

    ``shop`` is the one it was decided for, if known: its market says in which currency and time zone.
    """
    decision = story.decision
    terms = terms_of(story, shop)
    found = Explanation(
        moment=_moment(decision, terms),
        score=_score(decision),
        choice=_choice(decision),
        removed=tuple(
            RemovedArm(name=arm, reason=reason, words=removal_words(reason))
            for arm, reason in decision.removed.items()
        ),
        happened=happenings(story, terms),
        reward=reward_so_far(story.rewards),
        similar=most_similar(decision, story.others),
    )
    return Explanation(
        **{name: getattr(found, name) for name in _FIELDS}, paragraphs=paragraphs(found, terms)
    )


_FIELDS: Final = tuple(name for name in Explanation.__struct_fields__ if name != "paragraphs")


def terms_of(story: DecisionStory, shop: Shop | None) -> LocalTerms:
    """Return how money and times are written: as the offer's record has it, else as the shop's market."""
    market = _market(story.decision, shop)
    currency = None if market is None else market.currency
    if story.offer is not None:
        currency = story.offer.data.cart.currency
    return LocalTerms(currency, "UTC" if market is None else market.timezone)


def _market(decision: Decision, shop: Shop | None) -> Market | None:
    """Return the market of a decision; None where the shop cannot be its own, for it has not its arms."""
    market = None if shop is None else shop.markets.get(decision.market)
    if shop is None or market is None:
        return None
    arms = {*decision.eligible, *decision.removed} - {NO_OFFER}
    return market if arms <= {offer.name for offer in shop.offers} else None


def _moment(decision: Decision, terms: LocalTerms) -> ExplainedMoment:
    return ExplainedMoment(
        decision_id=decision.decision_id,
        offer_id=decision.offer_id,
        market=decision.market,
        at=decision.at,
        local=terms.iso(decision.at.seconds),
        timezone=terms.timezone,
        visitor_id=decision.visitor_id,
        user_id=decision.user_id,
        trigger=decision.trigger,
        cart_id=decision.cart_id,
        cart_value=decision.cart_value,
        currency=terms.currency,
        partial=decision.partial,
    )


def _score(decision: Decision) -> ExplainedScore:
    given = decision.score_contributions
    found = None if given is None else _sum(given, decision.features)
    unknown = None
    if found is None and decision.model not in SUMS:
        unknown = (
            f"The model `{decision.model}` is no sum of features, so what each of them added cannot be "
            "stated exactly."
        )
    elif found is None:
        unknown = "This record does not say what each feature added: see the setting `contributions`."
    return ExplainedScore(
        abandonment=decision.abandonment,
        model=decision.model,
        model_version=decision.model_version,
        before_calibration=None if found is None else probability_of(found),
        sum=found,
        unknown=unknown,
    )


def probability_of(found: ExplainedSum) -> float:
    """Return the probability that a sum of log-odds or probits stands for."""
    if found.unit == "probits":
        return 0.5 * math.erfc(-found.total / math.sqrt(2.0))
    return 1.0 / (1.0 + math.exp(-max(min(found.total, 20.0), -20.0)))


def _choice(decision: Decision) -> ExplainedChoice:
    given = decision.uplift_contributions
    features = {**decision.features, "abandonment": decision.abandonment}
    uplift = None if given is None else _sum(given, features)
    return ExplainedChoice(
        arm=decision.arm,
        propensity=decision.propensity,
        policy=decision.policy,
        policy_version=decision.policy_version,
        reason=decision.reason,
        unit_id=decision.unit_id,
        holdout=decision.holdout,
        holdout_share=decision.holdout_share,
        stage=decision.stage,
        canary=decision.canary,
        controls_version=decision.controls_version,
        arms=tuple(_arms(decision)),
        uplift_of=decision.uplift_of,
        uplift=uplift,
        unknown=_unknown_uplift(decision) if uplift is None else None,
    )


def _unknown_uplift(decision: Decision) -> str | None:
    """Return why a record does not say what the policy expected, None where there was nothing to expect."""
    if len(decision.eligible) < 2:
        return None
    name = decision.policy.partition(":")[0]
    kind = POLICIES.get(name)
    if not (isinstance(kind, type) and issubclass(kind, LinearPolicy)):
        return (
            f"The policy `{name}` expects no amount of money of an offer, so nothing adds up to its choice."
        )
    if not decision.policy_version:
        return "The policy had learned nothing yet, so it expected nothing and drew evenly."
    return "This record does not say what the policy expected: see the setting `contributions`."


def _arms(decision: Decision) -> Iterable[ExplainedArm]:
    """Return the eligible arms, the most probable first."""
    for name in sorted(decision.eligible, key=lambda arm: -decision.probabilities.get(arm, 0.0)):
        found = decision.expected.get(name)
        reach = 0.0 if found is None else Z * found.deviation
        yield ExplainedArm(
            name=name,
            is_chosen=name == decision.arm,
            probability=decision.probabilities.get(name, 0.0),
            expected=None if found is None else found.mean,
            low=None if found is None else found.mean - reach,
            high=None if found is None else found.mean + reach,
            surcharge=decision.surcharges.get(name, 0.0),
        )


def _sum(given: Contributions, features: dict[str, Feature]) -> ExplainedSum:
    named = sorted(given.features.items(), key=lambda each: -abs(each[1]))
    return ExplainedSum(
        unit=given.unit,
        constant=given.constant,
        features=tuple(
            ExplainedFeature(name=name, value=features.get(name), contribution=added) for name, added in named
        ),
        rest=given.rest,
        total=math.fsum((given.constant, given.rest, *given.features.values())),
    )
