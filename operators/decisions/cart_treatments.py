"""What was decided for each cart in progress: whether an offer precedes its outcome."""

from typing import Final, NamedTuple

import msgspec

from operators.decisions.expiring import drop_from_front
from operators.decisions.ledger import LedgerEntry

CART_S: Final = 7 * 86_400.0
"""How long a cart without an outcome is remembered as decided upon."""


class CartTreatment(msgspec.Struct, array_like=True, gc=False):
    """What was decided for a cart so far: since when, and the probability that it had no offer."""

    at_s: float
    treated: bool = False
    none_probability: float = 1.0
    decision: str | None = None


class OutcomeTreatment(NamedTuple):
    """What preceded the outcome of a cart: whether an offer did, and the probability that none was made."""

    treated: bool
    none_probability: float
    decision: str | None


UNTREATED: Final = OutcomeTreatment(treated=False, none_probability=1.0, decision=None)


class CartTreatments:
    """The carts decided upon, the oldest first. Bounded by the carts without an outcome of ``CART_S``."""

    __slots__ = ("carts",)

    def __init__(self, carts: dict[str, CartTreatment] | None = None) -> None:
        self.carts = {} if carts is None else carts

    def __len__(self) -> int:
        """Return how many carts are remembered."""
        return len(self.carts)

    def decided(self, entry: LedgerEntry) -> None:
        """Note a decision that had a choice."""
        terms = entry.terms
        cart = self.carts.setdefault(terms.cart, CartTreatment(terms.at_s))
        cart.treated |= terms.treated
        cart.none_probability *= entry.none_probability
        cart.decision = terms.decision

    def close(self, cart: str, at_s: float) -> OutcomeTreatment:
        """Return what preceded the outcome of a cart, and forget it.

        The latest decision is named even where it is too old to have treated the cart.
        """
        known = self.carts.pop(cart, None)
        if known is None:
            return UNTREATED
        if known.at_s < at_s - CART_S:
            return UNTREATED._replace(decision=known.decision)
        return OutcomeTreatment(known.treated, known.none_probability, known.decision)

    def forget(self, time_s: float) -> None:
        """Drop the carts whose outcome no longer matters."""
        drop_from_front(self.carts, lambda cart: cart.at_s < time_s - CART_S)
