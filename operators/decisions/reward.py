"""What a decision earned: the margin of the orders credited to it, less what its offer cost."""

import math
from typing import Final

import msgspec

from operators.decisions.ledger import Charge, Entry
from operators.streaming.messages import Fact, Line

ORDERS: Final = 20
"""Orders a decision remembers for its record; the money of further orders still counts."""


class Credited(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One order that was credited: when it happened, its margin and its revenue before any offer."""

    order: str
    at_s: float
    margin: float
    revenue: float


class OpenDecision(msgspec.Struct, array_like=True, gc=False):
    """A decision whose window has not ended: what it is and what has come of it so far.

    ``live``: its offer can still be revoked or expire. ``learned``: its window has ended.
    """

    decision: str
    moment: str
    at_s: float
    visitor: str
    cart: str
    arm: str
    group: str
    treated: bool
    teaches: bool
    window_ends_s: float
    expires_s: float | None
    charge: Charge
    live: bool
    learned: bool = False
    margin: float = 0.0
    revenue: float = 0.0
    orders: list[Credited] = []
    shown: bool = False
    clicked: bool = False
    redeemed: bool = False

    def credit(self, order: Fact, margin_rate: float | None) -> None:
        """Credit one order to this decision."""
        earned, paid = margin(order.lines or (), margin_rate), revenue(order.lines or ())
        self.margin += earned
        self.revenue += paid
        if len(self.orders) < ORDERS:
            self.orders.append(Credited(order.order or order.id, order.own_s, earned, paid))
        self.redeemed |= self.decision in order.offers

    def cost(self) -> float:
        """Return what the offer cost, by its rule."""
        return self.charge.share * self.revenue + self.charge.fixed if self._charged() else 0.0

    def order_profits(self) -> list[float]:
        """Return the part of the profit that each remembered order brought: margin less the cost it caused.

        A fixed cost that is charged for an order counts with the first one. What is left of the profit, such
        as a cost charged when the offer is shown, came of the decision itself.
        """
        charged = self._charged()
        share = self.charge.share if charged else 0.0
        fixed = self.charge.fixed if charged and self.charge.when in {"redeemed", "bought"} else 0.0
        return [
            each.margin - share * each.revenue - (fixed if place == 0 else 0.0)
            for place, each in enumerate(self.orders)
        ]

    def _charged(self) -> bool:
        if not self.treated:
            return False
        return {
            "redeemed": self.redeemed,
            "bought": bool(self.orders),
            "shown": self.shown,
            "decided": True,
        }[self.charge.when]

    def due_s(self) -> float:
        """Return when something is next to be done: the offer expires or the window ends."""
        window_s = math.inf if self.learned else self.window_ends_s
        expiry_s = math.inf if self.expires_s is None or not self.live else self.expires_s
        return min(window_s, expiry_s)


def opened(entry: Entry) -> OpenDecision:
    """Return the open decision that begins with a ledger entry."""
    return OpenDecision(
        entry.decision,
        entry.moment,
        entry.at_s,
        entry.visitor,
        entry.cart,
        entry.arm,
        entry.group,
        entry.treated,
        entry.teaches,
        entry.window_ends_s,
        entry.expires_s,
        entry.charge,
        live=entry.offered is not None,
    )


def revenue(lines: tuple[Line, ...]) -> float:
    """Return what the lines of an order cost the buyer before any offer, in the market's currency."""
    return sum((line.price or 0.0) * line.quantity for line in lines)


def margin(lines: tuple[Line, ...], margin_rate: float | None) -> float:
    """Return the profit of the lines before any offer: price less unit cost, else the market's rate."""
    total = 0.0
    for line in lines:
        price = line.price or 0.0
        if line.unit_cost is not None:
            total += (price - line.unit_cost) * line.quantity
        elif margin_rate is not None:
            total += price * margin_rate * line.quantity
    return total


def late_profit(entry: Entry, order: Fact, margin_rate: float | None) -> tuple[float, float]:
    """Return margin and cost of an order that came after the window of its decision had ended."""
    lines = order.lines or ()
    earned = margin(lines, margin_rate)
    redeemed = entry.decision in order.offers and entry.charge.when == "redeemed"
    bought = entry.treated and entry.charge.when == "bought"
    if redeemed or bought:
        return earned, entry.charge.share * revenue(lines) + entry.charge.fixed
    return earned, 0.0
