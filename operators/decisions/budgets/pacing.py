"""The prices of the budgets of a market, and what an offer costs at them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from operators.decisions.budgets.account import BudgetAccount
from operators.decisions.budgets.choices import Choices, Floats
from operators.decisions.budgets.cost_rates import CostRate, CostRates
from operators.decisions.budgets.money import MICROS
from operators.decisions.budgets.periods import Period
from operators.decisions.budgets.price import price
from operators.decisions.budgets.traffic import HOUR_S, Traffic, TrafficState

EVERY: Final = 16
"""After so many choices prices are solved anew, and not before there were as many."""


class Terms(NamedTuple):
    """What an offer can cost, and for how long what is reserved for it is held at most.

    ``settles_s`` is for how long where it is redeemed at once.
    """

    most: float
    held_s: float
    settles_s: float


class Use(NamedTuple):
    """How much of a budget an offer is expected to use: a share of its cost at the cart, and an amount."""

    share: float
    fixed: float

    def at(self, cost: float) -> float:
        """Return how much an offer uses that costs so much at its cart."""
        return self.share * cost + self.fixed


class Pace:
    """The price of one budget, of its money or of its number.

    ``columns`` are the arms it is about. A reservation that comes back within the period counts with what
    the offer is expected to cost; one that does not counts in full.
    """

    def __init__(
        self, name: str, account: BudgetAccount, what: Literal["amount", "number"], traffic: Traffic
    ) -> None:
        self.name = f"{name}.{what}"
        self.account = account
        self.what = what
        self.traffic = traffic
        self.price = 0.0
        self.period: Period | None = None
        self.terms: dict[str, Terms] = {}

    def use(self, arm: str, rates: CostRates, at_s: float, end_s: float) -> Use:
        """Return what an offer made at a time uses of a period that ends then."""
        if self.what == "number":
            return Use(0.0, 1.0)
        terms = self.terms[arm]
        if at_s + terms.held_s < end_s:
            return Use(rates.share(arm), 0.0)
        if at_s + terms.settles_s < end_s:
            return Use(rates.share(arm), (1.0 - rates.charged(arm)) * terms.most)
        return Use(0.0, terms.most)

    def mean_use(self, arm: str, rates: CostRates, at_s: float, end_s: float) -> Use:
        """Return what offers use that are made at any time until the period ends."""
        if self.what == "number":
            return Use(0.0, 1.0)
        terms, rest_s = self.terms[arm], end_s - at_s
        in_full = min(terms.settles_s / rest_s, 1.0)
        partly = min(terms.held_s / rest_s, 1.0) - in_full
        share = rates.share(arm) * (1.0 - in_full)
        return Use(share, terms.most * (in_full + partly * (1.0 - rates.charged(arm))))

    def left(self, period: Period) -> float:
        """Return what of the budget is neither spent nor expected to be."""
        totals, budget = self.account.totals_of(period), self.account.budget
        if self.what == "number":
            return max((budget.number or 0) - totals.made, 0)
        return max((self.account.limit or 0) - totals.counts, 0) / MICROS

    def uses(self, at_s: float, at_cart: Floats, arms: Sequence[str], rates: CostRates) -> Floats:
        """Return what each arm uses in each choice, nothing where it is not about the arm."""
        if self.period is None:
            return np.zeros_like(at_cart)
        end_s = self.period.end_s
        found = [
            self.mean_use(arm, rates, at_s, end_s) if arm in self.terms else Use(0.0, 0.0) for arm in arms
        ]
        return at_cart * [each.share for each in found] + [each.fixed for each in found]


class PacingState(msgspec.Struct, array_like=True):
    """Prices and traffic by pace, choices since prices were solved, the latest time, what was learned."""

    prices: dict[str, float]
    traffic: dict[str, TrafficState]
    since: int
    at_s: float
    choices: tuple[Any, ...]
    rates: dict[str, CostRate]


class Pacing:
    """All paces of a market over the same choices.

    Prices are solved after every ``EVERY`` choices, and when an hour or a period begins. They depend on the
    choices and their times alone, never on how often somebody asks.
    """

    def __init__(self, paces: Sequence[Pace], choices: Choices, rates: CostRates) -> None:
        self.paces = tuple(paces)
        self.choices = choices
        self.rates = rates
        self._since = 0
        self._at_s = 0.0

    def surcharge(self, arm: str, cost: float, at_s: float) -> float:
        """Return the price of what an offer uses up that costs so much at its cart."""
        total = 0.0
        for pace in self.paces:
            if pace.price > 0.0 and pace.period is not None and arm in pace.terms:
                total += pace.price * pace.use(arm, self.rates, at_s, pace.period.end_s).at(cost)
        return total

    def advance(self, at_s: float) -> None:
        """Solve the prices anew where a time or the choices so far demand it."""
        begins = False
        for pace in self.paces:
            period = pace.account.periods.at(at_s)
            begins |= period != pace.period
            pace.period = period
        begins |= at_s // HOUR_S > self._at_s // HOUR_S
        self._at_s = at_s
        if (begins or self._since >= EVERY) and self.choices.count >= EVERY:
            self._since = 0
            self._solve(at_s)

    def observe(self, at_s: float, gains: Mapping[str, float], at_cart: Mapping[str, float]) -> None:
        """Learn from a choice, whatever was chosen: what each arm was worth and would have cost."""
        for pace in self.paces:
            if any(arm in pace.terms for arm in gains):
                pace.traffic.observe(at_s)
        self.choices.add(gains, at_cart)
        self._since += 1

    def _solve(self, at_s: float) -> None:
        gains, at_cart, arms = self.choices.gains, self.choices.at_cart, self.choices.arms
        uses = [pace.uses(at_s, at_cart, arms, self.rates) for pace in self.paces]
        for number, pace in enumerate(self.paces):
            pace.traffic.advance(at_s)
            net = gains.copy()
            for other, used in zip(self.paces, uses, strict=True):
                if other is not pace:
                    net -= other.price * used
            if pace.period is not None:
                end_s = pace.period.end_s
                each = pace.left(pace.period) / max(pace.traffic.expected(end_s), 1.0)
                pace.price = price(net, uses[number], each)

    def state(self) -> PacingState:
        """Return everything that was learned."""
        return PacingState(
            {pace.name: pace.price for pace in self.paces},
            {pace.name: pace.traffic.was for pace in self.paces},
            self._since,
            self._at_s,
            self.choices.state(),
            self.rates.rates,
        )

    def restore(self, state: PacingState) -> None:
        """Take up what was learned, but for budgets and arms that are others now."""
        self._since, self._at_s = state.since, state.at_s
        self.rates.rates = state.rates
        choices = Choices.restored(state.choices)
        if choices.arms == self.choices.arms:
            self.choices = choices
        for pace in self.paces:
            pace.period = pace.account.periods.at(state.at_s)
            pace.price = state.prices.get(pace.name, 0.0)
            if pace.name in state.traffic:
                pace.traffic.was = state.traffic[pace.name]
