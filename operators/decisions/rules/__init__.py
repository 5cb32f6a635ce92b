"""What keeps an offer from being made: one file a rule, and the list of them all.

A rule that needs nothing but the moment and the offer is one class in a file of its own and one line in
``build_rules``; its reason stands in ``Decision.removed``. The first rule that removes an offer names the
reason.
"""

from collections.abc import Sequence
from typing import NamedTuple

from operators.decisions.rules.freshness import Freshness
from operators.decisions.rules.min_cart_value import MinCartValue
from operators.decisions.rules.rule import Rule
from operators.decisions.settings import DecisionSettings
from operators.streaming.messages import Moment
from schemas.shop import NO_OFFER, Offer

__all__ = ["Eligibility", "Rule", "build_rules", "eligibility"]


class Eligibility(NamedTuple):
    """The eligible arms, no_offer first, and the reason why each other arm was removed."""

    eligible: list[str]
    removed: dict[str, str]


def build_rules(settings: DecisionSettings) -> tuple[Rule, ...]:
    """Return the rules of a market, in the order in which they are asked."""
    return (
        Freshness(settings.max_age_s),
        MinCartValue(),
    )


def eligibility(moment: Moment, offers: Sequence[Offer], rules: Sequence[Rule]) -> Eligibility:
    """Return which offers may be made at a moment."""
    found = Eligibility([NO_OFFER], {})
    for offer in offers:
        reason = next((reason for rule in rules if (reason := rule.removes(moment, offer))), None)
        if reason is None:
            found.eligible.append(offer.name)
        else:
            found.removed[offer.name] = reason
    return found
