"""The records from which one decision is explained."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.decisions import Decision, Outcome, Reward
from schemas.offers import EndedOffer, OfferDecided


class DecisionStory(NamedTuple):
    """A decision with what followed from it, as far as it is known; ``others`` were taken about then.

    ``outcome`` is what became of the cart where this was the latest decision for it.
    """

    decision: Decision
    offer: OfferDecided | None = None
    ended: EndedOffer | None = None
    rewards: tuple[Reward, ...] = ()
    outcome: Outcome | None = None
    others: Sequence[Decision] = ()
