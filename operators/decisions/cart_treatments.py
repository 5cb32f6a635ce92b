"""What was decided for each cart in progress, and until when a visitor who had an offer is left alone."""

import math
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from operators.decisions.ledger import Entry
from operators.streaming.messages import Outcome

V = TypeVar("V")

CART_S: Final = 7 * 86_400.0
"""How long a cart without an outcome is remembered as decided upon."""


class Cart(msgspec.Struct, array_like=True, gc=False):
    """What was decided for a cart so far: since when, and the probability that it had no offer."""

    at_s: float
    treated: bool = False
    none_probability: float = 1.0
    decision: str | None = None


class CartTreatments:
    """The cooldowns by visitor, as the time of their end, and the carts decided upon, the oldest first.

    Bounded by the offers of the cooldown, and by the carts in progress that were decided upon in ``CART_S``.
    """

    __slots__ = ("carts", "cooldowns")

    def __init__(self, cooldowns: dict[str, float], carts: dict[str, Cart]) -> None:
        self.cooldowns = cooldowns
        self.carts = carts

    def is_cooling(self, visitor: str, at_s: float) -> bool:
        """Return whether a visitor had an offer so lately that no other follows."""
        return self.cooldowns.get(visitor, -math.inf) > at_s

    def decided(self, entry: Entry, cooldown_s: float) -> None:
        """Note a decision that had a choice."""
        if entry.offered is not None:
            self.cooldowns.pop(entry.visitor, None)
            self.cooldowns[entry.visitor] = entry.at_s + cooldown_s
        cart = self.carts.setdefault(entry.cart, Cart(entry.at_s))
        cart.treated |= entry.treated
        cart.none_probability *= entry.none_probability
        cart.decision = entry.decision

    def decision_for(self, cart: str) -> str | None:
        """Return the latest decision for a cart that is still in progress."""
        known = self.carts.get(cart)
        return None if known is None else known.decision

    def take_outcome(self, outcome: Outcome) -> tuple[bool, float]:
        """Return whether an offer preceded what became of a cart, and the probability that none was made."""
        cooling = self.is_cooling(outcome.visitor, outcome.at_s)
        known = self.carts.pop(outcome.cart, None)
        if known is None or known.at_s < outcome.at_s - CART_S:
            return cooling, 1.0
        return cooling or known.treated, known.none_probability

    def forget(self, time_s: float) -> None:
        """Drop the cooldowns that are over and the carts whose outcome nobody waits for any longer."""
        _drop_front(self.cooldowns, lambda until_s: until_s < time_s)
        _drop_front(self.carts, lambda cart: cart.at_s < time_s - CART_S)


def _drop_front(items: dict[str, V], over: Callable[[V], bool]) -> None:
    while items:
        first = next(iter(items))
        if not over(items[first]):
            return
        del items[first]
