"""What an offer has cost after the window of its decision, so that its limit holds over all of its orders.

What stands here is not rolled back after a crash: what is read again adds what it added when it was first
read.
"""

from typing import Final

import msgspec

from operators.decisions.ledger import CostRule, DecisionTerms
from operators.decisions.reward import Charges
from operators.streaming.durable_store import DurableStore


class _Charged(msgspec.Struct, frozen=True, array_like=True, gc=False):
    cause: str
    share: float
    fixed: float


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[_Charged])


class OfferCosts:
    """What was charged for each offer, in the order in which it was read.

    A row has one line for each order and revision that is charged; rows are bounded by the period for which
    the store keeps them.
    """

    def __init__(self, store: DurableStore) -> None:
        self._store = store

    def charge(self, terms: DecisionTerms, cause: str, charges: Charges, at_s: float) -> float:
        """Charge an offer, once for each cause; return what that adds to its cost."""
        name = f"cost {terms.decision}"
        found = self._store.recall(name)
        row = [] if found is None else _DECODER.decode(found)
        number = next((n for n, each in enumerate(row) if each.cause == cause), None)
        if number is None:
            if charges == (0.0, 0.0):
                return 0.0
            number = len(row)
            row.append(_Charged(cause, *charges))
            self._store.remember(name, at_s, _ENCODER.encode(row))
        return _cost(terms.cost, row[: number + 1]) - _cost(terms.cost, row[:number])


def _cost(rule: CostRule, row: list[_Charged]) -> float:
    return rule.cost(sum(each.share for each in row), sum(each.fixed for each in row))
