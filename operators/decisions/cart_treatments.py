"""What was decided for each cart in progress: whether an offer precedes its outcome."""

from typing import Final, NamedTuple

import msgspec

from operators.decisions.ledger import LedgerEntry
from operators.state.rows import StateRows
from operators.state.struct_table import StructTable
from operators.state.timer_table import TimerTable

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
    """The carts decided upon, in the rows of their market. Bounded by ``CART_S``."""

    __slots__ = ("_carts", "_timers", "count")

    def __init__(self, rows: StateRows) -> None:
        self.count = 0
        self._carts = StructTable(rows, b"c", CartTreatment)
        self._timers = TimerTable(rows, b"k")

    def __len__(self) -> int:
        """Return how many carts are remembered."""
        return self.count

    def decided(self, entry: LedgerEntry) -> None:
        """Note a decision that had a choice."""
        terms = entry.terms
        cart = self._carts.get(terms.cart)
        if cart is None:
            cart = CartTreatment(terms.at_s)
            self.add(terms.cart, cart)
        cart.treated |= terms.treated
        cart.none_probability *= entry.none_probability
        cart.decision = terms.decision

    def add(self, name: str, cart: CartTreatment) -> None:
        """Remember a cart that was not known."""
        self.count += 1
        self._carts.put(name, cart)
        self._timers.set(name, cart.at_s)

    def close(self, cart: str, at_s: float) -> OutcomeTreatment:
        """Return what preceded the outcome of a cart, and forget it.

        The latest decision is named even where it is too old to have treated the cart.
        """
        known = self._carts.get(cart)
        if known is None:
            return UNTREATED
        self._timers.drop(cart, known.at_s)
        self._drop(cart)
        if known.at_s < at_s - CART_S:
            return UNTREATED._replace(decision=known.decision)
        return OutcomeTreatment(known.treated, known.none_probability, known.decision)

    def erase(self, cart: str) -> None:
        """Forget a cart, whatever becomes of it."""
        known = self._carts.get(cart)
        if known is not None:
            self._timers.drop(cart, known.at_s)
            self._drop(cart)

    def forget(self, time_s: float) -> None:
        """Drop the carts whose outcome no longer matters."""
        for _, cart in self._timers.due(time_s - CART_S):
            self._drop(cart)

    def _drop(self, cart: str) -> None:
        self.count -= 1
        self._carts.drop(cart)
