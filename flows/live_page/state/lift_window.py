"""The lift of the policy over the holdout, over the latest decisions."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from flows.studies.lift.experiment_columns import ExperimentColumns
from flows.studies.lift.run import MarketLift, lift_of
from schemas.decisions import Decision, Outcome, Reward
from schemas.errors import DataError

GENERATION: Final = 100_000


class LiftWindow:
    """What the lift of a market needs of its latest decisions: from one to two ``generation`` of them.

    Two sets of columns are filled, the second from the middle of the first on, and takes its place when that
    is full: units that began before it are left out of it, so the lift stays one of randomised groups.
    Bounded by three ``generation`` of decisions and their rewards.
    """

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._older, self._newer = ExperimentColumns(), ExperimentColumns()
        self._older_count = self._newer_count = 0

    def add_decision(self, decision: Decision) -> None:
        """Add a decision."""
        self._older.add_decision(decision)
        self._older_count += 1
        if self._older_count > self._generation:
            self._newer.add_decision(decision)
            self._newer_count += 1
        if self._older_count >= 2 * self._generation:
            self._older, self._older_count = self._newer, self._newer_count
            self._newer, self._newer_count = ExperimentColumns(), 0

    def add_reward(self, reward: Reward) -> None:
        """Add a reward."""
        for each in self._filled():
            each.add_reward(reward)

    def add_outcome(self, outcome: Outcome) -> None:
        """Take the time that the log has come to."""
        for each in self._filled():
            each.observe_time(outcome.at.seconds)

    def lift(self, market: str, horizon: timedelta) -> MarketLift | None:
        """Return the lift; None before a decision, and where records stand twice in the topic."""
        if not self._older.has_decisions:
            return None
        try:
            return lift_of(market, self._older, horizon)
        except DataError:
            return None

    def _filled(self) -> Collection[ExperimentColumns]:
        return (self._older, self._newer) if self._newer_count else (self._older,)
