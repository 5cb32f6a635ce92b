"""The streams: native events as JSON, in order of time, the last of them now."""

import csv
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import orjson

from flows.bench.load import recorded_load
from operators.simulation.load import CATEGORIES, PRICES, LoadEvent, load_rate
from operators.simulation.native_event import rfc3339

VISITORS = 20_000
CARTS, ORDERS, VIEWS = 0.05, 0.01, 0.7


class Stream(NamedTuple):
    """Events, and what they are made of: the share of cart additions, the seconds between two events."""

    name: str
    events: list[LoadEvent]
    cart_share: float
    spacing_s: float
    form: str = "native"


def toy(number: int, spacing_s: float) -> Stream:
    """What the small job is measured with: visitors at random, five cart additions and an order in 100."""
    begins_s = time.time() - number * spacing_s
    rng = random.Random(1)
    events = [_toy_event(rng, k, begins_s + k * spacing_s) for k in range(number)]
    return _stream(f"toy's stream, {spacing_s * 1000:g} ms apart", events, spacing_s)


def _toy_event(rng: random.Random, k: int, at_s: float) -> LoadEvent:
    visitor = f"v{rng.randrange(VISITORS)}"
    product = rng.randrange(997)
    price, category = PRICES[product % 7], CATEGORIES[product % 5]
    event = {"id": f"t-{k}", "time": rfc3339(at_s), "visitor_id": visitor, "session_id": f"s-{visitor}"}
    item = {"sku": f"p{product}", "price": price, "quantity": 1, "category": category}
    drawn = rng.random()
    if drawn < CARTS:
        event |= {"type": "cart_item_added", "cart_id": f"c-{visitor}", "items": [item]}
    elif drawn < CARTS + ORDERS:
        event |= {"type": "order_completed", "order_id": f"o-{k}", "items": [item]}
    elif drawn < CARTS + ORDERS + VIEWS:
        event |= {"type": "product_viewed", "sku": f"p{product}", "price": price, "category": category}
    else:
        event |= {"type": "page_viewed", "url": f"/{category}"}
    return LoadEvent(at_s, visitor.encode(), orjson.dumps(event))


def bench_load(number: int) -> Stream:
    """The load of ``offerstream bench``."""
    spacing_s = 1 / load_rate(VISITORS)
    return _stream("bench load", list(recorded_load(number, VISITORS)), spacing_s)


def rees46(number: int, file: Path) -> Stream:
    """The events of a real shop, so many copies of its visitors at once that there are enough of them."""
    with file.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["user_session"]]
    copies = -(-number // len(rows))
    first_s = _time_of(rows[0])
    shift_s = time.time() - _time_of(rows[-1])
    events = list(islice(_copied(rows, copies, shift_s), number))
    spacing_s = (events[-1].at_s - first_s - shift_s) / number
    return _stream("real mix (REES46)", events, spacing_s)


def _copied(rows: list[dict[str, str]], copies: int, shift_s: float) -> Iterator[LoadEvent]:
    for k, row in enumerate(rows):
        at_s = _time_of(row) + shift_s
        for copy in range(copies):
            yield _real_event(row, f"r-{k}.{copy}", f"{row['user_id']}.{copy}", at_s + copy / copies)


def _real_event(row: dict[str, str], id_: str, visitor: str, at_s: float) -> LoadEvent:
    price = float(row["price"])
    event = {"id": id_, "time": rfc3339(at_s), "visitor_id": visitor, "session_id": row["user_session"]}
    item = {"sku": row["product_id"], "price": price, "category": row["category_code"] or None}
    if row["event_type"] == "view":
        event |= {"type": "product_viewed", **item}
    elif row["event_type"] == "cart":
        event |= {"type": "cart_item_added", "items": [{**item, "quantity": 1}]}
    else:
        event |= {"type": "order_completed", "order_id": f"o-{id_}", "items": [{**item, "quantity": 1}]}
    return LoadEvent(at_s, visitor.encode(), orjson.dumps(event))


def _time_of(row: dict[str, str]) -> float:
    return datetime.strptime(row["event_time"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC).timestamp()


def _stream(name: str, events: list[LoadEvent], spacing_s: float) -> Stream:
    carts = sum(b'"cart_item_added"' in each.value for each in events)
    return Stream(name, events, carts / len(events), spacing_s)
