"""A fixed mix of events for load tests, already JSON, a known share of which leads to decisions."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from operators.simulation.scripts import written

PRICES: Final = (19.9, 34.5, 49.0, 59.9, 74.0, 89.5, 119.0)
CATEGORIES: Final = ("shoes", "shirts", "home", "audio", "toys")
DEVICES: Final = ("mobile", "desktop", "mobile", "tablet")
SOURCES: Final = ("direct", "search", "social", "coupons", "email", "ads", "search")
SESSION_GAP_S: Final = 1800.0
STARTS_AT_S: Final = 1_767_225_600.0


class Load(NamedTuple):
    """One event: its time, its visitor, its JSON."""

    at_s: float
    visitor: bytes
    value: bytes


def load_rate(visitors: int, decided_share: float = 0.05) -> float:
    """Events per second of event time at which about `visitors` visits are live, half of them idle carts.

    A visit ends when its cart has been idle; it is live until the session gap of 30 minutes is over.
    """
    return visitors / (2 * decided_share * SESSION_GAP_S)


def events(
    n: int,
    visitors: int,
    decided_share: float = 0.05,
    rate: float | None = None,
    starts_at_s: float = STARTS_AT_S,
) -> Iterator[Load]:
    """`n` events in order of time, `rate` a second (None: as ``load_rate``) from `starts_at_s` on.

    Half of `visitors` browse at a time, by turns. Each visit looks at things and ends with a cart that is
    left alone: one event in ``1 / decided_share``. Visits begin at different stages, so that the share
    holds from the first second on; nobody browsing is silent for longer than 1.5 minutes at ``load_rate``.
    """
    rate = load_rate(visitors, decided_share) if rate is None else rate
    slots = max(visitors // 2, 1)
    length = max(round(1 / decided_share), 2)
    for k in range(n):
        turn, slot = divmod(k, slots)
        visit, step = divmod(turn + slot % length, length)
        at_s = starts_at_s + k / rate
        name = f"w{slot}-{visit}"
        yield Load(at_s, name.encode(), _value(k, name, step, length, written(at_s)).encode())


def _value(k: int, name: str, step: int, length: int, time: str) -> str:
    head = (
        f'{{"id":"l-{k}","time":"{time}","visitor_id":"{name}","session_id":"s-{name}","market":"default",'
        f'"device":"{DEVICES[k % 4]}","source":"{SOURCES[k % 7]}","type":'
    )
    product = (k * 7919) % 997
    price, category = PRICES[product % 7], CATEGORIES[product % 5]
    if step == length - 1:
        return (
            f'{head}"cart_item_added","cart_id":"c-{name}","items":[{{"sku":"p{product}","price":{price},'
            f'"quantity":1,"category":"{category}","unit_cost":{price * 0.6:.2f}}}]}}'
        )
    if step % 5 == 0:
        return f'{head}"page_viewed","url":"/{category}"}}'
    if step % 5 == 3:
        return f'{head}"searched","query":"{category}"}}'
    return f'{head}"product_viewed","sku":"p{product}","price":{price},"category":"{category}"}}'
