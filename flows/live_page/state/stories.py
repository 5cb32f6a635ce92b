"""The latest decisions, each with what came of it."""

from typing import Final

import msgspec

from schemas.decisions import Decision, Outcome, Reward
from schemas.offers import EndedOffer, OfferDecided

KEPT: Final = 1000
REWARDS_KEPT: Final = 20
"""So many rewards and corrections of one decision are kept, the latest."""


class Story(msgspec.Struct):
    """A decision and what came of it, as far as it was read; None for what was not."""

    decision: Decision | None = None
    offer: OfferDecided | None = None
    ended: EndedOffer | None = None
    outcome: Outcome | None = None
    rewards: list[Reward] = []

    @property
    def profit(self) -> float | None:
        """What it earned so far, in the market's currency; None before its window has ended."""
        return sum(each.profit for each in self.rewards) if self.rewards else None


class Stories:
    """The stories of a market. Bounded by ``most`` decisions; records of older ones are let go."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._stories: dict[str, Story] = {}

    def add_decision(self, decision: Decision) -> None:
        """Add a decision."""
        self._begun(decision.decision_id).decision = decision

    def add_offer(self, offer: OfferDecided) -> None:
        """Add an offer, which may be read before its decision."""
        self._begun(offer.data.decision_id).offer = offer

    def add_end(self, ended: EndedOffer) -> None:
        """Add the end of an offer."""
        if (story := self._stories.get(ended.data.decision_id)) is not None:
            story.ended = ended

    def add_reward(self, reward: Reward) -> None:
        """Add a reward or a correction."""
        if (story := self._stories.get(reward.decision_id)) is not None:
            story.rewards = [*story.rewards, reward][-REWARDS_KEPT:]

    def add_outcome(self, outcome: Outcome) -> None:
        """Add what became of a cart to the latest decision about it."""
        story = self._stories.get(outcome.decision_id or "")
        if story is not None:
            story.outcome = outcome

    def get(self, decision_id: str) -> Story | None:
        """Return a story; None for one that is not known, or no longer."""
        story = self._stories.get(decision_id)
        return None if story is None or story.decision is None else story

    def latest(self, count: int) -> list[Story]:
        """Return the latest stories, the newest first."""
        found: list[Story] = []
        for story in reversed(list(self._stories.values())):
            if len(found) == count:
                break
            if story.decision is not None:
                found.append(story)
        return found

    def _begun(self, decision_id: str) -> Story:
        story = self._stories.get(decision_id)
        if story is None:
            story = self._stories[decision_id] = Story()
            if len(self._stories) > self._most:
                del self._stories[next(iter(self._stories))]
        return story
