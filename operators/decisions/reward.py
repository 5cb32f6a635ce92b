"""The reward of a decision: the margin of the orders attributed to it, less what its offer cost."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from operators.decisions.ledger import CostRule, DecisionTerms
from operators.streaming.messages import Line, Order, OrderContent
from schemas.shop import Offer

MAX_ORDERS: Final = 20
"""Orders a decision remembers for its record; the money of further orders still counts."""

CHARGED_FOR_ORDERS: Final = frozenset({"redeemed", "bought"})


class Money(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an order brings before the cost of our offer: its margin, and its revenue."""

    margin: float
    revenue: float

    def plus(self, other: "Money") -> "Money":
        """Return the sum."""
        return Money(self.margin + other.margin, self.revenue + other.revenue)

    def times(self, factor: float) -> "Money":
        """Return a part or a multiple."""
        return Money(self.margin * factor, self.revenue * factor)


NOTHING: Final = Money(0.0, 0.0)


class AttributedOrder(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One order that was attributed: when it happened, what is left of it, whether it redeemed the offer."""

    order: str
    at_s: float
    money: Money
    redeems: bool = False


class OrderChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a revision changes in an attributed order; ``redeems``: it now uses the offer."""

    money: Money
    cancelled: bool = False
    redeems: bool = False


class Charges(NamedTuple):
    """What is charged for an offer, before the limit of its cost: as shares of orders, and as fixed cost."""

    share: float
    fixed: float


NO_CHARGES: Final = Charges(0.0, 0.0)


class Earnings(msgspec.Struct, array_like=True, gc=False):
    """What has come of a decision so far: its orders, and what the visitor did with its offer.

    ``partial``: lines of an order could not be taken as they stood. ``early`` are changes that are read again
    after a crash before their order is. ``withheld``: the offer ended before it was published. Bounded by
    ``MAX_ORDERS``.
    """

    money: Money = NOTHING
    orders: list[AttributedOrder] = []
    shown: bool = False
    clicked: bool = False
    redemption_seen: bool = False
    partial: bool = False
    early: list[tuple[str, OrderChange]] = []
    withheld: bool = False

    @property
    def redeemed(self) -> bool:
        """Whether the visitor used the offer, by feedback or with an order."""
        return self.redemption_seen or any(each.redeems for each in self.orders)

    def add(self, order: Order, money: Money, *, redeems: bool) -> None:
        """Attribute an order that brings so much."""
        self.money = self.money.plus(money)
        self.partial |= order.partial
        if len(self.orders) < MAX_ORDERS:
            self.orders.append(AttributedOrder(order.order, order.own_s, money, redeems))
            early, self.early = self.early, []
            for order_id, change in early:
                self._change(order_id, change)
        else:
            self.redemption_seen |= redeems

    def revise(self, order_id: str, change: OrderChange) -> None:
        """Change what an order brings; one that was cancelled is none."""
        self.money = self.money.plus(change.money)
        self._change(order_id, change)

    def _change(self, order_id: str, change: OrderChange) -> None:
        """Change an order that is remembered; with the last one the use of the offer is cancelled."""
        number = next((n for n, each in enumerate(self.orders) if each.order == order_id), None)
        if number is None:
            if len(self.early) < MAX_ORDERS:
                self.early.append((order_id, change))
        elif change.cancelled:
            del self.orders[number]
            self.redemption_seen &= bool(self.orders)
        else:
            each = self.orders[number]
            self.orders[number] = replace(
                each, money=each.money.plus(change.money), redeems=each.redeems or change.redeems
            )

    def cost(self, terms: DecisionTerms) -> float:
        """Return what the offer cost, by its rule."""
        share, fixed = self.charges(terms)
        return terms.cost.cost(share, fixed)

    def charges(self, terms: DecisionTerms) -> "Charges":
        """Return what is charged for the offer, before the limit of its cost."""
        if not self.is_charged(terms):
            return NO_CHARGES
        using = self._using(terms)
        revenue = self.money.revenue if using is None else sum(each.money.revenue for each in using)
        return Charges(terms.cost.share * revenue, terms.cost.fixed)

    def charged_orders(self, terms: DecisionTerms) -> list[AttributedOrder]:
        """Return the orders of which the offer costs its share: those that redeem it, where any does."""
        if not self.is_charged(terms):
            return []
        using = self._using(terms)
        return self.orders if using is None else using

    def _using(self, terms: DecisionTerms) -> list[AttributedOrder] | None:
        """Return the orders that redeem the offer; None where all count, or no order says that it does."""
        using = [each for each in self.orders if each.redeems] if terms.cost.charged == "redeemed" else []
        return using or None

    def order_profits(self, terms: DecisionTerms) -> list[float]:
        """Return the part of the profit that each remembered order brought: margin less the cost it caused.

        A fixed cost that is charged for an order counts with the first one that caused it, and the limit
        with the last ones. What is left of the profit, such as a cost charged when the offer is shown, is due
        to the decision itself.
        """
        rule, charged = terms.cost, [each.order for each in self.charged_orders(terms)]
        fixed = rule.fixed if rule.charged in CHARGED_FOR_ORDERS else 0.0
        profits, shares, costs = [], 0.0, 0.0
        for each in self.orders:
            before = costs
            if each.order in charged:
                shares += rule.share * each.money.revenue
                costs = rule.cost(shares, fixed)
            profits.append(each.money.margin - (costs - before))
        return profits

    def causes_of_cost(self, terms: DecisionTerms) -> list[str]:
        """Return the orders for which the offer is charged: it is not, once all of them are cancelled."""
        if terms.cost.charged not in CHARGED_FOR_ORDERS:
            return []
        return [each.order for each in self.charged_orders(terms)]

    def is_charged(self, terms: DecisionTerms) -> bool:
        """Return whether the offer is charged by now."""
        if not terms.treated or self.withheld:
            return False
        return {
            "redeemed": self.redeemed,
            "bought": bool(self.orders),
            "shown": self.shown,
            "decided": True,
        }[terms.cost.charged]


def cost_rule(offer: Offer) -> CostRule:
    """Return what an offer costs, as its decisions remember it."""
    return CostRule(offer.cost.charged, offer.cost.share, offer.cost.fixed, offer.max_discount)


class OrderReward(NamedTuple):
    """What one order brought, or what changed in that: its margin, and the cost of the offer it caused."""

    margin: float
    cost: float

    @property
    def profit(self) -> float:
        """Margin less cost."""
        return self.margin - self.cost


def late_charges(terms: DecisionTerms, order: OrderContent, money: Money) -> Charges:
    """Return what is charged for an order that was read after the window of its decision had ended."""
    if is_charged_late(terms, order):
        return Charges(terms.cost.share * money.revenue, terms.cost.fixed)
    return NO_CHARGES


def is_charged_late(terms: DecisionTerms, order: OrderContent) -> bool:
    """Return whether such an order is charged for the offer."""
    if terms.cost.charged == "redeemed":
        return redeems(order, terms)
    return terms.treated and terms.cost.charged == "bought"


def redeems(order: OrderContent, terms: DecisionTerms) -> bool:
    """Return whether an order redeems the offer of a decision: by its id, or by one of its codes."""
    if terms.decision in order.offers:
        return True
    return terms.codes is not None and any(terms.codes.fits(each.code) for each in order.codes)


def money_of(order: OrderContent, terms: DecisionTerms | None, margin_rate: float | None) -> Money:
    """Return what an order brings, before the cost of the offer in ``terms``; None where there is no offer.

    Margin is of what was paid for the goods: price less unit cost, else the market's rate of the price. A
    discount of the whole order lowers all lines alike, but for what our own offer took off: the amounts of
    its codes, or where none is told what the offer costs by its rule.
    """
    return money_of_lines(order.lines, margin_rate, paid_share(order, terms))


def paid_share(order: OrderContent, terms: DecisionTerms | None) -> float:
    """Return the share of an order's prices that was paid before our own offer."""
    discount = order.discount
    if not discount:
        return 1.0
    goods = value_of(order.lines)
    if terms is not None and redeems(order, terms):
        discount -= _own_discount(order, terms, goods)
    return max(1.0 - discount / goods, 0.0) if discount > 0.0 < goods else 1.0


def value_of(lines: Iterable[Line]) -> float:
    """Return what lines cost by their prices."""
    return sum((line.price or 0.0) * line.quantity for line in lines)


def money_of_lines(lines: Iterable[Line], margin_rate: float | None, paid: float = 1.0) -> Money:
    """Return what lines bring of whose prices this share was paid."""
    margin = revenue = 0.0
    for line in lines:
        price = (line.price or 0.0) * paid
        revenue += price * line.quantity
        if line.unit_cost is not None:
            margin += (price - line.unit_cost) * line.quantity
        elif margin_rate is not None:
            margin += price * margin_rate * line.quantity
    return Money(margin, revenue)


def _own_discount(order: OrderContent, terms: DecisionTerms, goods: float) -> float:
    rule = terms.codes
    told = [each.amount for each in order.codes if rule is not None and rule.fits(each.code)]
    amounts = [amount for amount in told if amount is not None]
    return sum(amounts) if amounts else terms.cost.cost(terms.cost.share * goods, terms.cost.fixed)
