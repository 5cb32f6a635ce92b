"""The state of the page: each record of the worker's topics goes to the part that it is about."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from flows.live_page.state.changes import Changes
from flows.live_page.state.market_state import MarketState
from flows.live_page.state.rejects_seen import RejectsSeen
from operators.controls.in_force import Check
from schemas.decisions import ControlApplied, Decision, Drift, Outcome, Reward, Score
from schemas.message import Message, first_header
from schemas.offers import OfferDecided, OfferExpired, OfferRedeemed, OfferRevoked
from schemas.records import decoder
from schemas.shop import Shop


class Handler(NamedTuple):
    """What reads a type of record, which market it is of, and what adds it to that."""

    decode: Callable[[bytes], Any]
    market_of: Callable[[Any], str]
    add: Callable[[MarketState, Any], None]


def _of_record(record: Any) -> str:  # noqa: ANN401  any record with a market
    return str(record.market)


def _of_offer(record: Any) -> str:  # noqa: ANN401  any record of an offer
    return str(record.data.market)


HANDLERS: Final = {
    "decision": Handler(decoder(Decision), _of_record, MarketState.add_decision),
    "reward": Handler(decoder(Reward), _of_record, MarketState.add_reward),
    "score": Handler(decoder(Score), _of_record, MarketState.add_score),
    "outcome": Handler(decoder(Outcome), _of_record, MarketState.add_outcome),
    "drift": Handler(decoder(Drift), _of_record, MarketState.add_drift),
    "offer.decided": Handler(decoder(OfferDecided), _of_offer, MarketState.add_offer),
    "offer.redeemed": Handler(decoder(OfferRedeemed), _of_offer, MarketState.add_end),
    "offer.expired": Handler(decoder(OfferExpired), _of_offer, MarketState.add_end),
    "offer.revoked": Handler(decoder(OfferRevoked), _of_offer, MarketState.add_end),
}
_applied: Final = decoder(ControlApplied)


class PageState:
    """What is known of the markets of the offers file, of what was rejected, and of controls.

    ``records`` counts what was read, ``unreadable`` what of it was no record of this version. Bounded by the
    markets and as its parts are.
    """

    def __init__(self, shop: Shop, check: Check) -> None:
        self.markets = {name: MarketState() for name in shop.markets}
        self.rejects = RejectsSeen()
        self.changes = Changes(shop, check)
        self.records = 0
        self.unreadable = 0

    @property
    def shop(self) -> Shop:
        """The shop in force, as far as the controls were read."""
        return self.changes.history.in_force.shop

    def add_output(self, message: Message) -> None:
        """Add a record of the offers or the decisions topic; types that are not shown are left out."""
        self.records += 1
        kind = first_header(message.headers, "ce_type") or ""
        if message.value is None:
            return
        try:
            if kind == "control_applied":
                self.changes.add_applied(_applied(message.value))
            elif (handler := HANDLERS.get(kind)) is not None:
                record = handler.decode(message.value)
                market = self.markets.get(handler.market_of(record))
                if market is not None:
                    handler.add(market, record)
        except msgspec.MsgspecError:
            self.unreadable += 1

    def add_rejected(self, message: Message) -> None:
        """Add a record of the rejected topic."""
        self.records += 1
        self.rejects.add(message)

    def add_control(self, message: Message) -> None:
        """Add a record of the controls topic."""
        self.changes.add(message)
