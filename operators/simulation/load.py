"""A fixed mix of events for load tests, already as JSON, of which a known share leads to decisions."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from operators.simulation.native_event import rfc3339

PRICES: Final = (19.9, 34.5, 49.0, 59.9, 74.0, 89.5, 119.0)
CATEGORIES: Final = ("shoes", "shirts", "home", "audio", "toys")
DEVICES: Final = ("mobile", "desktop", "mobile", "tablet")
SOURCES: Final = ("direct", "search", "social", "coupons", "email", "ads", "search")
SESSION_GAP_S: Final = 1800.0
STARTS_AT_S: Final = 1_767_225_600.0


class LoadEvent(NamedTuple):
    """One event: its time in seconds since 1970, its visitor, its JSON."""

    at_s: float
    visitor: bytes
    value: bytes


def load_rate(visitors: int, decided_share: float = 0.05) -> float:
    """Return the events per second of event time that keep about `visitors` visits live.

    Half of them are idle carts: a visit ends with a cart, and is live until the session gap of 30 minutes is
    over.
    """
    return visitors / (2 * decided_share * SESSION_GAP_S)


def load_events(
    number: int,
    visitors: int,
    decided_share: float = 0.05,
    rate: float | None = None,
    starts_at_s: float = STARTS_AT_S,
) -> Iterator[LoadEvent]:
    """Yield events in order of time.

    Half of the visitors browse at a time, in turns. A visit begins with consent to all offers, looks at pages
    and products, and ends with a cart that is left idle. Visits begin at different stages, so the share of
    decisions holds from the first second on; no visitor is silent for longer than 1.5 minutes while browsing
    at ``load_rate``.

    Parameters
    ----------
    number
        The number of events.
    visitors
        Visits that are live at a time.
    decided_share
        The share of events that lead to a decision, the last of each visit.
    rate
        Events per second; None: as ``load_rate``.
    starts_at_s
        The time of the first event, seconds since 1970.
    """
    rate = load_rate(visitors, decided_share) if rate is None else rate
    slots = max(visitors // 2, 1)
    length = max(round(1 / decided_share), 2)
    for k in range(number):
        turn, slot = divmod(k, slots)
        visit, step = divmod(turn + slot % length, length)
        at_s = starts_at_s + k / rate
        name = f"w{slot}-{visit}"
        yield LoadEvent(at_s, name.encode(), _value(k, name, step, length, rfc3339(at_s)).encode())


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
    if step == 0:
        return f'{head}"page_viewed","url":"/{category}","consent":{{"email":true,"app":true}}}}'
    if step % 5 == 0:
        return f'{head}"page_viewed","url":"/{category}"}}'
    if step % 5 == 3:
        return f'{head}"searched","query":"{category}"}}'
    return f'{head}"product_viewed","sku":"p{product}","price":{price},"category":"{category}"}}'
