"""The contract of a rule."""

from typing import Protocol

from operators.streaming.messages import Moment
from schemas.shop import Offer


class Rule(Protocol):
    """What may keep an offer from being made."""

    def removes(self, moment: Moment, offer: Offer) -> str | None:
        """Return the reason why this offer may not be made at this moment, None where it may."""
