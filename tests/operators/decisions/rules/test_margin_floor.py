"""No offer sells a cart below the floor of its margin."""

import pytest
from msgspec.structs import replace

from operators.decisions.rules.margin_floor import MarginFloor
from operators.streaming.messages import Product
from tests.builders import line, moment, offer, shop
from tests.situations import situation_with

COSTS = {"shoe": Product(unit_cost=60.0)}


def removed(made, *, products=COSTS, rate=None, value=100.0, lines=None, **margin):
    of = shop(margin_rate=rate, rules={"margin": margin}).model_copy(update={"offers": (made,)})
    rule = MarginFloor()
    rule.configure(of, of.markets["default"])
    at = moment(0, value=value)
    return rule.removes(made, situation_with(products, of, at if lines is None else replace(at, lines=lines)))


def off(share, **more):
    return offer("off", value=share, **more)


@pytest.mark.parametrize(
    ("made", "floor", "reason"),
    [
        (off(10.0), 0.33, None),  # 30 of 90 remain
        (off(10.0), 0.34, "margin_floor"),
        (off(10.0), 30 / 90, None),
        (off(50.0, max_discount=10.0), 0.33, None),
        (off(50.0), -0.2, None),
        (off(50.0), -0.19, "margin_floor"),
        (offer("cash", kind="amount_off", value=10.0), 0.33, None),
        (offer("points", kind="points", value=10.0), 0.3, None),  # 30 of 100 remain
        (offer("points", kind="points", value=10.0), 0.31, "margin_floor"),
        (offer("reminder", kind="reminder"), 0.4, None),
        (off(10.0, cost={"charged": "shown"}), 0.34, "margin_floor"),
        (offer("dear", kind="amount_off", value=300.0), -1.0, "margin_floor"),
    ],
)
def test_what_remains_of_the_margin_after_an_offer_decides(made, floor, reason):
    assert removed(made, floor=floor) == reason


def test_without_a_floor_every_offer_may_be_made():
    assert removed(off(100.0)) is None
    assert removed(off(100.0), products={}) is None


def test_where_nobody_knows_the_margin_the_shop_says_what_happens():
    assert removed(off(10.0), products={}, floor=0.0) == "margin_unknown"
    assert removed(off(10.0), products={}, floor=0.0, unknown="allow") is None
    assert removed(off(10.0), products={}, floor=0.3, rate=0.4) is None


def test_the_unit_cost_of_an_event_comes_before_that_of_the_catalog():
    dear = (line(price=100.0, cost=95.0),)
    assert removed(off(10.0), lines=dear, floor=0.0) == "margin_floor"
