"""Which open offers of a person still stand, once more is known of the person than when they were made."""

from collections.abc import Mapping, Sequence

from operators.decisions.consents import ConsentGiven
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.output_records import EndReason
from schemas.shop import Offer


def fallen(
    held: Sequence[OpenDecision],
    offers: Mapping[str, Offer],
    consents: Mapping[str, ConsentGiven],
    purchased_s: float,
) -> list[tuple[OpenDecision, EndReason]]:
    """Return the open offers of one person that must be revoked, each with the reason.

    Those are the ones on a channel that the person has denied, those made before the person bought something,
    and of those left all but one: of several that were published the first stays.
    """
    found: list[tuple[OpenDecision, EndReason]] = []
    standing: OpenDecision | None = None
    for each in sorted((one for one in held if one.offer_open), key=_place):
        offer = offers.get(each.terms.arm)
        given = None if offer is None else consents.get(offer.channel)
        if given is not None and not given.granted:
            found.append((each, "consent_withdrawn"))
        elif each.terms.at_s < purchased_s:
            found.append((each, "purchased"))
        elif standing is not None:
            found.append((each, "second_offer"))
        else:
            standing = each
    return found


def _place(decision: OpenDecision) -> tuple[bool, float, str]:
    terms = decision.terms
    return not decision.published, terms.at_s, terms.decision
