"""The prices of the budgets of a market, and what an offer costs at them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from operators.decisions.budgets.choices import SIZE, Choices, Floats
from operators.decisions.budgets.cost_rates import CostRate, CostRates
from operators.decisions.budgets.pace import Pace
from operators.decisions.budgets.price import price
from operators.decisions.budgets.traffic import HOUR_S, TrafficState
from operators.decisions.ledger import CostRule

EVERY: Final = 16
"""After so many choices prices are solved anew, and not before there were as many."""
OF_SAMPLE: Final = 32
"""Later on, once this part of the choices that are remembered is new."""
EVERY_S: Final = 30.0
"""And not sooner than this."""


class PacingState(msgspec.Struct, array_like=True):
    """Prices and traffic by pace, choices since prices were solved and when, and what was learned."""

    prices: dict[str, float]
    traffic: dict[str, TrafficState]
    since: int
    solved_s: float
    at_s: float
    choices: tuple[Any, ...]
    rates: dict[str, CostRate]


class Pacing:
    """All paces of a market over the same choices.

    Prices are solved after some choices, and when an hour or a period begins. They depend on the
    choices and their times alone, never on how often somebody asks.
    """

    def __init__(self, paces: Sequence[Pace] = (), costs: Mapping[str, CostRule] | None = None) -> None:
        self.paces = tuple(paces)
        self.rates = CostRates()
        self._costs = {} if costs is None or not paces else dict(costs)
        self._choices = Choices(tuple(self._costs))
        self._since = 0
        self._solved_s = 0.0
        self._at_s = 0.0
        self._is_advanced = False
        self._from_s = self._until_s = 0.0

    def at_cart(self, arm: str, cart_value: float) -> float:
        """Return what an offer costs if exactly the cart at which it is made is bought with it."""
        return self._costs[arm].at_cart(cart_value)

    def is_free(self, at_s: float) -> bool:
        """Return whether nothing has a price at a time."""
        self.advance(at_s)
        return not any(pace.price > 0.0 for pace in self.paces)

    def surcharges(self, arms: Sequence[str], cart_value: float, at_s: float) -> dict[str, float]:
        """Return the price of what offers are expected to use up at a cart of this value, where they do.

        ``at_s`` is the time up to which prices were last solved.
        """
        found: dict[str, float] = {}
        for pace in self.paces:
            if pace.price <= 0.0 or pace.period is None:
                continue
            for arm in arms:
                if arm in pace.terms:
                    use = pace.use(arm, self.rates, at_s, pace.period.end_s)
                    price = pace.price * use.at(self.at_cart(arm, cart_value))
                    if price:
                        found[arm] = found.get(arm, 0.0) + price
        return found

    def advance(self, at_s: float) -> None:
        """Solve the prices anew where a time or the choices so far demand it."""
        if self._is_advanced and at_s == self._at_s:
            return
        self._is_advanced = True
        begins = not self._from_s <= at_s < self._until_s and self._begin(at_s)
        self._at_s = at_s
        enough = max(EVERY, min(self._choices.count, SIZE) // OF_SAMPLE)
        is_due = self._since >= enough and at_s >= self._solved_s + EVERY_S
        if (begins or is_due) and self._choices.count >= EVERY:
            self._since, self._solved_s = 0, at_s
            self._solve(at_s)

    def _begin(self, at_s: float) -> bool:
        """Take up the hour and the periods of a time; return whether any of them begins with it."""
        hour = at_s // HOUR_S
        begins = hour > self._at_s // HOUR_S
        self._from_s, self._until_s = hour * HOUR_S, (hour + 1.0) * HOUR_S
        for pace in self.paces:
            period = pace.account.periods.at(at_s)
            if period is not pace.period:
                begins |= period != pace.period
                pace.period = period
            if period is None:
                self._until_s = -math.inf
            else:
                self._from_s = max(self._from_s, period.start_s)
                self._until_s = min(self._until_s, period.end_s)
        return begins

    def observe(
        self, at_s: float, cart_value: float, arms: Sequence[str], gains: Callable[[], Mapping[str, float]]
    ) -> None:
        """Learn from a choice between arms, whatever was chosen; ``gains`` is asked where it is wanted."""
        for pace in self.paces:
            if not pace.terms.keys().isdisjoint(arms):
                pace.traffic.observe(at_s)
        if self._choices.wants(at_s):
            self._choices.add(at_s, cart_value, gains())
        self._since += 1
        self._is_advanced = False

    def _solve(self, at_s: float) -> None:
        gains, values, arms = self._choices.gains, self._choices.cart_values, self._choices.arms
        at_cart = np.stack([_at_carts(self._costs[arm], values) for arm in arms], axis=1)
        uses = [pace.uses(at_s, at_cart, arms, self.rates) for pace in self.paces]
        for number, pace in enumerate(self.paces):
            if pace.period is None:
                continue
            pace.traffic.advance(at_s)
            net = gains.copy()
            for other, used in zip(self.paces, uses, strict=True):
                if other is not pace:
                    net -= other.price * used
            each = pace.left(pace.period) / max(pace.traffic.expected(pace.period.end_s), 1.0)
            pace.price = price(net, uses[number], each)

    def state(self) -> PacingState:
        """Return everything that was learned."""
        return PacingState(
            {pace.name: pace.price for pace in self.paces},
            {pace.name: pace.traffic.was for pace in self.paces},
            self._since,
            self._solved_s,
            self._at_s,
            self._choices.state(),
            self.rates.rates,
        )

    def restore(self, state: PacingState) -> None:
        """Take up what was learned, but for budgets and arms that are others now."""
        self._since, self._solved_s, self._at_s = state.since, state.solved_s, state.at_s
        self._until_s = -math.inf
        self.rates.rates = state.rates
        choices = Choices.restored(state.choices)
        if choices.arms == self._choices.arms:
            self._choices = choices
        for pace in self.paces:
            pace.period = pace.account.periods.at(state.at_s)
            pace.price = state.prices.get(pace.name, 0.0)
            if pace.name in state.traffic:
                pace.traffic.was = state.traffic[pace.name]


def _at_carts(rule: CostRule, cart_values: Floats) -> Floats:
    shares = rule.share * cart_values
    found: Floats = (shares if rule.limit is None else np.minimum(shares, rule.limit)) + rule.fixed
    return found
