"""What products cost the shop, where events do not tell."""

import pytest

from flows.stores.memory_catalog import MemoryCatalog
from operators.decisions.unit_costs import cart_margin, with_unit_costs
from operators.streaming.messages import Product
from tests.builders import DAY, HOUR, T0, World, carted, item, line, looked, ordered, product, shop, struct

COSTS = {"shoe": Product(unit_cost=30.0, price=55.0), "gift": Product(price=0.0)}


@pytest.mark.parametrize(
    ("lines", "rate", "margin"),
    [
        ((), None, 0.0),
        ((line(cost=20.0, quantity=2),), None, 60.0),
        ((line(),), None, 20.0),
        ((line(price=None),), None, 25.0),
        ((line("sock", 10.0),), 0.4, 4.0),
        ((line(), line("sock", 10.0)), None, None),
        ((line("sock", None),), 0.4, None),
        ((line("", 10.0),), None, 0.0),
        ((line("", 10.0),), 0.4, 4.0),
        ((line("gift", None),), None, 0.0),
        ((line("sock", 0.0),), None, 0.0),
    ],
    ids=["empty", "of the event", "of the catalog", "price too", "rate", "unknown", "no price", "no product",
         "no product by rate", "free by catalog", "free"],
)  # fmt: skip
def test_the_margin_of_a_cart(lines, rate, margin):
    assert cart_margin(lines, COSTS.get, rate) == margin


def catalog():
    made = MemoryCatalog()
    made.put("shoe", T0, Product(unit_cost=30.0))
    made.put("shoe", T0 + HOUR, Product(unit_cost=35.0))
    return made


def bought(at, *items, happened=None):
    return struct(ordered(at, items=list(items)), happened)


@pytest.mark.parametrize(
    ("at", "happened", "cost"), [(60, None, 30.0), (HOUR, None, 35.0), (2 * HOUR, 60, 30.0), (-1, None, None)]
)
def test_an_order_has_the_unit_costs_of_when_it_happened(at, happened, cost):
    order = bought(at, item("shoe"), item("sock", unit_cost=1.0), happened=happened)
    found = with_unit_costs(order, catalog(), None)
    assert [each.unit_cost for each in found.lines] == [cost, 1.0]
    assert found.partial == (cost is None)


def test_an_order_that_is_told_days_later_has_the_unit_costs_of_the_day_before():
    found = with_unit_costs(bought(5 * DAY, item("shoe"), happened=60), catalog(), None)
    assert found.lines[0].unit_cost == 35.0


def test_an_order_whose_lines_have_unit_costs_stays_as_it_is():
    order = bought(60, item("shoe", unit_cost=12.0))
    assert with_unit_costs(order, catalog(), None) is order


def test_where_there_is_a_margin_rate_an_order_is_not_partial():
    assert not with_unit_costs(bought(60, item("sock")), catalog(), 0.4).partial
    assert not with_unit_costs(bought(60, item("sock", price=0.0)), catalog(), None).partial


def test_the_profit_of_an_order_is_by_the_catalog_where_the_order_tells_no_cost():
    world = World(shop(margin_rate=None), arm="ten_percent", catalog=True)
    world.stocked(product(0, unit_cost=30.0, stock=9))
    world.tell(viewed_cart := carted(10, price=50.0))
    world.tell(looked(200, "bob"))
    world.tell(ordered(300, items=[item("shoe", price=50.0), item("sock", price=9.0)]))
    world.end()
    assert viewed_cart["items"][0]["sku"] == "shoe"
    [reward] = world.lines("reward")
    assert (reward["margin"], reward["partial"]) == (20.0, True)


def test_a_market_keeps_what_products_were_for_two_days_and_whatever_a_start_would_go_back_to():
    world = World(catalog=True)
    world.stocked(product(0, unit_cost=30.0), product(60, unit_cost=31.0))
    world.tell(carted(10, price=50.0))

    def at_first():
        return world.catalogs["default"].as_of("shoe", T0 + 30)

    def seal(*at_days):
        for at in at_days:
            world.wait(at * DAY)
            world.snapshot()

    seal(1, 1.5)
    assert at_first() == Product(unit_cost=30.0)
    world.wait(5 * DAY)  # one long silence, and then a crash goes back to before it
    assert at_first() == Product(unit_cost=30.0)
    seal(5.1, 5.2)
    world.wait(5.3 * DAY)
    assert at_first() is None
    assert world.catalogs["default"].as_of("shoe", T0 + 90) == Product(unit_cost=31.0)
