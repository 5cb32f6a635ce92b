"""What a refund, a cancellation or an update changes in the money of an order."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from operators.decisions.ledger import DecisionTerms
from operators.decisions.order_book import NONE_BACK, BookedOrder, GivenBack, Revision
from operators.decisions.reward import NOTHING, Money, money_of, money_of_lines, paid_share, redeems, value_of
from operators.streaming.messages import (
    AnyOrderRevision,
    Line,
    OrderCancellation,
    OrderRefund,
    OrderUpdate,
)

ROUNDING: Final = 1e-9
"""What is left of an order is nothing below this share of what it was."""

Revise = Callable[[BookedOrder, Any, DecisionTerms | None, float | None], Revision]


def revision_of(
    booked: BookedOrder, event: AnyOrderRevision, terms: DecisionTerms | None, margin_rate: float | None
) -> Revision:
    """Return what an event changes in an order that was reported; KeyError for a kind without a rule.

    ``terms`` are those of the decision that the order is attributed to. No revision takes back more than what
    is left, and nothing revises an order that was cancelled.
    """
    if booked.is_cancelled:
        return Revision(event.id, event.position, NOTHING)
    return _RULES[type(event)](booked, event, terms, margin_rate)


def _cancellation(booked: BookedOrder, event: OrderCancellation, *_: object) -> Revision:
    return Revision(event.id, event.position, booked.left.times(-1.0), cancelled=True)


def _refund(
    booked: BookedOrder, event: OrderRefund, terms: DecisionTerms | None, margin_rate: float | None
) -> Revision:
    left = booked.left
    given: dict[str, GivenBack] = {}
    if event.lines is not None:
        given_back, given = _refunded_lines(booked, event, terms, margin_rate)
    elif event.amount is not None:
        given_back = left.times(_share_of_amount(booked, event.amount, terms, margin_rate))
    else:
        given_back = left
    return Revision(event.id, event.position, _taken(booked, given_back), given)


def _share_of_amount(
    booked: BookedOrder, amount: float, terms: DecisionTerms | None, margin_rate: float | None
) -> float:
    """Return which share of what is left of an order so much money is, of what was paid for the goods.

    What our own offer took off was not paid, though it is a part of the order's revenue.
    """
    content = booked.content
    revenue = money_of(content, terms, margin_rate).revenue
    paid = min(revenue, max(value_of(content.lines) - content.discount, 0.0))
    left = booked.left.revenue * (paid / revenue) if revenue else 0.0
    if amount < left:
        return amount / left
    return 1.0 if amount else 0.0


def _refunded_lines(
    booked: BookedOrder, event: OrderRefund, terms: DecisionTerms | None, margin_rate: float | None
) -> tuple[Money, dict[str, GivenBack]]:
    """Return what the lines of a refund were worth; of a product no more pieces than are not refunded yet."""
    content = booked.content
    whole = money_of(content, terms, margin_rate)
    paid = paid_share(content, terms)
    ratio = whole.margin / whole.revenue if whole.revenue else 0.0
    total, given = NOTHING, dict[str, GivenBack]()
    for line in event.lines or ():
        bought = [each for each in content.lines if each.sku == line.sku]
        if not bought:
            value = (line.price or 0.0) * line.quantity
            total = total.plus(Money(value * ratio, value))
            continue
        before = sum((each.given[line.sku] for each in booked.revisions if line.sku in each.given), NONE_BACK)
        more = _more_of_product(bought, line, before + given.get(line.sku, NONE_BACK))
        given[line.sku] = given.get(line.sku, NONE_BACK) + more
        total = total.plus(money_of_lines(bought, margin_rate, paid).times(more.share))
    return total, {sku: each for sku, each in given.items() if each.pieces}


def _more_of_product(bought: Sequence[Line], line: Line, before: GivenBack) -> GivenBack:
    """Return what of a product is given back: pieces at the price that is named, else at the mean price."""
    pieces = sum(each.quantity for each in bought)
    count = min(line.quantity, pieces - before.pieces)
    if count <= 0:
        return NONE_BACK
    rest = max(1.0 - before.share, 0.0)
    if count == pieces - before.pieces:
        return GivenBack(count, rest)
    value = value_of(bought)
    is_priced = value > 0.0 and any(each.price == line.price for each in bought)
    share = (line.price or 0.0) * count / value if is_priced else count / pieces
    return GivenBack(count, min(share, rest))


def _update(
    booked: BookedOrder, event: OrderUpdate, terms: DecisionTerms | None, margin_rate: float | None
) -> Revision:
    """Return what becomes of an order that now holds this; what was given back before stays so.

    An update that names no offers and no codes says nothing about them.
    """
    before = booked.content
    if not (event.offers or event.codes):
        event = replace(event, offers=before.offers, codes=before.codes)
    left = money_of(event, terms, margin_rate)
    for each in booked.revisions:
        if each.content is None:
            left = left.plus(each.change)
    if left.revenue < 0.0:
        left = NOTHING
    change = left.plus(booked.left.times(-1.0))
    redeemed = terms is not None and redeems(event, terms) and not redeems(before, terms)
    return Revision(event.id, event.position, change, content=event, redeems=redeemed)


def _taken(booked: BookedOrder, given_back: Money) -> Money:
    """Return the change by which so much is given back: all that is left, where only rounding keeps it."""
    left = booked.left
    rest = left.revenue - given_back.revenue
    if rest <= ROUNDING * booked.money.revenue and given_back.revenue > 0.0:
        return left.times(-1.0)
    return given_back.times(-1.0)


_RULES: Final[dict[type[Any], Revise]] = {
    OrderCancellation: _cancellation,
    OrderRefund: _refund,
    OrderUpdate: _update,
}
