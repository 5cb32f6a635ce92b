"""Who is one person, and what that person agreed to, as known at a time."""

import math
from collections.abc import Sequence
from typing import Final

from operators.decisions.consents import ConsentGiven, Consents
from operators.decisions.identities import Identities, Seen
from operators.streaming.durable_store import DurableStore
from operators.streaming.messages import ConsentKnown, Moment, UserKnown

DISORDER_S: Final = 3_600.0
"""By so much what is known of people may be ahead of a moment; further ahead is a wrong clock."""


class People:
    """The visitors and users of one market. Bounded as ``Identities`` and ``Consents`` are.

    In immediate mode what was heard of people counts for a moment that is read later, wherever it is placed:
    who has refused is not asked again because a timer was late.
    """

    def __init__(self, store: DurableStore) -> None:
        self.identities = Identities(store)
        self._consents = Consents(store)
        self._heard_s = -math.inf

    def know(self, event: UserKnown | ConsentKnown) -> None:
        """Note which user a visitor is, or what somebody agreed to or refused."""
        self._heard_s = max(event.at_s, self._heard_s)
        if isinstance(event, ConsentKnown):
            self._consents.know(event)
        else:
            self.identities.link(event.visitor, event.user, event.at_s)

    def known_s(self, at_s: float) -> float:
        """Return as of when people are known at a time: what was read before counts too."""
        return min(max(at_s, self._heard_s), at_s + DISORDER_S)

    def of_moment(self, moment: Moment) -> Seen:
        """Note whose moment it is, and return who that is."""
        at_s = moment.at_s
        return self.identities.see(moment.visitor, moment.user, at_s, self.known_s(at_s))

    def visitors(self, visitor: str, user: str | None, at_s: float) -> tuple[str, ...]:
        """Return the visitors who are one person with this visitor or user."""
        return self.identities.visitors(visitor, user, self.known_s(at_s))

    def users(self, visitor: str, user: str | None, at_s: float) -> tuple[str, ...]:
        """Return the users who are one person with this visitor or user."""
        return self.identities.users(visitor, user, self.known_s(at_s))

    def visitors_of(self, user: str, at_s: float) -> tuple[str, ...]:
        """Return the visitors who were seen with a user."""
        return self.identities.visitors_of(user, self.known_s(at_s))

    def consents(self, visitors: Sequence[str], users: Sequence[str], at_s: float) -> dict[str, ConsentGiven]:
        """Return the consent of a person by channel."""
        return self._consents.of(visitors, users, self.known_s(at_s))
