"""What a decision earned."""

import pytest

from operators.decisions.ledger import Charge, Entry
from operators.decisions.reward import ORDERS, late_profit, margin, opened, revenue
from tests.builders import T0, fact, item, line, ordered


def entry(when="redeemed", share=0.1, fixed=0.0, *, treated=True):
    charge = Charge(when, share, fixed)
    return Entry(
        seq=1,
        decision="default.d",
        moment="m",
        at_s=T0,
        visitor="ann",
        cart="cart",
        arm="ten",
        group="policy",
        treated=treated,
        teaches=True,
        none_probability=0.5,
        window_ends_s=T0 + 100,
        expires_s=T0 + 60 if treated else None,
        charge=charge,
        features={},
        decided=b"",
        offered=b"" if treated else None,
    )


def test_margin_is_price_less_unit_cost_and_else_the_markets_rate():
    assert margin((line(price=50.0, quantity=2, cost=30.0),), None) == 40.0
    assert margin((line(price=50.0, quantity=2, cost=30.0), line(price=10.0)), 0.4) == 44.0
    assert revenue((line(price=50.0, quantity=2), line(price=None))) == 100.0


def test_a_product_sold_below_its_cost_is_a_loss():
    assert margin((line(price=10.0, cost=15.0),), 0.4) == -5.0


@pytest.mark.parametrize(
    ("when", "redeemed", "bought", "shown", "nothing"),
    [
        ("redeemed", 12.0, 0.0, 0.0, 0.0),
        ("bought", 12.0, 12.0, 0.0, 0.0),
        ("shown", 2.0 + 10.0, 0.0, 2.0, 0.0),
        ("decided", 12.0, 12.0, 2.0, 2.0),
    ],
)
def test_an_offer_costs_what_its_rule_says_when_its_rule_says(when, redeemed, bought, shown, nothing):
    def cost(*orders, seen=False):
        each = opened(entry(when, 0.1, 2.0))
        each.shown = seen
        for order in orders:
            each.credit(fact(order), 0.4)
        return each.cost()

    assert cost(ordered(1, price=100.0, offers=["default.d"]), seen=True) == redeemed
    assert cost(ordered(1, price=100.0)) == bought
    assert cost(seen=True) == shown
    assert cost() == nothing


def test_no_offer_costs_nothing():
    each = opened(entry("decided", 0.1, 2.0, treated=False))
    each.credit(fact(ordered(1)), 0.4)
    assert each.cost() == 0.0


def test_a_buyer_of_many_orders_is_paid_in_full_and_remembered_in_part():
    each = opened(entry())
    for n in range(ORDERS + 5):
        each.credit(fact(ordered(n, price=10.0)), 0.5)
    assert (each.margin, each.revenue, len(each.orders)) == (125.0, 250.0, ORDERS)


@pytest.mark.parametrize(
    ("when", "seen", "offers", "brings", "rest"),
    [
        ("redeemed", True, ["default.d"], [20.0 - 5.0 - 2.0, 40.0 - 10.0], 0.0),
        ("redeemed", True, [], [20.0, 40.0], 0.0),
        ("bought", False, [], [20.0 - 5.0 - 2.0, 40.0 - 10.0], 0.0),
        ("shown", True, [], [20.0 - 5.0, 40.0 - 10.0], -2.0),
        ("decided", False, [], [20.0 - 5.0, 40.0 - 10.0], -2.0),
    ],
)
def test_each_order_brings_its_margin_less_the_cost_it_caused(when, seen, offers, brings, rest):
    each = opened(entry(when, 0.1, 2.0))
    each.shown = seen
    each.credit(fact(ordered(1, price=50.0, offers=offers)), 0.4)
    each.credit(fact(ordered(2, price=100.0), happened=1.5), 0.4)
    assert each.order_profits() == brings
    assert each.margin - each.cost() - sum(each.order_profits()) == rest
    assert [credited.at_s for credited in each.orders] == [T0 + 1, T0 + 1.5]


def test_what_is_to_be_done_next_is_the_expiry_or_the_end_of_the_window():
    each = opened(entry())
    assert each.due_s() == T0 + 60
    each.live = False
    assert each.due_s() == T0 + 100
    each.learned = True
    assert each.due_s() == float("inf")


@pytest.mark.parametrize(
    ("when", "offers", "cost"),
    [
        ("redeemed", ["default.d"], 12.0),
        ("redeemed", [], 0.0),
        ("bought", [], 12.0),
        ("shown", [], 0.0),
        ("decided", ["default.d"], 0.0),
    ],
)
def test_a_late_order_is_charged_what_was_not_charged_yet(when, offers, cost):
    order = fact(ordered(500, items=[item(price=100.0)], offers=offers))
    assert late_profit(entry(when, 0.1, 2.0), order, 0.4) == (40.0, cost)
