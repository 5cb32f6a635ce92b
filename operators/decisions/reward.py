"""The reward of a decision: the margin of the orders attributed to it, less what its offer cost."""

from typing import Final, NamedTuple

import msgspec

from operators.decisions.ledger import DecisionTerms
from operators.streaming.messages import Line, Order

MAX_ORDERS: Final = 20
"""Orders a decision remembers for its record; the money of further orders still counts."""

CHARGED_FOR_ORDERS: Final = frozenset({"redeemed", "bought"})


class AttributedOrder(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One order that was attributed: when it happened, its margin and its revenue before any offer."""

    order: str
    at_s: float
    margin: float
    revenue: float


class Earnings(msgspec.Struct, array_like=True, gc=False):
    """What has come of a decision so far: its orders, and what the visitor did with its offer.

    Bounded by ``MAX_ORDERS``.
    """

    margin: float = 0.0
    revenue: float = 0.0
    orders: list[AttributedOrder] = []
    shown: bool = False
    clicked: bool = False
    redeemed: bool = False

    def add(self, order: Order, terms: DecisionTerms, margin_rate: float | None) -> None:
        """Attribute one order to the decision with these terms."""
        margin, revenue = margin_of(order.lines, margin_rate), revenue_of(order.lines)
        self.margin += margin
        self.revenue += revenue
        if len(self.orders) < MAX_ORDERS:
            self.orders.append(AttributedOrder(order.order, order.own_s, margin, revenue))
        self.redeemed |= terms.decision in order.offers

    def cost(self, terms: DecisionTerms) -> float:
        """Return what the offer cost, by its rule."""
        if not self._is_charged(terms):
            return 0.0
        return terms.cost.share * self.revenue + terms.cost.fixed

    def order_profits(self, terms: DecisionTerms) -> list[float]:
        """Return the part of the profit that each remembered order brought: margin less the cost it caused.

        A fixed cost that is charged for an order counts with the first one. What is left of the profit, such
        as a cost charged when the offer is shown, is due to the decision itself.
        """
        charged, rule = self._is_charged(terms), terms.cost
        share = rule.share if charged else 0.0
        fixed = rule.fixed if charged and rule.charged in CHARGED_FOR_ORDERS else 0.0
        return [
            each.margin - share * each.revenue - (fixed if number == 0 else 0.0)
            for number, each in enumerate(self.orders)
        ]

    def _is_charged(self, terms: DecisionTerms) -> bool:
        if not terms.treated:
            return False
        return {
            "redeemed": self.redeemed,
            "bought": bool(self.orders),
            "shown": self.shown,
            "decided": True,
        }[terms.cost.charged]


class OrderReward(NamedTuple):
    """What one order brought: its margin, and the cost of the offer that it caused."""

    margin: float
    cost: float

    @property
    def profit(self) -> float:
        """Margin less cost."""
        return self.margin - self.cost


def late_reward(terms: DecisionTerms, order: Order, margin_rate: float | None) -> OrderReward:
    """Return what an order brought that was read after the window of its decision had ended."""
    margin = margin_of(order.lines, margin_rate)
    redeemed = terms.decision in order.offers and terms.cost.charged == "redeemed"
    bought = terms.treated and terms.cost.charged == "bought"
    if redeemed or bought:
        return OrderReward(margin, terms.cost.share * revenue_of(order.lines) + terms.cost.fixed)
    return OrderReward(margin, 0.0)


def revenue_of(lines: tuple[Line, ...]) -> float:
    """Return what the lines of an order cost the buyer before any offer, in the market's currency."""
    return sum((line.price or 0.0) * line.quantity for line in lines)


def margin_of(lines: tuple[Line, ...], margin_rate: float | None) -> float:
    """Return the margin of the lines before any offer: price less unit cost, else the market's rate."""
    total = 0.0
    for line in lines:
        price = line.price or 0.0
        if line.unit_cost is not None:
            total += (price - line.unit_cost) * line.quantity
        elif margin_rate is not None:
            total += price * margin_rate * line.quantity
    return total
