"""The unit costs that events do not tell: those of the catalog, and what is left of a margin without them."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from msgspec.structs import replace

from operators.decisions.catalog import Catalog
from operators.streaming.messages import Line, OrderContent, Product

KNOWN_FOR_S: Final = 86_400.0
"""An order that is told later than this has the unit costs of this long before: older ones are forgotten."""

O = TypeVar("O", bound=OrderContent)  # noqa: E741  an order


def cart_margin(
    lines: Iterable[Line], product_of: Callable[[str], Product | None], margin_rate: float | None
) -> float | None:
    """Return the margin of a cart without an offer, None where that of a product is not known.

    It is by the unit costs of the events, else those of the catalog, else the market's rate. What is free or
    no product needs none: it adds nothing where no rate is known.
    """
    margin = 0.0
    for line in lines:
        price, cost = line.price, line.unit_cost
        if line.sku and (cost is None or price is None):
            product = product_of(line.sku)
            if product is not None:
                cost = product.unit_cost if cost is None else cost
                price = product.price if price is None else price
        if price is not None and cost is not None:
            margin += (price - cost) * line.quantity
        elif price is not None and margin_rate is not None:
            margin += price * margin_rate * line.quantity
        elif line.sku and price != 0.0:
            return None
    return margin


def with_unit_costs(order: O, catalog: Catalog, margin_rate: float | None) -> O:
    """Return an order with the unit costs that the catalog had for it, where its lines have none.

    An order with a line of which nobody knows the margin is partial: that line adds nothing to it.
    """
    if all(line.unit_cost is not None for line in order.lines):
        return order
    at_s = max(order.own_s, order.at_s - KNOWN_FOR_S)
    lines = tuple(_with_unit_cost(line, catalog, at_s) for line in order.lines)
    unknown = margin_rate is None and any(
        line.unit_cost is None and line.sku and (line.price or 0.0) > 0.0 for line in lines
    )
    return replace(order, lines=lines, partial=order.partial or unknown)


def _with_unit_cost(line: Line, catalog: Catalog, at_s: float) -> Line:
    if line.unit_cost is not None or not line.sku:
        return line
    product = catalog.as_of(line.sku, at_s)
    if product is None or product.unit_cost is None:
        return line
    return replace(line, unit_cost=product.unit_cost)
