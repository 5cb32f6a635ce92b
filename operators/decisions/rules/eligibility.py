"""Which arms may be chosen for a moment, and why each other one may not."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from operators.streaming.messages import Moment
from schemas.shop import NO_OFFER, Offer

MAX_AGE_S: Final[Mapping[str, float]] = MappingProxyType({"on_site": 600.0, "app": 3600.0, "email": 21_600.0})
"""How old a moment may be when it is read, for each channel to be still worth an offer."""


class Choice(msgspec.Struct, frozen=True):
    """The eligible arms, no_offer first, and the reason why each other arm was removed."""

    eligible: list[str]
    removed: dict[str, str]


def choice(moment: Moment, offers: Sequence[Offer], max_age_s: Mapping[str, float]) -> Choice:
    """Return what may be offered at a moment: the cart is worth enough, and the channel is not too late.

    How late is judged by the wall clock at which the moment was read; in replay nothing is late.
    """
    age_s = 0.0 if moment.read_s is None else moment.read_s - moment.at_s
    eligible = [NO_OFFER]
    removed: dict[str, str] = {}
    for offer in offers:
        if age_s > max_age_s[offer.channel]:
            removed[offer.name] = "stale"
        elif moment.cart_value < offer.min_cart_value:
            removed[offer.name] = "min_cart_value"
        else:
            eligible.append(offer.name)
    return Choice(eligible, removed)
