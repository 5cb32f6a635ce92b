"""The carts that will probably be left, by the latest score of each."""

from typing import Final, NamedTuple

from schemas.decisions import Outcome, Score

KEPT: Final = 50_000
FRESH_S: Final = 3600.0
"""A cart that was not scored for an hour is no longer counted: it was bought or left long ago."""
AT_RISK: Final = 0.5


class Risk(NamedTuple):
    """How many carts are more likely left than bought, what they are worth, and how many were scored."""

    carts: int
    value: float
    scored: int


class _Scored(NamedTuple):
    at_s: float
    abandonment: float
    value: float


class CartsAtRisk:
    """The latest score of each cart of a market whose outcome is not known. Bounded by ``most`` carts."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._scored: dict[str, _Scored] = {}

    def add_score(self, score: Score) -> None:
        """Add a score; it replaces an earlier one of the cart."""
        self._scored.pop(score.cart_id, None)
        self._scored[score.cart_id] = _Scored(score.at.seconds, score.abandonment, score.cart_value)
        if len(self._scored) > self._most:
            del self._scored[next(iter(self._scored))]

    def add_outcome(self, outcome: Outcome) -> None:
        """Drop a cart of which is known what became of it."""
        self._scored.pop(outcome.cart_id, None)

    def now(self, time_s: float) -> Risk:
        """Return the carts at risk at a time of events, in seconds since 1970."""
        fresh = [each for each in self._scored.values() if each.at_s >= time_s - FRESH_S]
        risky = [each.value for each in fresh if each.abandonment > AT_RISK]
        return Risk(len(risky), sum(risky), len(fresh))
