"""Whether a market meets the criteria for the next stage of its rollout; nothing is ever changed by it."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flows.studies.lift.run import MarketLift
from schemas.rollout import PromotionCriteria, Stage
from schemas.shop import load_shop

Criteria = Mapping[str, PromotionCriteria]
"""The criteria of the markets that have some, by market."""


class Promotion(NamedTuple):
    """How far a market is from its criteria.

    ``persons`` are the units of both groups whose time is over; ``lift`` is that of profit a person, between
    ``lower`` and ``upper``, which are infinite as long as there is no interval.
    """

    stage: Stage
    criteria: PromotionCriteria
    persons: int
    lift: float
    lower: float
    upper: float
    is_doubtful: bool

    @property
    def is_met(self) -> bool:
        """Whether there are enough persons, and the whole interval lies above what was asked for."""
        is_above = self.lower > self.criteria.lift_above
        return self.persons >= self.criteria.persons and is_above and not self.is_doubtful

    def sentence(self) -> str:
        """Return whether the criteria are met, with the figures."""
        criteria, found = self.criteria, "not known yet"
        if math.isfinite(self.lower):
            found = f"{self.lift:+.3f} ({self.lower:+.3f} to {self.upper:+.3f})"
        doubt = "; the holdout is out of balance, so no lift can be trusted" if self.is_doubtful else ""
        what = f"promotion from {self.stage}"
        if self.stage == "online":
            what = "criteria of promotion, though it is online already"
        return (
            f"{what}: {'met' if self.is_met else 'not yet'}: {self.persons:,} of "
            f"{criteria.persons:,} persons; lift in profit a person is {found}, its interval must lie above "
            f"{criteria.lift_above:g}{doubt}"
        )

    def figures(self) -> dict[str, Any]:
        """Return the figures as JSON has them; unknown ones become null there."""
        return {
            "stage": self.stage,
            "is_met": self.is_met,
            "persons": self.persons,
            "persons_wanted": self.criteria.persons,
            "lift": self.lift,
            "lower": self.lower,
            "upper": self.upper,
            "lift_above": self.criteria.lift_above,
            "is_doubtful": self.is_doubtful,
        }


def read_criteria(offers: Path | None) -> Criteria:
    """Return the criteria in an offers file, none without a file; SetupError for a file that is wrong."""
    if offers is None:
        return {}
    markets = load_shop(offers).markets
    found = {name: market.rollout.promote_when for name, market in markets.items()}
    return {name: criteria for name, criteria in found.items() if criteria is not None}


def promotion(criteria: PromotionCriteria, lift: MarketLift) -> Promotion:
    """Return how far a market is from its criteria."""
    profit = lift.profit
    return Promotion(
        stage=lift.stage,
        criteria=criteria,
        persons=lift.units.at_s.size,
        lift=profit.lift,
        lower=profit.lower,
        upper=profit.upper,
        is_doubtful=lift.is_doubtful,
    )
