"""What makes the amounts of an event count: their currency, and the unit costs that a margin follows from."""

from typing import Any, Final

from msgspec.structs import replace

from operators.ingest.settings import IngestSettings
from operators.streaming.messages import (
    AnyShopEvent,
    CartEvent,
    Code,
    Line,
    OrderContent,
    OrderRefund,
    ProductView,
)
from schemas import events as native
from schemas.adapters.event_structs import in_all_forms
from schemas.rejected import InvalidEvent

WITH_CONTENT: Final = in_all_forms({native.OrderCompleted, native.OrderUpdated})
OF_ORDERS: Final = WITH_CONTENT | in_all_forms({native.OrderRefunded, native.OrderCancelled})
WITH_MONEY: Final = OF_ORDERS | in_all_forms(
    {
        native.ProductViewed,
        native.CartItemAdded,
        native.CartItemRemoved,
        native.CartUpdated,
        native.CheckoutStarted,
    }
)
"""The kinds of event that name a currency."""


def rate_of(event: Any, market: str, settings: IngestSettings) -> float:  # noqa: ANN401  one of WITH_MONEY
    """Return by what the amounts of an event are multiplied to be in its market's currency.

    InvalidEvent for a currency without a rate, and for an order whose margin cannot be computed.
    """
    if type(event) in WITH_CONTENT:
        _check_margin(event, market, settings)
    currency = event.currency
    if currency is None or currency == settings.currencies[market]:
        return 1.0
    rate = settings.rates[market].get(currency)
    if rate is None:
        own = settings.currencies[market]
        raise InvalidEvent("currency", f"amounts in {currency}; market {market!r} counts in {own}")
    return rate


def _check_margin(order: native.OrderContent, market: str, settings: IngestSettings) -> None:
    """Raise InvalidEvent for an order without the unit costs that its margin would follow from.

    A free gift needs none, nor does a line that is no product: without it, they add nothing to the margin.
    """
    if market in settings.without_unit_costs:
        return
    for item in order.items:
        if item.unit_cost is None and item.sku is not None and item.price > 0:
            raise InvalidEvent(
                "invalid", f"items: unit_cost is required, market {market!r} has no margin_rate"
            )


def converted(event: AnyShopEvent, rate: float) -> AnyShopEvent:
    """Return an event with all of its amounts multiplied by a rate."""
    changed: dict[str, Any] = {}
    if isinstance(event, ProductView):
        changed["price"] = _times(event.price, rate)
    elif isinstance(event, CartEvent | OrderContent | OrderRefund):
        lines = getattr(event, "lines", None)
        changed["lines"] = None if lines is None else tuple(_line(line, rate) for line in lines)
    if isinstance(event, OrderContent):
        changed["discount"] = event.discount * rate
        changed["codes"] = tuple(Code(each.code, _times(each.amount, rate)) for each in event.codes)
    elif isinstance(event, OrderRefund):
        changed["amount"] = _times(event.amount, rate)
    return replace(event, **changed)


def _line(line: Line, rate: float) -> Line:
    return replace(line, price=_times(line.price, rate), unit_cost=_times(line.unit_cost, rate))


def _times(amount: float | None, rate: float) -> float | None:
    return None if amount is None else amount * rate
