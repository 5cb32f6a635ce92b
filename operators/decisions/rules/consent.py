"""A channel on which the person does not want, or may not get, offers."""

from typing import ClassVar, Final, Protocol

from operators.decisions.consents import ConsentGiven
from schemas.shop import Market, Offer, Shop

REASON: Final = "no_consent"


class KnowsConsent(Protocol):
    """What this rule looks at of a situation."""

    def consent(self, channel: str) -> ConsentGiven | None:
        """Return what the person last said of a channel, None where that is nothing."""


class Consent:
    """Removes an offer on a channel that was denied, or that needs a consent which was not granted."""

    name: ClassVar[str] = "consent"

    def __init__(self) -> None:
        self._required: frozenset[str] = frozenset()

    def configure(self, _: Shop, market: Market) -> None:
        """Take the channels that need consent in this market."""
        self._required = frozenset(market.rules.consent.required)

    def removes(self, offer: Offer, now: KnowsConsent) -> str | None:
        """Return ``no_consent`` where the person may not get offers on the channel of this one."""
        given = now.consent(offer.channel)
        if given is None:
            return REASON if offer.channel in self._required else None
        return None if given.granted else REASON
