"""What a decision came from, as far as it is a sum: for whoever asks later why it was taken."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from operators.abandonment.models import Features, LinearSum
from operators.bandits import Policy
from operators.decisions.selection import DecisionPoint, Selection
from schemas.decisions import Contributions, Expectation
from schemas.shop import NO_OFFER

LEAST_SHARE: Final = 0.03
"""A feature is named if it adds or takes at least this share of what all add and take."""

ScoreSum = Callable[[Features], LinearSum | None]
"""Returns what each feature adds to the score of a moment, None where the model is no sum."""


class Basis(NamedTuple):
    """What a Decision record says of how it came about; each field is that of the record."""

    score_contributions: Contributions | None = None
    expected: dict[str, Expectation] = {}  # noqa: RUF012  nobody changes it
    uplift_of: str | None = None
    uplift_contributions: Contributions | None = None


NO_BASIS: Final = Basis()


def basis_of(chosen: Selection, point: DecisionPoint, policy: Policy, score_sum: ScoreSum) -> Basis:
    """Return what a choice came from; ``policy`` is the one that learns, whatever drew the arm."""
    score = score_sum(point.moment.features)
    of_score = None if score is None else leading(*score)
    if len(chosen.eligible) == 1 or not policy.updates or not policy.estimates_rewards:
        return Basis(of_score)
    context = point.context
    expected = {
        arm: Expectation(mean=mean, deviation=deviation)
        for arm, (mean, deviation) in policy.estimates(chosen.eligible, context).items()
    }
    arm = chosen.arm
    if arm == NO_OFFER:
        arm = max(chosen.eligible[1:], key=chosen.probabilities.__getitem__)
    found = policy.contributions(arm, NO_OFFER, context)
    if found is None:
        return Basis(of_score, expected)
    return Basis(of_score, expected, arm, leading("money", *found))


def leading(
    unit: Literal["log_odds", "probits", "money"], constant: float, features: dict[str, float]
) -> Contributions:
    """Return a sum with the features that matter by name, and the others together."""
    values = features.values()
    least = LEAST_SHARE * sum(map(abs, values))
    named = {name: value for name, value in features.items() if value > least or value < -least}
    rest = sum(values, 0.0) - sum(named.values(), 0.0)
    return Contributions(unit=unit, constant=constant, features=named, rest=rest)
