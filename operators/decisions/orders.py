"""The orders of one market: to which decision each is attributed, once, and what is revised in it later."""

import math
from collections.abc import Callable, Container
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from operators.decisions.attribution import Buyer, attribute
from operators.decisions.expiring import drop_from_front
from operators.decisions.identities import Identities
from operators.decisions.ledger import DecisionTerms, Ledger, LedgerEntry, cart_name, read_entry, visitor_name
from operators.decisions.offer_costs import OfferCosts
from operators.decisions.open_decisions import OpenDecision, OpenDecisions
from operators.decisions.order_book import BookedOrder, OrderBook, OrderRow, Revision
from operators.decisions.order_joins import keys_of
from operators.decisions.output_records import CORRECTION_CAUSES, Correction, correction_record
from operators.decisions.revisions import revision_of
from operators.decisions.reward import (
    NO_CHARGES,
    NOTHING,
    Charges,
    Money,
    OrderChange,
    OrderReward,
    is_charged_late,
    late_charges,
    money_of,
    redeems,
)
from operators.decisions.rules import RuleBook
from operators.decisions.statistics import MarketStatistics
from operators.streaming.messages import AnyOrderRevision, CartBought, Order, OutputRecord
from schemas.shop import Market

WAITING_S: Final = 3600.0
"""For so long a bought cart waits for its order to be read."""
REVISIONS: Final = 50
"""An order is revised at most this many times; further events change nothing."""


class BoughtCarts(msgspec.Struct, array_like=True):
    """The carts that an order bought, which is not read yet."""

    at_s: float
    carts: list[tuple[str, str]] = []


class Parts(NamedTuple):
    """What of a market orders are attributed with; ``revise`` trains the policy on a change of a reward."""

    market: Market
    correction_s: float
    ledger: Ledger
    open: OpenDecisions
    identities: Identities
    statistics: MarketStatistics
    rules: RuleBook
    revise: Callable[[LedgerEntry, float], float | None]


class OrderReport(NamedTuple):
    """An order with all that is known of its buyer, the record that reported it last, when one did first."""

    order: Order
    record: str
    first_s: float


class Orders:
    """The orders of one market. Bounded as ``OrderBook`` is, and by the orders of ``WAITING_S``."""

    def __init__(self, parts: Parts, bought: dict[str, BoughtCarts] | None = None) -> None:
        self.bought = {} if bought is None else bought
        self._parts = parts
        self._book = OrderBook(parts.ledger)
        self._costs = OfferCosts(parts.ledger)

    def configure(self, market: Market) -> None:
        """Take up the market as the controls have it now."""
        self._parts = self._parts._replace(market=market)

    def buyer(self, report: OrderReport) -> Buyer:
        """Return whose order it is, by its visitor, its user, the carts it bought, the offers it redeems.

        Who is one person is judged as when the order was reported first.
        """
        parts, order = self._parts, report.order
        parts.identities.link(order.visitor, order.user, order.at_s, browsed=False)
        known = self.bought.get(order.order, BoughtCarts(order.at_s)).carts
        carts = {cart for _, cart in known} | ({order.cart} if order.cart is not None else set())
        owners = [each.terms.visitor for cart in sorted(carts) for each in parts.open.named(cart_name(cart))]
        owners += [entry.terms.visitor for offer in order.offers if (entry := self._entry(offer)) is not None]
        visitors = parts.identities.visitors(order.visitor, order.user, report.first_s)
        everyone = dict.fromkeys((*visitors, *(visitor for visitor, _ in known), *owners))
        return Buyer(tuple(everyone), frozenset(carts))

    def note_bought(self, event: CartBought) -> OrderReport | None:
        """Note which cart an order bought; return the order where it was read before but not attributed."""
        self.bought.setdefault(event.order, BoughtCarts(event.at_s)).carts.append((event.visitor, event.cart))
        booked = self._book.get(event.order).booked
        record = f"{event.id} of {event.visitor}"
        if booked is None or (booked.decision is not None and booked.found_by != record):
            return None
        return OrderReport(_reported_again(booked.order, event.at_s), record, booked.first_s)

    def reported(self, order: Order) -> OrderReport | None:
        """Return what is known of an order; None where it is attributed already, by another record."""
        booked = self._book.get(order.order).booked
        if booked is None:
            return OrderReport(order, order.position, order.at_s)
        if booked.decision is not None and booked.found_by != order.position:
            self._fill(booked, order)
            return None
        return OrderReport(_joined(booked.order, order), order.position, booked.first_s)

    def relearn(self, terms: DecisionTerms, order: Order, money: Money, until_s: float) -> None:
        """Book an order that published records attribute to a decision, with what it has brought.

        They tell everything that happened to it up to a time.
        """
        booked = BookedOrder(
            order,
            terms.decision,
            first_s=order.at_s,
            money=money,
            joined=True,
            relearned_s=until_s,
        )
        self._book.put(order.order, OrderRow(booked), until_s)

    def relearn_costs(self, terms: DecisionTerms, cause: str, charges: Charges, at_s: float) -> None:
        """Book what published records say that an offer has cost after its window."""
        self._costs.charge(terms, cause, charges, at_s)

    def relearn_revision(self, order_id: str, revision: Revision, until_s: float) -> None:
        """Book what a published correction has changed in an order."""
        row = self._book.get(order_id)
        if row.booked is not None and len(row.booked.revisions) < REVISIONS:
            row.booked.revisions.append(revision)
            row.booked.relearned_s = max(row.booked.relearned_s, until_s)
            self._book.put(order_id, row, until_s)

    def _fill(self, booked: BookedOrder, order: Order) -> None:
        """Note what an order holds that is known from published records alone, for what revises it later."""
        if math.isfinite(booked.relearned_s) and not booked.order.lines:
            booked.order = order
            self._book.put(order.order, OrderRow(booked, self._book.get(order.order).early), order.at_s)

    def process(self, report: OrderReport, buyer: Buyer) -> list[OutputRecord]:
        """Attribute an order and apply the revisions that came before it."""
        order = report.order
        row = self._book.get(order.order)
        records: list[OutputRecord] = []
        booked = self._attributed(order, buyer, records)
        booked.found_by, booked.first_s = report.record, report.first_s
        if row.booked is not None:
            booked.revisions = row.booked.revisions
        self._note_joined(booked, report, row.booked)
        self._book.put(order.order, OrderRow(booked, row.early), order.at_s)
        for each in row.early if booked.decision is not None else ():
            records += self._apply(booked, row, each)
        return records

    def revise(self, event: AnyOrderRevision) -> list[OutputRecord]:
        """Apply what revises an order, once; it waits until the order was reported and found its decision."""
        row = self._book.get(event.order)
        if any(event.position == each.position or event.id == each.id for each in row.early):
            return []
        if row.booked is not None and row.booked.decision is not None:
            return self._apply(row.booked, row, event)
        if len(row.early) < REVISIONS:
            row.early.append(event)
            self._book.put(event.order, row, event.at_s)
        return []

    def decision_of(self, order_id: str) -> str | None:
        """Return the decision that an order is attributed to, None where none is known."""
        booked = self._book.get(order_id).booked
        return None if booked is None else booked.decision

    def window_ended(self, decision: OpenDecision) -> None:
        """Note with the orders of a decision whether its offer was charged, for what is revised later."""
        terms, earned = decision.terms, decision.earnings
        charged = [each.order for each in earned.charged_orders(terms)]
        causes = earned.causes_of_cost(terms)
        self._costs.charge(terms, "window", earned.charges(terms), terms.window_ends_s)
        for each in earned.orders:
            row = self._book.get(each.order)
            if row.booked is not None:
                row.booked.is_charged = each.order in charged
                row.booked.fixed = terms.cost.fixed if each.order in causes else 0.0
                row.booked.beside = [other for other in causes if other != each.order]
                self._book.put(each.order, row, terms.window_ends_s)

    def erase(self, visitors: Container[str]) -> None:
        """Forget that these visitors' carts were bought."""
        for known in self.bought.values():
            known.carts = [each for each in known.carts if each[0] not in visitors]

    def forget(self, time_s: float) -> None:
        """Drop the carts whose order did not come."""
        drop_from_front(self.bought, lambda each: each.at_s < time_s - WAITING_S)

    def _note_joined(self, booked: BookedOrder, report: OrderReport, before: BookedOrder | None) -> None:
        """Count an order once, and whether it met anybody; what tells of it later may find somebody.

        An order that is read again after a crash is counted again, since the counts were rolled back.
        """
        order, diagnosis = report.order, self._parts.statistics.diagnosis
        booked.joined = (
            booked.decision is not None
            or order.met_cart
            or order.met_visit
            or order.order in self.bought
            or (order.user is not None and self._parts.identities.has_browsed(order.user, order.at_s))
        )
        if before is None or report.record == before.order.position:
            diagnosis.order_came(keys_of(order), joined=booked.joined)
        elif before.joined:
            booked.joined = True
        elif booked.joined:
            diagnosis.order_joined(keys_of(before.order))

    def _attributed(self, order: Order, buyer: Buyer, records: list[OutputRecord]) -> BookedOrder:
        parts = self._parts
        held = parts.open.named(*(visitor_name(each) for each in buyer.visitors))
        found = attribute(order, buyer, held, parts.ledger, parts.correction_s)
        if found is None:
            return BookedOrder(order, money=money_of(order, None, parts.market.margin_rate))
        terms = found.terms
        parts.statistics.diagnosis.attributed(order.at_s)
        money = money_of(order, terms, parts.market.margin_rate)
        booked = BookedOrder(order, terms.decision, money=money)
        if isinstance(found, OpenDecision):
            found.earnings.add(order, money, redeems=redeems(order, terms))
            parts.rules.changed(found)
            return booked
        booked.is_charged = is_charged_late(terms, order)
        booked.fixed = terms.cost.fixed if booked.is_charged else 0.0
        charges = late_charges(terms, order, money)
        records.append(self._corrected(found, Correction(order, "order", 0), money.margin, charges))
        return booked

    def _apply(self, booked: BookedOrder, row: OrderRow, event: AnyOrderRevision) -> list[OutputRecord]:
        """Apply a revision to the decision of its order; one that was applied before a crash, as it was."""
        parts = self._parts
        entry = None if booked.decision is None else self._entry(booked.decision)
        decision = None if entry is None else parts.open.get(entry.terms.decision)
        in_window = decision is not None and not decision.window_ended
        is_too_late = entry is not None and event.own_s > entry.terms.at_s + parts.correction_s
        if not in_window and (is_too_late or event.at_s <= booked.relearned_s):
            return []
        known = next((each for each in booked.revisions if each.id == event.id), None)
        if known is not None and known.position != event.position:
            return []  # reported twice
        if known is None:
            terms = None if entry is None else entry.terms
            known = revision_of(booked, event, terms, parts.market.margin_rate)
            if _is_empty(known) or len(booked.revisions) >= REVISIONS:
                return []
            if known.cancelled and any(map(self._stands, booked.beside)):
                known = replace(known, keeps_fixed=True)
            booked.revisions.append(known)
            self._book.put(event.order, OrderRow(booked, row.early), event.at_s)
        if entry is None or (known.change == NOTHING and not known.cancelled and not known.redeems):
            return []
        if decision is not None and in_window:
            change = OrderChange(known.change, known.cancelled, known.redeems)
            decision.earnings.revise(event.order, change)
            parts.rules.changed(decision)
            return []
        number = booked.revisions.index(known) + 1
        cause = CORRECTION_CAUSES[type(event)]
        correction = Correction(
            replace(booked.order, at_s=event.at_s, happened_s=booked.order.own_s), cause, number
        )
        margin = booked.revisions[number - 1].change.margin
        return [self._corrected(entry, correction, margin, _revised(entry, booked, number))]

    def _stands(self, order_id: str) -> bool:
        """Return whether an order is not cancelled."""
        booked = self._book.get(order_id).booked
        return booked is not None and not booked.is_cancelled

    def _entry(self, decision_id: str) -> LedgerEntry | None:
        found = self._parts.ledger.get(decision_id)
        return None if found is None else read_entry(found)

    def _corrected(
        self, entry: LedgerEntry, correction: Correction, margin: float, charges: Charges
    ) -> OutputRecord:
        parts, terms, order = self._parts, entry.terms, correction.order
        cause = f"{order.order} {correction.number}"
        earned = OrderReward(margin, self._costs.charge(terms, cause, charges, order.at_s))
        trained = parts.revise(entry, earned.profit) if terms.is_trainable else None
        if earned.cost:
            parts.rules.corrected(terms, earned.cost, correction.order.at_s)
        parts.statistics.corrected(terms, earned.profit)
        return correction_record(terms, parts.market.name, correction, earned, trained=trained)


def _revised(entry: LedgerEntry, booked: BookedOrder, number: int) -> Charges:
    """Return what the ``number``-th revision of an order changes in what is charged for it."""
    before, after = (_charges_after(entry.terms, booked, count) for count in (number - 1, number))
    return Charges(after.share - before.share, after.fixed - before.fixed)


def _charges_after(terms: DecisionTerms, booked: BookedOrder, count: int) -> Charges:
    """Return what is charged for an order after so many revisions."""
    revisions = booked.revisions[:count]
    charged, fixed = booked.is_charged, booked.fixed
    if charged is None:
        charged = is_charged_late(terms, booked.order)
    if not charged and terms.cost.charged == "redeemed" and any(each.redeems for each in revisions):
        charged, fixed = True, terms.cost.fixed
    if not charged:
        return NO_CHARGES
    cancelled = any(each.cancelled and not each.keeps_fixed for each in revisions)
    return Charges(terms.cost.share * booked.left_after(count).revenue, 0.0 if cancelled else fixed)


def _is_empty(revision: Revision) -> bool:
    """Return whether a revision changes nothing, now or later."""
    return (
        revision.change == NOTHING
        and not revision.cancelled
        and not revision.given
        and revision.content is None
    )


def _reported_again(order: Order, at_s: float) -> Order:
    """Return an order placed where it is reported again, with its own time."""
    return replace(order, at_s=max(at_s, order.at_s), happened_s=order.own_s)


def _joined(first: Order, again: Order) -> Order:
    """Return an order as it was reported first, with what the second report knows of its buyer."""
    return replace(
        _reported_again(first, again.at_s),
        visitor=first.visitor or again.visitor,
        user=again.user if first.user is None else first.user,
        cart=again.cart if first.cart is None else first.cart,
        checkout=again.checkout if first.checkout is None else first.checkout,
        offers=first.offers or again.offers,
        codes=first.codes or again.codes,
    )
