"""What decisions over simulated shoppers are truly worth: a record for each, in a file of its own."""

from collections.abc import Iterable, Iterator
from typing import Final

from operators.simulation import World
from operators.streaming.messages import OutputRecord
from schemas.decisions import Decision
from schemas.partial_records import partial_decoder
from schemas.records import Id, Name, Record, Timestamp, encode

TRUTH: Final = "truth.jsonl"

_decision: Final = partial_decoder(
    Decision, "decision_id", "visitor_id", "market", "at", "cart_id", "arm", "holdout"
)


class Truth(Record, frozen=True, kw_only=True, gc=False, tag="truth"):
    """The exact expected profit of the arm that was chosen, of the best one and of no offer."""

    decision_id: Id
    market: Name
    at: Timestamp
    arm: str
    holdout: bool
    value: float
    best: float
    no_offer: float


def truth_lines(world: World, records: Iterable[OutputRecord]) -> Iterator[bytes]:
    """Return a line for each decision among these records whose shopper still has the cart."""
    for record in records:
        if record.type != "decision":
            continue
        decision = _decision(record.value)
        cart = world.cart(decision.visitor_id)
        if cart is not None and cart.id == decision.cart_id:
            values = world.true_values(cart)
            truth = Truth(
                decision_id=decision.decision_id,
                market=decision.market,
                at=decision.at,
                arm=decision.arm,
                holdout=decision.holdout,
                value=values.get(decision.arm, values["no_offer"]),
                best=max(values.values()),
                no_offer=values["no_offer"],
            )
            yield encode(truth) + b"\n"
