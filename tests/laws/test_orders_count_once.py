"""Law 15: an order counts once, however often, by whom and how late it is told."""

import random
from datetime import datetime

import pytest

from tests.laws.shopping import by_stream, log, messages, plain, records_in, stamp, with_back_office

WAYS = ("visitor", "user", "cart", "nothing")


def told_again(events, seed):
    """The log with each order told up to four times more: by page or server, soon or within an hour."""
    rng = random.Random(seed)
    more = []
    for event in (event for event in events if event["type"] == "order_completed"):
        at_s = datetime.fromisoformat(event["time"]).timestamp()
        for number in range(rng.randint(0, 4)):
            again = {name: what for name, what in event.items() if name not in ("visitor_id", "user_id")}
            way = rng.choice(WAYS)
            if way == "visitor" and "visitor_id" in event:
                again["visitor_id"] = event["visitor_id"]
            elif way == "user" and "user_id" in event:
                again["user_id"] = event["user_id"]
            elif way == "cart":
                again["cart_id"] = f"cart of {event['id']}"
            # told much later by its user alone, it may be taken for the order of that user's next cart
            later_s = rng.choice([0.5, 5.0] if way == "user" else [0.5, 30.0, 3000.0])
            more.append(again | {"id": f"{event['id']} again {number}", "time": stamp(at_s + later_s)})
    return sorted(events + more, key=lambda event: (event["time"], event["id"])), len(more)


@pytest.mark.parametrize("parts", [1, 5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_orders_told_again_change_nothing(seed, parts):
    events = with_back_office(log(seed, visitors=60), seed)
    again, number = told_again(events, seed)
    once = plain(messages(events))
    assert by_stream(plain(messages(again, parts))) == by_stream(once)
    assert number > 40
    rewards = [each for each in records_in(once, "reward") if each["kind"] == "window"]
    orders = [order for each in rewards for order in each["orders"]]
    assert len(orders) == len(set(orders)) > 10
