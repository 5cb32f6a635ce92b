"""What a decision earned."""

import pytest

from operators.decisions.ledger import CostRule, DecisionTerms
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.reward import MAX_ORDERS, Earnings, late_reward, margin_of, revenue_of
from tests.builders import T0, item, line, ordered, struct


def terms(when="redeemed", share=0.1, fixed=0.0, *, treated=True):
    return DecisionTerms(
        decision="default.d",
        moment="m",
        at_s=T0,
        visitor="ann",
        cart="cart",
        arm="ten",
        group="policy",
        treated=treated,
        is_trainable=True,
        window_ends_s=T0 + 100,
        expires_s=T0 + 60 if treated else None,
        cost=CostRule(when, share, fixed),
    )


def earned(of, *orders, shown=False, margin_rate=0.4):
    found = Earnings(shown=shown)
    for order in orders:
        found.add(order, of, margin_rate)
    return found


def test_margin_is_price_less_unit_cost_and_else_the_markets_rate():
    assert margin_of((line(price=50.0, quantity=2, cost=30.0),), None) == 40.0
    assert margin_of((line(price=50.0, quantity=2, cost=30.0), line(price=10.0)), 0.4) == 44.0
    assert revenue_of((line(price=50.0, quantity=2), line(price=None))) == 100.0


def test_a_product_sold_below_its_cost_is_a_loss():
    assert margin_of((line(price=10.0, cost=15.0),), 0.4) == -5.0


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
        of = terms(when, 0.1, 2.0)
        return earned(of, *map(struct, orders), shown=seen).cost(of)

    assert cost(ordered(1, price=100.0, offers=["default.d"]), seen=True) == redeemed
    assert cost(ordered(1, price=100.0)) == bought
    assert cost(seen=True) == shown
    assert cost() == nothing


def test_no_offer_costs_nothing():
    of = terms("decided", 0.1, 2.0, treated=False)
    assert earned(of, struct(ordered(1))).cost(of) == 0.0


def test_a_buyer_of_many_orders_is_paid_in_full_and_remembered_in_part():
    orders = [struct(ordered(n, price=10.0)) for n in range(MAX_ORDERS + 5)]
    each = earned(terms(), *orders, margin_rate=0.5)
    assert (each.margin, each.revenue, len(each.orders)) == (125.0, 250.0, MAX_ORDERS)


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
    of = terms(when, 0.1, 2.0)
    first, late = struct(ordered(1, price=50.0, offers=offers)), struct(ordered(2, price=100.0), happened=1.5)
    each = earned(of, first, late, shown=seen)
    assert each.order_profits(of) == brings
    assert each.margin - each.cost(of) - sum(each.order_profits(of)) == rest
    assert [attributed.at_s for attributed in each.orders] == [T0 + 1, T0 + 1.5]


def test_what_is_to_be_done_next_is_the_expiry_or_the_end_of_the_window():
    each = OpenDecision(terms(), Earnings(), offer_open=True, window_ended=False)
    assert each.due_s() == T0 + 60
    each.offer_open = False
    assert each.due_s() == T0 + 100
    each.window_ended = True
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
    order = struct(ordered(500, items=[item(price=100.0)], offers=offers))
    assert late_reward(terms(when, 0.1, 2.0), order, 0.4) == (40.0, cost)
