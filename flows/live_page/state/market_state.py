"""All that the page knows of one market."""

import math
from typing import Final

from flows.live_page.state.carts_at_risk import CartsAtRisk
from flows.live_page.state.course import Course
from flows.live_page.state.lift_window import LiftWindow
from flows.live_page.state.model_record import ModelRecord
from flows.live_page.state.offer_counts import OfferCounts
from flows.live_page.state.stories import Stories
from schemas.decisions import Decision, Drift, Outcome, Reward, Score
from schemas.offers import EndedOffer, OfferDecided

ADVANCE_EVERY_S: Final = 30.0


class MarketState:
    """The parts of a market's state. ``time_s`` is the latest event time read. Bounded as its parts are."""

    def __init__(self) -> None:
        self.time_s = -math.inf
        self.stories = Stories()
        self.offers = OfferCounts()
        self.risk = CartsAtRisk()
        self.course = Course()
        self.lift = LiftWindow()
        self.model = ModelRecord()
        self.decisions = 0
        self._advanced_s = -math.inf

    def add_decision(self, decision: Decision) -> None:
        """Add a decision."""
        self.decisions += 1
        self._come_to(decision.at.seconds)
        self.stories.add_decision(decision)
        self.course.add_decision(decision)
        self.lift.add_decision(decision)

    def add_reward(self, reward: Reward) -> None:
        """Add a reward."""
        self._come_to(reward.at.seconds)
        self.stories.add_reward(reward)
        self.course.add_reward(reward)
        self.lift.add_reward(reward)

    def add_score(self, score: Score) -> None:
        """Add a score."""
        self._come_to(score.at.seconds)
        self.risk.add_score(score)

    def add_outcome(self, outcome: Outcome) -> None:
        """Add what became of a cart."""
        self._come_to(outcome.at.seconds)
        self.stories.add_outcome(outcome)
        self.risk.add_outcome(outcome)
        self.model.add_outcome(outcome)
        self.lift.add_outcome(outcome)

    def add_drift(self, drift: Drift) -> None:
        """Add a drift."""
        self.model.add_drift(drift)

    def add_offer(self, offer: OfferDecided) -> None:
        """Add an offer that was made."""
        self.stories.add_offer(offer)
        self.offers.add_offer(offer)

    def add_end(self, ended: EndedOffer) -> None:
        """Add the end of an offer."""
        self.stories.add_end(ended)
        self.offers.add_end(ended)

    def _come_to(self, at_s: float) -> None:
        if at_s > self.time_s:
            self.time_s = at_s
            if at_s >= self._advanced_s + ADVANCE_EVERY_S:
                self._advanced_s = at_s
                self.offers.advance(at_s)
