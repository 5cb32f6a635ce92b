"""One logged decision and its reward."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One logged decision and its reward.

    Attributes
    ----------
    arm
        The chosen arm.
    propensity
        The logged probability of that arm, above 0 and at most 1.
    reward
        What the decision earned.
    visitor
        Rows of one visitor are not independent.
    eligible
        The arms that could be chosen.
    context
        The features the decision was made from.
    at
        Orders the rows in time.
    logging
        The whole distribution the arm was drawn from, where it is known.
    policies
        The distributions of other policies, by name, where the log has them.
    surcharges
        By how much arms were valued less for what they use of budgets; they hold for other policies too.
    """

    arm: str
    propensity: float
    reward: float
    visitor: str
    eligible: tuple[str, ...]
    context: Mapping[str, Any]
    at: Any
    logging: Mapping[str, float] | None = None
    policies: Mapping[str, Mapping[str, float]] = {}
    surcharges: Mapping[str, float] = {}
