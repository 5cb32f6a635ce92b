"""What a decision earned."""

import pytest

from operators.decisions.ledger import CodeRule, CostRule, DecisionTerms
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.reward import (
    MAX_ORDERS,
    Earnings,
    Money,
    OrderChange,
    late_charges,
    money_of,
    money_of_lines,
    redeems,
)
from tests.builders import T0, item, line, ordered, struct


def terms(when="redeemed", share=0.1, fixed=0.0, *, limit=None, treated=True, codes=None):
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
        cost=CostRule(when, share, fixed, limit),
        codes=codes,
    )


def earned(of, *orders, shown=False, margin_rate=0.4):
    found = Earnings(shown=shown)
    for order in orders:
        found.add(order, money_of(order, of, margin_rate), redeems=redeems(order, of))
    return found


def test_margin_is_price_less_unit_cost_and_else_the_markets_rate():
    expensive = line(price=50.0, quantity=2, cost=30.0)
    assert money_of_lines([expensive], None) == Money(40.0, 100.0)
    assert money_of_lines([expensive, line(price=10.0)], 0.4) == Money(44.0, 110.0)
    assert money_of_lines([line(price=50.0, quantity=2), line(price=None)], None) == Money(0.0, 100.0)


def test_a_product_sold_below_its_cost_is_a_loss():
    assert money_of_lines([line(price=10.0, cost=15.0)], 0.4) == Money(-5.0, 10.0)


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


@pytest.mark.parametrize("when", ["redeemed", "bought"])
def test_all_orders_together_cost_no_more_than_the_offers_limit(when):
    of = terms(when, 0.1, 2.0, limit=15.0)
    each = earned(of, *(struct(ordered(n, price=100.0, offers=["default.d"])) for n in range(3)))
    assert each.cost(of) == 15.0 + 2.0
    assert each.order_profits(of) == [40.0 - 12.0, 40.0 - 5.0, 40.0]


def test_an_order_that_does_not_use_the_offer_costs_nothing_where_another_does():
    of = terms(share=0.1, fixed=2.0)
    each = earned(of, struct(ordered(1, price=100.0, offers=["default.d"])), struct(ordered(2, price=50.0)))
    each.redemption_seen = True
    assert (each.cost(of), each.causes_of_cost(of)) == (12.0, [each.orders[0].order])
    of = terms("bought", share=0.1, fixed=2.0)
    assert (each.cost(of), len(each.causes_of_cost(of))) == (17.0, 2)


def test_no_offer_costs_nothing():
    of = terms("decided", 0.1, 2.0, treated=False)
    assert earned(of, struct(ordered(1))).cost(of) == 0.0


def test_a_buyer_of_many_orders_is_paid_in_full_and_remembered_in_part():
    orders = [struct(ordered(n, price=10.0)) for n in range(MAX_ORDERS + 5)]
    each = earned(terms(), *orders, margin_rate=0.5)
    assert (each.money, len(each.orders)) == (Money(125.0, 250.0), MAX_ORDERS)


@pytest.mark.parametrize(
    ("when", "seen", "offers", "brings", "rest"),
    [
        ("redeemed", True, ["default.d"], [20.0 - 5.0 - 2.0, 40.0], 0.0),
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
    assert each.money.margin - each.cost(of) - sum(each.order_profits(of)) == rest
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
    of = terms(when, 0.1, 2.0)
    assert sum(late_charges(of, order, money_of(order, of, 0.4))) == cost


CODES = CodeRule("save10", "spring-")


@pytest.mark.parametrize(
    ("code", "fits"),
    [("SAVE10", True), (" save10 ", True), ("save100", False), ("Spring-7GH", True), ("xspring-1", False)],
)
def test_a_code_redeems_the_offer_it_belongs_to_however_it_was_typed(code, fits):
    order = struct(ordered(1, discount_codes=[{"code": code}]))
    assert redeems(order, terms(codes=CODES)) == fits
    assert not redeems(order, terms())


@pytest.mark.parametrize(
    ("codes", "offers", "discount", "paid"),
    [
        ([], [], 0.0, 100.0),
        ([], [], 30.0, 70.0),  # a seasonal discount
        ([{"code": "OTHER", "amount": 30.0}], [], 30.0, 70.0),  # another campaign's
        ([{"code": "SAVE10", "amount": 30.0}], [], 30.0, 100.0),  # ours: its cost is the offer's
        ([{"code": "SAVE10", "amount": 10.0}, {"code": "OTHER", "amount": 20.0}], [], 30.0, 80.0),
        ([{"code": "SAVE10"}], [], 30.0, 80.0),  # by its rule it took off 10 per cent
        ([], ["default.d"], 30.0, 80.0),
        ([{"code": "SAVE10", "amount": 10.0}], [], 0.0, 100.0),  # told, but no discount of the order
        ([], [], 500.0, 0.0),
    ],
)
def test_margin_is_of_what_was_paid_for_the_goods_before_our_own_offer(codes, offers, discount, paid):
    order = struct(
        ordered(
            1, price=100.0, discount_codes=codes, offers=offers, discount=discount, shipping=5.0, tax=19.0
        )
    )
    money = money_of(order, terms(share=0.1, codes=CODES), 0.4)
    assert (money.margin, money.revenue) == pytest.approx((0.4 * paid, paid))


def test_a_discount_lowers_all_lines_of_an_order_alike():
    order = struct(ordered(1, items=[item("a", 60.0, unit_cost=20.0), item("b", 40.0)], discount=10.0))
    money = money_of(order, None, 0.5)
    assert (money.margin, money.revenue) == pytest.approx((54.0 - 20.0 + 18.0, 90.0))


def test_a_refund_takes_back_what_an_order_brought_and_a_cancellation_the_order_itself():
    of = terms(share=0.1, fixed=2.0)
    first, second = (struct(ordered(n, price=100.0, offers=["default.d"])) for n in (1, 2))
    each = earned(of, first, second)
    each.revise(first.order, OrderChange(Money(-20.0, -50.0)))
    assert each.order_profits(of) == [20.0 - 5.0 - 2.0, 40.0 - 10.0]
    each.revise(second.order, OrderChange(Money(-40.0, -100.0), cancelled=True))
    assert [one.order for one in each.orders] == [first.order]
    each.revise(first.order, OrderChange(Money(-20.0, -50.0), cancelled=True))
    assert (each.money, each.redeemed, each.cost(of)) == (Money(0.0, 0.0), False, 0.0)
