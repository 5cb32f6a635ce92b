"""One budget as its price sees it: what is left, how many choices are to come, what offers use of it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from operators.decisions.budgets.account import BudgetAccount
from operators.decisions.budgets.choices import Floats
from operators.decisions.budgets.cost_rates import CostRates
from operators.decisions.budgets.money import MICROS
from operators.decisions.budgets.periods import Period
from operators.decisions.budgets.traffic import Traffic


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
    """The price of the money, or of the number, of one budget, in the period of now.

    ``terms`` are those of the arms it is about. A reservation that comes back within the period counts with
    what the offer is expected to cost; one that does not counts in full.
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

    def uses(self, at_s: float, at_cart: Floats, arms: Sequence[str], rates: CostRates) -> Floats:
        """Return what each arm uses in each choice, nothing where it is not about the arm."""
        if self.period is None:
            return np.zeros_like(at_cart)
        rest_s = self.period.end_s - at_s
        found = [self._mean_use(arm, rates, rest_s) if arm in self.terms else Use(0.0, 0.0) for arm in arms]
        uses: Floats = at_cart * [each.share for each in found] + [each.fixed for each in found]
        return uses

    def left(self, period: Period) -> float:
        """Return what of the budget is neither spent nor expected to be."""
        totals, budget = self.account.totals_of(period), self.account.budget
        if self.what == "number":
            return max((budget.number or 0) - totals.chosen, 0)
        return max((self.account.limit or 0) - totals.counts, 0) / MICROS

    def _mean_use(self, arm: str, rates: CostRates, rest_s: float) -> Use:
        """Return what offers use that are made at any time until the period ends."""
        if self.what == "number":
            return Use(0.0, 1.0)
        terms = self.terms[arm]
        in_full = min(terms.settles_s / rest_s, 1.0)
        partly = min(terms.held_s / rest_s, 1.0) - in_full
        share = rates.share(arm) * (1.0 - in_full)
        return Use(share, terms.most * (in_full + partly * (1.0 - rates.charged(arm))))
