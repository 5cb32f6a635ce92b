"""The orders of a market as they were read and revised: each counts once, however often it is reported.

What stands in the book is not rolled back after a crash. An order that is read again is known by the position
of its record, and a revision keeps the change that was computed when it was first read.
"""

import math
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from operators.decisions.reward import NOTHING, Money
from operators.streaming.durable_store import DurableStore
from operators.streaming.erased_people import ErasedPeople
from operators.streaming.messages import (
    AnyOrderRevision,
    Order,
    OrderContent,
    OrderEvent,
    OrderUpdate,
)

E = TypeVar("E", bound=OrderEvent)
OF_ORDER: Final = "order "
"""What the names begin with under which orders are kept."""


class GivenBack(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How many pieces of a product were given back, and which share of what all of them brought."""

    pieces: int
    share: float

    def __add__(self, other: "GivenBack") -> "GivenBack":
        """Return the sum."""
        return GivenBack(self.pieces + other.pieces, self.share + other.share)


NONE_BACK: Final = GivenBack(0, 0.0)


class Revision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one event changed in the money of an order.

    ``given`` is what was given back of products; ``content`` is what the order holds since an update, which
    ``redeems`` an offer that the order did not redeem before. ``keeps_fixed``: it was cancelled, but another
    order still causes the fixed cost.
    """

    id: str
    position: str
    change: Money
    given: dict[str, GivenBack] = {}
    cancelled: bool = False
    content: OrderUpdate | None = None
    redeems: bool = False
    keeps_fixed: bool = False


class BookedOrder(msgspec.Struct, array_like=True, gc=False):
    """An order that was reported, the decision that it is attributed to, and what was revised since.

    ``found_by`` names the record by which the decision was found: reading that again after a crash finds it
    again. ``first_s`` is when it was reported first. ``money`` is what it brought before any revision.
    ``is_charged`` says whether it is charged for its offer, None while the window of its decision is open,
    and ``fixed`` what of a fixed cost, which orders ``beside`` it cause too. ``joined`` says whether it met a
    visit, a cart or a decision. ``relearned_s``: it is known from published records alone, which tell
    everything up to then; that is in the rewards already.
    """

    order: Order
    decision: str | None = None
    found_by: str = ""
    first_s: float = 0.0
    money: Money = NOTHING
    fixed: float = 0.0
    is_charged: bool | None = None
    revisions: list[Revision] = []
    joined: bool = False
    beside: list[str] = []
    relearned_s: float = -math.inf

    @property
    def left(self) -> Money:
        """What it brings after all revisions."""
        return self.left_after(len(self.revisions))

    def left_after(self, count: int) -> Money:
        """Return what it brings after so many revisions."""
        left = self.money
        for each in self.revisions[:count]:
            left = left.plus(each.change)
        return left

    @property
    def content(self) -> OrderContent:
        """What it holds, by what was reported last."""
        updates = [each.content for each in self.revisions if each.content is not None]
        return updates[-1] if updates else self.order

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled."""
        return any(each.cancelled for each in self.revisions)


class OrderRow(msgspec.Struct, array_like=True, gc=False):
    """All that is known of an order: None while only revisions were read, which wait in ``early``."""

    booked: BookedOrder | None = None
    early: list[AnyOrderRevision] = []


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(OrderRow)


class OrderBook:
    """The orders of a market by their ids. Bounded by those of the period for which its store keeps them."""

    def __init__(self, store: DurableStore) -> None:
        self._store = store

    def get(self, order_id: str) -> OrderRow:
        """Return what is known of an order."""
        found = self._store.recall(_name(order_id))
        return OrderRow() if found is None else _DECODER.decode(found)

    def put(self, order_id: str, row: OrderRow, at_s: float) -> None:
        """Write down what is known of an order."""
        self._store.remember(_name(order_id), at_s, _ENCODER.encode(row))


def order_left(row: bytes, erased: ErasedPeople) -> bytes:
    """Return what is left of what is known of an order: what was bought, but not by whom."""
    known = _DECODER.decode(row)
    early = [scrubbed(each) if _is_erased(each, erased) else each for each in known.early]
    booked = known.booked
    if booked is not None and _is_erased(booked.order, erased):
        booked = replace(
            booked,
            order=scrubbed(booked.order),
            found_by="" if erased.mentioned_in(booked.found_by.encode()) else booked.found_by,
            revisions=[
                each if each.content is None else replace(each, content=scrubbed(each.content))
                for each in booked.revisions
            ],
        )
    return _ENCODER.encode(OrderRow(booked, early))


def _is_erased(event: OrderEvent, erased: ErasedPeople) -> bool:
    return erased.visitor(event.visitor, event.at_s) or erased.user(event.user, event.at_s)


def scrubbed(event: E) -> E:
    """Return what is known of an order without its person."""
    names = {"names": ()} if isinstance(event, Order) else {}
    return replace(
        event,
        id="" if isinstance(event, Order) else event.id,
        visitor="",
        user=None,
        session=None,
        device=None,
        source=None,
        context=None,
        cart=None,
        checkout=None,
        **names,
    )


def _name(order_id: str) -> str:
    return f"{OF_ORDER}{order_id}"
