"""Orders: joined by offer, code, cart, user or visitor; counted once; revised once."""

import msgspec
import pytest

from operators.decisions.orders import REVISIONS
from tests.builders import (
    DAY,
    HOUR,
    Desk,
    cancelled,
    item,
    of_type,
    offer,
    refunded,
    shop,
    struct,
    updated,
)

CODED = shop(offer(code="SAVE10"), offer("mail", code_pool="spring", channel="email"))


def rewards(desk, until=2 * HOUR):
    return of_type(desk.wait(until), "reward")


def before_a_crash(desk):
    """The same market as it resumes from the snapshot of now, with the ledger as it will be then."""
    return Desk("no_offer", ledger=desk.ledger, state=desk.machine.snapshot())


# Joined


@pytest.mark.parametrize(
    "keys",
    [
        {"cart_id": "cart of ann"},
        {"user_id": "u"},
        {"offer_ids": True},
        {"discount_codes": [{"code": "save10"}], "cart_id": "cart of ann"},
    ],
    ids="+".join,
)
def test_an_order_without_a_visitor_is_attributed_and_revokes_the_offer(keys):
    desk = Desk(of=CODED)
    decision, _ = desk.idle(0, user="u")
    if "offer_ids" in keys:
        keys = {"offers": [decision["decision_id"]], "user_id": "u"}
    [ended] = desk.order(60, None, **keys)
    redeemed = bool(keys.keys() & {"offers", "discount_codes"})
    assert ended["type"] == ("offer.redeemed" if redeemed else "offer.revoked")
    assert ended["data"]["visitor_id"] == "ann"
    assert ended["data"]["reason"] == ("redeemed" if redeemed else "purchased")
    [reward] = rewards(desk)
    assert (reward["margin"], reward["redeemed"]) == (20.0, redeemed)
    assert reward["cost"] == (5.0 if redeemed else 0.0)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("visitor", [None, "ben"])
def test_an_order_that_names_an_offer_joins_its_decision_whatever_else_it_has(visitor, late):
    desk = Desk(of=CODED)
    decision, _ = desk.idle(0)
    at = 2 * HOUR if late else 60
    found = rewards(desk) if late else []
    found += desk.order(at, visitor, offers=[decision["decision_id"], "default.unheard-of"])
    reasons = [each["data"]["reason"] for each in of_type(found, "offer.redeemed")]
    assert reasons == ([] if late else ["redeemed"])
    found += [] if late else rewards(desk)
    assert sum(each["profit"] for each in of_type(found, "reward")) == pytest.approx(15.0)


def test_an_order_of_a_user_joins_what_the_user_decided_on_another_device():
    desk = Desk("no_offer")
    desk.idle(0, "phone", user="u")
    desk.order(60, "laptop", user_id="u")
    assert [reward["margin"] for reward in rewards(desk)] == [20.0]


def test_a_login_after_the_decision_joins_it_to_the_users_order():
    desk = Desk()
    desk.idle(0, "phone")
    desk.login(30, "phone", "u")
    [revoked] = desk.order(60, None, user_id="u")
    assert revoked["data"]["visitor_id"] == "phone"
    assert [reward["margin"] for reward in rewards(desk)] == [20.0]


@pytest.mark.parametrize("order_first", [True, False])
def test_a_shard_that_knows_the_cart_joins_its_order_whichever_is_read_first(order_first):
    desk = Desk()
    desk.idle(0, "phone", cart="c-1")

    def told():
        return desk.order(60, None, order_id="o", checkout_id="k-1")

    found = told() if order_first else []
    found += desk.bought(60, "phone", "c-1", "o")
    found += [] if order_first else told()
    assert [each["data"]["reason"] for each in found] == ["purchased"]
    assert [(reward["margin"], reward["orders"]) for reward in rewards(desk)] == [(20.0, ["o"])]


def test_the_cart_that_was_bought_comes_before_a_later_decision_of_the_same_person():
    desk = Desk("no_offer")
    desk.idle(0, "ann", cart="first")
    desk.idle(10, "ann", cart="second")
    desk.bought(60, "ann", "first", "o")
    desk.order(60, "ann", order_id="o")
    assert [reward["margin"] for reward in rewards(desk)] == [20.0, 0.0]


def test_a_code_of_another_campaign_is_only_a_discount():
    desk = Desk(of=CODED)
    desk.idle(0)
    codes = [{"code": "OTHER", "amount": 10.0}]
    [revoked] = desk.order(60, discount_codes=codes, discount=10.0)
    assert revoked["data"]["reason"] == "purchased"
    [reward] = rewards(desk)
    assert (reward["margin"], reward["cost"], reward["redeemed"]) == (pytest.approx(16.0), 0.0, False)


def test_a_code_from_a_pool_redeems_the_offer_after_its_window_too():
    desk = Desk("mail", of=CODED)
    decision, offered = desk.idle(0)
    assert offered["data"]["treatment"]["promotion"] == {"code": None, "pool": "spring"}
    desk.wait(2 * HOUR)
    [correction] = desk.order(3 * HOUR, discount_codes=[{"code": "SPRING-77"}])
    assert (correction["decision_id"], correction["profit"]) == (decision["decision_id"], 15.0)


def test_one_person_holds_one_offer_whatever_the_device():
    desk = Desk(cooldown="0s")
    assert of_type(desk.idle(0, "phone", user="u"), "offer.decided")
    [decided] = desk.idle(10, "laptop", user="u")
    assert decided["removed"] == {"ten_percent": "open_offer"}
    desk.login(20, "tablet", "u")
    [decided] = desk.idle(30, "tablet")
    assert decided["removed"] == {"ten_percent": "open_offer"}
    assert of_type(desk.idle(40, "stranger"), "offer.decided")


def test_the_cooldown_of_one_device_holds_for_all_of_a_person():
    desk = Desk()
    desk.idle(0, "phone", user="u")
    desk.wait(2 * HOUR)
    [decided] = desk.idle(3 * HOUR, "laptop", user="u")
    assert decided["removed"] == {"ten_percent": "cooldown"}
    assert desk.idle(25 * HOUR, "laptop", user="u", cart="later") != []


def test_who_logged_in_before_is_the_same_unit_without_a_login():
    desk = Desk("no_offer", of=shop(offer(), holdout=0.5))
    first = of_type(desk.idle(0, "phone", user="u"), "decision")[0]
    for visitor in ("laptop", "tablet"):
        desk.login(DAY, visitor, "u")
        [decision] = of_type(desk.idle(2 * DAY, visitor, cart=f"later on {visitor}"), "decision")
        assert (decision["user_id"], decision["unit_id"]) == ("u", first["unit_id"])
        assert decision["assignment"] == first["assignment"]


# Counted once


def test_an_order_counts_once_whoever_tells_it_and_however_late():
    desk = Desk("no_offer")
    desk.idle(0, user="u")
    desk.order(60, order_id="o", id="by the page")
    desk.order(65, None, order_id="o", id="by the server", user_id="u")
    desk.order(DAY, order_id="o", id="page reloaded")
    [reward] = rewards(desk, 2 * DAY)
    assert (reward["margin"], reward["orders"]) == (20.0, ["o"])
    assert desk.order(3 * DAY, None, order_id="o", id="nightly export", cart_id="cart of ann") == []


def test_an_order_told_again_revokes_no_later_offer():
    desk = Desk(cooldown="0s")
    desk.idle(0)
    desk.order(60, order_id="o")
    desk.idle(DAY, cart="next")
    assert desk.order(DAY + 60, order_id="o", id="again") == []


def test_an_order_that_nobody_knew_is_attributed_once_somebody_tells_whose_it_is():
    desk = Desk("no_offer")
    desk.idle(0, user="u")
    assert desk.order(60, None, order_id="o", id="first") == []
    desk.order(70, None, order_id="o", id="second", user_id="u", price=999.0)
    [reward] = rewards(desk)
    assert (reward["margin"], reward["ordered_at"]) == (20.0, ["2023-11-14T22:14:20.000000Z"])


def test_orders_with_other_ids_count_each():
    desk = Desk("no_offer")
    desk.idle(0)
    for n in range(3):
        desk.order(60 + n, order_id=f"o{n}")
    assert [reward["margin"] for reward in rewards(desk)] == [60.0]


@pytest.mark.parametrize("by", ["visitor", "user told later", "shard"])
def test_an_order_read_again_after_a_crash_counts_as_before(by):
    def told(desk):
        if by == "visitor":
            desk.order(60, order_id="o", id="first")
        else:
            desk.order(60, None, order_id="o", id="first")
        if by == "user told later":
            desk.order(70, None, order_id="o", id="second", user_id="u")
        elif by == "shard":
            desk.bought(60, "ann", "cart of ann", "o")

    desk = Desk("no_offer")
    desk.idle(0, user="u")
    again = before_a_crash(desk)
    told(desk)
    told(again)
    assert [reward["margin"] for reward in rewards(again)] == [20.0]


def test_an_order_found_by_its_second_telling_is_found_again_by_that_alone():
    desk = Desk("no_offer")
    desk.idle(0, user="u")
    desk.order(60, None, order_id="o", id="first")
    again = before_a_crash(desk)
    for one in (desk, again):
        one.order(70, None, order_id="o", id="second", user_id="u")
    assert [reward["margin"] for reward in rewards(again)] == [20.0]


# Revised once

ORDER = {"order_id": "o", "items": [item("a", 30.0, 2), item("b", 40.0)]}


@pytest.mark.parametrize(
    ("revision", "margin"),
    [
        (refunded(90, "o"), 0.0),
        (refunded(90, "o", amount=25.0), 30.0),
        (refunded(90, "o", amount=2500.0), 0.0),
        (refunded(90, "o", items=[{"sku": "a"}]), 28.0),
        (refunded(90, "o", items=[{"sku": "a", "quantity": 7}]), 16.0),
        (refunded(90, "o", items=[{"sku": "a"}, {"sku": "a"}, {"sku": "a"}]), 16.0),
        (refunded(90, "o", items=[{"sku": "unheard of", "price": 10.0}]), 36.0),
        (refunded(90, "o", items=[{"sku": "unheard of"}]), 40.0),
        (cancelled(90, "o"), 0.0),
        (updated(90, "o", item("a", 30.0)), 12.0),
        (updated(90, "o", item("a", 30.0, 3), item("b", 40.0)), 52.0),
    ],
)
def test_what_is_revised_changes_the_reward_in_the_window_and_after_it(revision, margin):
    inside, after = Desk("no_offer"), Desk("no_offer")
    for desk in (inside, after):
        desk.idle(0)
        desk.order(60, **ORDER)
    assert inside.revise(revision) == []
    [reward] = rewards(inside)
    assert reward["margin"] == pytest.approx(margin)
    assert inside.policy.learned == [("no_offer", pytest.approx(margin))]
    assert reward["orders"] == ([] if revision["type"] == "order_cancelled" else ["o"])
    [reward] = rewards(after)
    found = after.revise(revision)
    change = margin - 40.0
    assert [each["profit"] for each in found] == ([pytest.approx(change)] if change else [])
    assert after.policy.revised == ([("no_offer", pytest.approx(change))] if change else [])
    for each in found:
        assert (
            each["cause"]
            == {
                "order_refunded": "refund",
                "order_cancelled": "cancellation",
                "order_updated": "update",
            }[revision["type"]]
        )
        assert (each["orders"], each["ordered_at"]) == (["o"], reward["ordered_at"])


@pytest.mark.parametrize(
    ("prices", "left"),
    [
        ([90.0], 24.0),
        ([10.0], 56.0),
        ([None], 40.0),
        ([7.0], 40.0),
        ([90.0, 90.0], 20.0),
        ([10.0, 10.0], 20.0),
        ([90.0, 90.0, 90.0], 20.0),
    ],
)
def test_a_refund_is_of_the_pieces_at_the_price_that_it_names(prices, left):
    desk = Desk("no_offer")
    desk.idle(0)
    desk.order(60, order_id="o", items=[item("a", 90.0), item("a", 10.0), item("b", 50.0)])
    for n, price in enumerate(prices):
        desk.revise(refunded(90, "o", id=f"refund {n}", items=[{"sku": "a", "price": price}]))
    assert [reward["margin"] for reward in rewards(desk)] == [pytest.approx(left)]


def test_refunds_add_up_to_no_more_than_the_order():
    desk = Desk("no_offer")
    desk.idle(0)
    desk.order(60, **ORDER)
    rewards(desk)
    told = [
        refunded(2 * HOUR, "o", items=[{"sku": "a"}]),
        refunded(3 * HOUR, "o", amount=20.0),
        refunded(4 * HOUR, "o", items=[{"sku": "a"}, {"sku": "b"}]),
        refunded(5 * HOUR, "o"),
        cancelled(6 * HOUR, "o"),
        refunded(7 * HOUR, "o"),
    ]
    profits = [each["profit"] for event in told for each in desk.revise(event)]
    assert sum(profits) == pytest.approx(-40.0)
    assert profits[:2] == pytest.approx([-12.0, -8.0])
    assert len(profits) == 4  # the cancellation takes back the order, which brings nothing any more


def test_a_refund_of_an_order_with_an_offer_takes_back_its_share_and_a_cancellation_its_fixed_cost():
    cost = {"charged": "bought", "share": 0.1, "fixed": 3.0}
    for event, cost_back in ((refunded(2 * HOUR, "o"), 5.0), (cancelled(2 * HOUR, "o"), 8.0)):
        desk = Desk(of=shop(offer(cost=cost)))
        desk.idle(0)
        desk.order(60, order_id="o")
        [reward] = rewards(desk)
        assert (reward["margin"], reward["cost"]) == (20.0, 8.0)
        [correction] = desk.revise(event)
        assert (correction["margin"], correction["cost"]) == (-20.0, -cost_back)


def test_a_revision_told_twice_counts_once():
    desk = Desk("no_offer")
    desk.idle(0)
    desk.order(60, **ORDER)
    event = struct(refunded(90, "o", amount=25.0))
    for record in ("webhook", "webhook sent again"):
        desk.machine.process_revision(msgspec.structs.replace(event, position=record))
    assert [reward["margin"] for reward in rewards(desk)] == [pytest.approx(30.0)]


def test_a_refund_read_before_its_order_waits_for_it():
    desk = Desk("no_offer")
    desk.idle(0)
    assert desk.revise(refunded(50, "o", amount=25.0)) == []
    assert desk.revise(refunded(50, "o", amount=25.0)) == []
    desk.order(60, **ORDER)
    assert [reward["margin"] for reward in rewards(desk)] == [pytest.approx(30.0)]


def test_an_order_cancelled_before_it_was_read_is_none():
    desk = Desk("no_offer")
    desk.idle(0)
    desk.revise(cancelled(50, "o"))
    desk.order(60, **ORDER)
    [reward] = rewards(desk)
    assert (reward["margin"], reward["orders"]) == (0.0, [])


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("event", [refunded(90, "o"), cancelled(90, "o"), updated(90, "o", item("a", 0.0))])
def test_what_was_revised_before_anybody_knew_whose_the_order_was_counts_once_somebody_does(event, late):
    desk = Desk("no_offer")
    desk.idle(0)
    again = before_a_crash(desk)
    emitted = []
    for one in (desk, again):
        found = one.order(60, None, order_id="o")
        found += one.revise(event) + one.revise(event)
        found += one.wait(2 * HOUR) if late else []
        found += one.order(3 * HOUR if late else 100, order_id="o", id="again")
        emitted.append([*found, *rewards(one, 3 * HOUR)])
    assert emitted[0] == emitted[1]
    assert sum(each["margin"] for each in emitted[0]) == pytest.approx(0.0)


def test_what_revises_an_order_that_nobody_told_is_bounded():
    desk = Desk("no_offer")
    desk.idle(0)
    for n in range(2 * REVISIONS):
        desk.revise(refunded(50, "o", id=f"refund {n}", amount=0.1))
    desk.order(60, **ORDER)
    assert [reward["margin"] for reward in rewards(desk)] == [pytest.approx(0.4 * (100.0 - 0.1 * REVISIONS))]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("amount", "left"), [(90.0, 0.0), (45.0, 15.0), (0.0, 30.0), (500.0, 0.0)])
def test_all_that_was_paid_is_all_of_an_order_though_our_offer_took_off_the_rest(amount, left, late):
    desk = Desk(of=CODED)
    desk.idle(0)
    codes = [{"code": "SAVE10", "amount": 10.0}]
    desk.order(60, order_id="o", items=[item(price=100.0)], discount_codes=codes, discount=10.0)
    found = rewards(desk) if late else []
    found += desk.revise(refunded(2 * HOUR if late else 90, "o", amount=amount))
    found += [] if late else rewards(desk)
    assert sum(each["profit"] for each in found) == pytest.approx(left)


@pytest.mark.parametrize(
    ("refund", "left"), [({"amount": 0.0}, -30.0), ({}, 0.0), ({"items": [{"sku": "gift"}]}, -20.0)]
)
def test_a_refund_of_a_free_order_takes_back_what_it_names(refund, left):
    desk = Desk("no_offer")
    desk.idle(0)
    desk.order(60, order_id="o", items=[item("gift", 0.0, 3, unit_cost=10.0)])
    desk.revise(refunded(90, "o", **refund))
    assert [reward["margin"] for reward in rewards(desk)] == [pytest.approx(left)]


@pytest.mark.parametrize("late", [False, True])
def test_an_update_leaves_refunds_before_it_and_never_less_than_nothing(late):
    desk = Desk("no_offer")
    desk.idle(0)
    desk.order(60, order_id="o", items=[item(price=100.0, quantity=2)])
    at = 2 * HOUR if late else 90
    found = rewards(desk) if late else []
    sums = []
    for event in (
        refunded(at, "o", amount=150.0),
        updated(at + 1, "o", item(price=100.0)),
        updated(at + 2, "o", item(price=100.0, quantity=2)),
    ):
        found += desk.revise(event)
        sums.append(sum(each["margin"] for each in found))
    found += [] if late else rewards(desk)
    assert sums == ([pytest.approx(each) for each in (20.0, 0.0, 20.0)] if late else [0.0] * 3)
    assert sum(each["margin"] for each in found) == pytest.approx(20.0)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("at_first", [False, True])
@pytest.mark.parametrize("afterwards", [False, True])
def test_an_update_may_name_the_code_and_one_without_codes_says_nothing_of_them(at_first, afterwards, late):
    coded = {"discount_codes": [{"code": "SAVE10", "amount": 10.0}], "discount": 10.0}
    desk = Desk(of=CODED)
    desk.idle(0)
    again = before_a_crash(desk)
    sums = []
    for one in (desk, again):
        goods = [item(price=100.0)]
        found = one.order(60, order_id="o", items=goods, **(coded if at_first else {}))
        found += rewards(one) if late else []
        at = 2 * HOUR if late else 90
        for n, codes in enumerate((coded if afterwards else {"discount": 10.0}, {})):
            found += one.revise(updated(at + n, "o", *goods, id=f"update {n}", **codes))
        found += one.revise(refunded(at + 3, "o", items=[{"sku": "shoe"}])) if at_first else []
        found += [] if late else rewards(one)
        sums.append(sum(each["profit"] for each in found if each["type"] == "reward"))
    profit = 0.0 if at_first else 30.0 if afterwards else 40.0
    assert sums == [pytest.approx(profit)] * 2


LIMITED = {"charged": "redeemed", "share": 0.1, "fixed": 3.0}


def test_late_orders_and_refunds_hold_the_limit_of_what_an_offer_costs_also_after_a_crash():
    desk = Desk(of=shop(offer(cost=LIMITED, max_discount=15.0)))
    decision, _ = desk.idle(0)
    used = {"offers": [decision["decision_id"]]}
    desk.order(60, order_id="first", price=100.0, **used)
    [reward] = rewards(desk)
    assert reward["cost"] == 13.0
    again = before_a_crash(desk)
    for one in (desk, again):
        found = one.order(3 * HOUR, order_id="second", price=100.0, **used)
        found += one.order(4 * HOUR, order_id="third", price=100.0, **used)
        for n, order in enumerate(("first", "second", "third")):
            found += one.revise(cancelled((5 + n) * HOUR, order))
        costs = [each["cost"] for each in of_type(found, "reward")]
        assert costs == pytest.approx([5.0, 0.0, 0.0, -5.0, -13.0])


FIXED_COST = {"fixed": 3.0}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("charged", "first", "cancelled_orders", "cost"),
    [
        ("redeemed", True, ["a"], 3.0),
        ("redeemed", True, ["b"], 3.0),
        ("redeemed", True, ["a", "b"], 0.0),
        ("redeemed", False, ["a"], 3.0),
        ("redeemed", False, ["b"], 0.0),
        ("bought", False, ["b"], 3.0),
        ("bought", False, ["b", "a"], 0.0),
        ("shown", False, ["a", "b"], 3.0),
        ("decided", False, ["a", "b"], 3.0),
    ],
)
def test_a_fixed_cost_goes_with_the_last_order_that_caused_it(charged, first, cancelled_orders, cost, late):
    desk = Desk(of=shop(offer(cost=FIXED_COST | {"charged": charged})))
    decision, _ = desk.idle(0)
    desk.feedback("shown", 10, decision["decision_id"])
    desk.order(60, order_id="a", offers=[decision["decision_id"]] if first else [])
    desk.order(61, order_id="b", offers=[decision["decision_id"]])
    found = rewards(desk) if late else []
    for order_id in cancelled_orders:
        found += desk.revise(cancelled(2 * HOUR if late else 90, order_id))
    found += [] if late else rewards(desk)
    assert sum(each["cost"] for each in found) == cost


def test_the_use_of_an_offer_goes_with_the_only_order_when_that_is_cancelled():
    desk = Desk(of=shop(offer(cost={"charged": "redeemed", "fixed": 3.0})))
    decision, _ = desk.idle(0)
    desk.feedback("redeemed", 50, decision["decision_id"])
    desk.order(60, order_id="o")
    desk.revise(cancelled(90, "o"))
    assert [(each["profit"], each["redeemed"]) for each in rewards(desk)] == [(0.0, False)]


def test_a_refund_after_the_window_is_a_correction_though_time_has_not_passed_the_window_yet():
    desk = Desk("no_offer")
    desk.idle(0)
    desk.order(60, order_id="o")
    found = desk.revise(refunded(2 * HOUR, "o"))
    assert [(each["kind"], each["margin"]) for each in found] == [("window", 20.0), ("correction", -20.0)]


@pytest.mark.parametrize("event", [refunded(90, "o", amount=25.0), cancelled(90, "o")])
def test_what_is_read_again_before_its_decision_changes_the_reward_of_the_window(event):
    desk = Desk("no_offer")
    state = desk.machine.snapshot()
    desk.idle(0)
    desk.order(60, order_id="o")
    desk.revise(event)
    again = Desk("no_offer", ledger=desk.ledger, state=state)
    found = [*again.revise(event), *again.idle(0), *again.order(60, order_id="o")]
    assert [each["type"] for each in found] == ["decision"]
    assert rewards(again) == rewards(desk)
    assert again.policy.learned == desk.policy.learned


@pytest.mark.parametrize(("days", "margin"), [(6.9, 0.0), (7.1, 20.0)])
def test_nothing_revises_a_decision_after_the_correction_period(days, margin):
    desk = Desk("no_offer")
    desk.idle(0)
    desk.order(60, order_id="o")
    found = [*rewards(desk), *desk.revise(refunded(days * DAY, "o"))]
    assert sum(each["margin"] for each in found) == pytest.approx(margin)


def test_a_refund_of_an_order_without_a_decision_changes_nothing():
    desk = Desk("no_offer")
    desk.order(60, **ORDER)
    assert desk.revise(refunded(90, "o")) == []
    assert desk.policy.revised == []


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("window_ended", [True, False])
def test_a_refund_read_again_after_a_crash_counts_as_before(early, window_ended):
    desk = Desk("no_offer")
    desk.idle(0)
    if window_ended:
        desk.wait(2 * HOUR)
    again = before_a_crash(desk)
    at = 3 * HOUR if window_ended else 60
    emitted = []
    for one in (desk, again):
        found = one.revise(refunded(at, "o", amount=25.0)) if early else []
        found += one.order(at, **ORDER)
        found += [] if early else one.revise(refunded(at + 1, "o", amount=25.0))
        emitted.append([*found, *rewards(one, 9 * HOUR)])
    assert emitted[0] == emitted[1]
    assert sum(each["margin"] for each in emitted[1]) == pytest.approx(30.0)
    assert desk.policy.revised == again.policy.revised


def test_whose_cart_was_bought_survives_a_snapshot():
    desk = Desk("no_offer")
    desk.idle(0, "ann", cart="c-1")
    desk.bought(60, "ann", "c-1", "o")
    later = before_a_crash(desk)
    later.order(60, None, order_id="o")
    assert [reward["margin"] for reward in rewards(later)] == [20.0]


def test_bought_carts_whose_order_does_not_come_are_forgotten():
    desk = Desk()
    desk.bought(60, "ann", "c-1", "o")
    desk.wait(HOUR + 61)
    assert desk.machine._orders.bought == {}
