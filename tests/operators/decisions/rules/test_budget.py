"""Budgets: reserved at the most an offer can cost, settled, given back; never exceeded."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from operators.decisions.rules.budget import LEAST_GRACE_S, BudgetRule
from schemas.limits import Budget
from schemas.shop import Shop
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    Desk,
    of_type,
    offer,
    refunded,
    shop,
)

MINUTES = timedelta(minutes=1)
TEN = offer(max_discount=10.0)
BACK = 30 * MINUTE + LEAST_GRACE_S + 1  # the offer has expired, the grace is over


def budget(**given):
    return Budget(**{"by": "campaign", "grace": "0s", "paced": False} | given)


def limited(*offers, **budgets):
    """A shop with these budgets."""
    budgets = budgets or {"daily": budget(amount=25.0)}
    return shop(*(offers or (TEN,))).model_copy(update={"budgets": budgets})


def controllable(amount):
    """The same, as a document that controls can change."""
    document = {
        "markets": {
            "default": {
                "margin_rate": 0.4,
                "holdout": 0.0,
                "rules": {"cooldown": {"after_purchase": "0s"}, "consent": {"required": []}},
            }
        },
        "offers": [{"name": "ten_percent", "kind": "percent_off", "value": 10, "channel": "on_site"}],
        "budgets": {"daily": {"amount": amount, "by": "campaign", "grace": "0s", "paced": False}},
    }
    document["offers"][0] |= {"max_discount": 10, "expires_after": "30m", "reward_window": "1h"}
    return Shop.model_validate(document)


def rule_of(desk):
    [rule] = [each for each in desk.machine._rules.rules if isinstance(each, BudgetRule)]
    return rule


def overrun(desk):
    return rule_of(desk).figures()["budget_overrun"]


def ask(desk, at, visitor, **more):
    """Why the offer was removed; None where it was made."""
    [decision] = of_type(desk.idle(at, visitor, **more), "decision")
    return decision["removed"].get("ten_percent")


def given_away(desk, *visitors, at=0.0):
    """What visitors were offered, one after the other."""
    return [desk.idle(at + n, each)[0]["decision_id"] for n, each in enumerate(visitors)]


def redeem(desk, at, visitor, decision, price=50.0, **more):
    return desk.order(at, visitor, price=price, offers=[decision], **more)


def test_an_offer_whose_greatest_cost_does_not_fit_is_removed():
    desk = Desk(of=limited())
    assert [ask(desk, n, f"v{n}") for n in range(3)] == [None, None, "budget"]


def test_money_that_fits_to_the_cent_is_given():
    fixed = offer(kind="amount_off", value=0.1)
    desk = Desk(of=limited(fixed, daily=budget(amount=0.3)))
    assert [ask(desk, n, f"v{n}") for n in range(4)] == [None, None, None, "budget"]


def test_an_offer_that_expires_gives_back_what_was_reserved():
    desk = Desk(of=limited())
    given_away(desk, "a", "b")
    assert ask(desk, BACK - 60, "c") == "budget"
    desk.wait(BACK)
    assert ask(desk, BACK, "d") is None


def test_a_redemption_settles_what_it_cost_and_gives_back_the_rest():
    desk = Desk(of=limited())
    one, two = given_away(desk, "a", "b")
    redeem(desk, MINUTE, "a", one)
    redeem(desk, MINUTE, "b", two)
    assert ask(desk, MINUTE + LEAST_GRACE_S, "c") == "budget"
    at = MINUTE + LEAST_GRACE_S + 1
    assert [ask(desk, at + n, f"v{n}") for n in range(2)] == [None, "budget"]  # 5 + 5 + 10 of 25


def test_what_is_used_and_spent_of_a_budget_is_told_with_how_much_of_its_period_is_over():
    desk = Desk(of=limited(daily=budget(amount=25.0, by="day"), offers=budget(number=9)))
    one, _ = given_away(desk, "a", "b")
    redeem(desk, MINUTE, "a", one)
    found = rule_of(desk).budgets(T0 + MINUTE)
    assert found["daily"]["used"] == 20.0
    assert found["daily"]["spent"] == 5.0
    assert found["daily"]["amount"] == 25.0
    assert 0.0 <= found["daily"].pop("elapsed") < 1.0
    assert found["offers"] == {"spent": 5.0, "used": 20.0, "made": 2, "number": 9}


def test_at_no_time_nothing_is_told_of_a_budget():
    found = rule_of(Desk(of=limited(daily=budget(amount=25.0, by="day"))))
    assert found.budgets(float("inf")) == found.budgets(float("-inf")) == {}


def test_of_a_campaign_that_has_not_begun_nothing_is_told():
    desk = Desk(of=limited(daily=budget(amount=25.0, starts="2999-01-01")))
    assert rule_of(desk).budgets(T0) == {}


def test_whoever_redeems_twice_within_grace_is_paid_from_what_was_reserved():
    desk = Desk(of=limited(daily=budget(amount=20.0, grace="1h")))
    one, _ = given_away(desk, "a", "b")
    for n in range(3):
        redeem(desk, 60 * (n + 1), "a", one, order_id=f"o{n}")
    desk.wait(2 * HOUR)
    assert ask(desk, 2 * HOUR, "c") is None  # 10, 0 and 10
    assert ask(desk, 2 * HOUR, "d") == "budget"
    assert overrun(desk) == 0.0


@pytest.mark.parametrize("late", [40 * MINUTE, 3 * HOUR], ids=["in the window", "after it"])
def test_a_redemption_after_everything_was_given_back_counts_and_is_reported(late):
    desk = Desk(of=limited(daily=budget(amount=10.0)))
    [one] = given_away(desk, "a")
    desk.wait(late - 60)
    [two] = given_away(desk, "b", at=late - 60)
    redeem(desk, late, "a", one)
    assert overrun(desk) == 5.0
    redeem(desk, late + 60, "b", two)
    desk.wait(late + DAY / 4)
    assert ask(desk, late + DAY / 4, "c") == "budget"  # 5 and 5 of 10
    assert overrun(desk) == 5.0


def test_a_refund_gives_money_back_to_the_budget():
    desk = Desk(of=limited(daily=budget(amount=10.0)))
    [one] = given_away(desk, "a")
    redeem(desk, MINUTE, "a", one, order_id="o")
    desk.wait(2 * HOUR)
    assert ask(desk, 2 * HOUR, "b") == "budget"
    desk.revise(refunded(3 * HOUR, "o"))
    assert ask(desk, 3 * HOUR, "c") is None


def test_an_offer_that_any_order_is_charged_for_is_reserved_until_its_window_ends():
    bought = offer(max_discount=10.0, cost={"charged": "bought", "share": 0.1})
    desk = Desk(of=limited(bought, daily=budget(amount=10.0)))
    given_away(desk, "a")
    desk.wait(BACK)
    assert ask(desk, BACK, "b") == "budget"
    at = HOUR + LEAST_GRACE_S + 1
    desk.wait(at)
    assert ask(desk, at, "c") is None


def test_what_is_charged_when_it_is_decided_never_comes_back():
    sent = offer("ten_percent", kind="reminder", value=0.0, cost={"charged": "decided", "fixed": 4.0})
    desk = Desk(of=limited(sent, daily=budget(amount=10.0)))
    given_away(desk, "a", "b")
    desk.wait(5 * HOUR)
    assert ask(desk, 5 * HOUR, "c") == "budget"


def test_a_number_of_offers_is_a_number_of_offers_made_whatever_becomes_of_them():
    desk = Desk(of=limited(daily=budget(number=2)))
    given_away(desk, "a", "b")
    desk.wait(5 * HOUR)
    assert ask(desk, 5 * HOUR, "c") == "budget"


def test_the_day_of_a_budget_is_that_of_its_market():
    shops = limited(daily=budget(amount=10.0, by="day"))
    markets = {"default": shops.markets["default"].model_copy(update={"timezone": "Asia/Tokyo"})}
    desk = Desk(of=shops.model_copy(update={"markets": markets}))
    midnight = 15 * HOUR - T0 % DAY  # in Tokyo, before T0 in UTC's day or after it
    midnight += DAY * (midnight < 0)
    assert ask(desk, midnight - 10, "a") is None
    assert ask(desk, midnight - 5, "b") == "budget"
    assert ask(desk, midnight, "c") is None


def test_a_campaign_has_its_money_from_its_first_day_to_its_last():
    campaign = budget(amount=10.0, by="campaign", starts=date(2023, 11, 16), ends=date(2023, 11, 16))
    desk = Desk(of=limited(xmas=campaign))
    first_s = DAY * 2 - T0 % DAY
    assert ask(desk, first_s - 1, "a") == "budget"
    assert ask(desk, first_s, "b") is None
    assert ask(desk, first_s + DAY - 1, "c") is None
    assert ask(desk, first_s + DAY, "d") == "budget"


def test_an_offer_must_fit_into_every_budget_that_it_is_in():
    mail = offer("mail", max_discount=5.0)
    budgets = {"all": budget(amount=100.0), "hourly": budget(number=1, by="hour", offers=("ten_percent",))}
    desk = Desk(of=limited(TEN, mail, **budgets))
    found = [desk.idle(n, f"v{n}")[0]["removed"] for n in range(2)]
    assert found == [{}, {"ten_percent": "budget"}]


def test_a_budget_of_another_market_holds_nothing_here():
    two = shop(TEN, markets=("default", "uk"))
    abroad = two.model_copy(update={"budgets": {"uk": budget(amount=0.0, markets=("uk",))}})
    assert ask(Desk(of=abroad), 0, "a") is None


def test_a_lowered_budget_withdraws_the_newest_offers_until_the_rest_fits():
    desk = Desk(of=controllable(100.0))
    made = given_away(desk, *"abcd")
    redeem(desk, MINUTE, "a", made[0])
    ended = desk.control(2 * MINUTE, budgets__daily__amount=16.0)
    assert [(each["data"]["offer_id"], each["data"]["reason"]) for each in ended] == [
        (made[3], "budget_withdrawn"),
        (made[2], "budget_withdrawn"),
    ]
    assert desk.control(3 * MINUTE, 2, budgets__daily__amount=16.0) == []
    assert overrun(desk) == 0.0


def test_a_budget_that_is_counted_by_the_hour_from_now_on_knows_what_is_reserved():
    desk = Desk(of=controllable(25.0))
    given_away(desk, "a", "b")
    desk.control(MINUTE, budgets__daily__by="hour")
    assert ask(desk, 2 * MINUTE, "c") == "budget"


@pytest.mark.parametrize("snapshot_after", [0, 1, 2])
def test_after_a_crash_everything_in_the_ledger_is_reserved_before_anything_else(snapshot_after):
    desk = Desk(of=limited())
    state = desk.machine.snapshot()
    for n, visitor in enumerate("ab"):
        if n == snapshot_after:
            state = desk.machine.snapshot()
        given_away(desk, visitor, at=n)
    if snapshot_after == 2:
        state = desk.machine.snapshot()
    again = Desk(of=limited(), ledger=desk.ledger, state=state)
    assert ask(again, 10, "c") == "budget"
    for n, visitor in enumerate("ab"):
        again.idle(n, visitor)
    again.wait(BACK)
    assert ask(again, BACK, "d") is None


def test_what_nobody_could_redeem_is_given_back_at_once():
    quiet = {"on_site": {"start": "00:00", "end": "23:59"}}
    shops = limited(daily=budget(amount=10.0))
    market = shops.markets["default"]
    rules = market.rules.model_validate(market.rules.model_dump() | {"quiet_hours": quiet})
    markets = {"default": market.model_copy(update={"rules": rules})}
    desk = Desk(of=shops.model_copy(update={"markets": markets}))
    given_away(desk, "a")
    assert ask(desk, 10, "b") == "budget"
    desk.order(20, "a")
    assert ask(desk, 21, "c") is None


def test_the_memory_of_the_rule_is_as_it_was_after_a_restart():
    desk = Desk(of=limited(daily=budget(amount=100.0, by="day", paced=True)))
    for n, visitor in enumerate("abc"):
        [one] = given_away(desk, visitor, at=60.0 * n)
        redeem(desk, 60.0 * n + 30, visitor, one)
    again = Desk(of=limited(daily=budget(amount=100.0, by="day", paced=True)), state=desk.machine.snapshot())
    assert rule_of(again).state() == rule_of(desk).state()


def test_a_shop_without_budgets_remembers_nothing():
    desk = Desk(of=shop(TEN))
    given_away(desk, "a")
    assert rule_of(desk).state() is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offer", "redeem", "refund", "wait", "crash"]),
        st.integers(0, 7),
        st.sampled_from([1.0, 33.33, 50.01, 99.99, 500.0]),
    ),
    max_size=40,
)


class Books:
    """What was offered and what that cost, by the records alone."""

    def __init__(self):
        self.made, self.spent, self.orders = {}, {}, []

    def played(self, desk, at, step, name):
        what, which, value = step
        if what == "offer":
            return desk.idle(at, f"v{name}")
        if what == "redeem" and which < len(self.made):
            self.orders.append(f"o{name}")
            decision = list(self.made)[which]
            visitor = self.made[decision]["visitor_id"]
            return redeem(desk, at, visitor, decision, price=value, order_id=f"o{name}")
        if what == "refund" and which < len(self.orders):
            return desk.revise(refunded(at, self.orders[which], id=f"r{name}", amount=value))
        return desk.wait(at)

    def read(self, found):
        for record in found:
            if record["type"] == "decision" and record["arm"] == "ten_percent":
                self.made[record["decision_id"]] = record
                self.spent[record["decision_id"]] = 0.0
            elif record["type"] == "reward" and record["decision_id"] in self.spent:
                self.spent[record["decision_id"]] += record["cost"]


@examples(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_within_grace_no_period_exceeds_its_budget(steps):
    """Costs and what open offers can still cost, by the records alone, are at most the budget at any time."""
    of = limited(daily=budget(amount=33.0, by="hour", grace="30d"))
    desk, at, books = Desk(of=of, cooldown="0s"), 0.0, Books()
    for n, step in enumerate(steps):
        at += 7.0 + (600.0 * step[1] if step[0] == "wait" else 0.0)
        if step[0] == "crash":
            desk = Desk(of=of, cooldown="0s", ledger=desk.ledger, state=desk.machine.snapshot())
        books.read(books.played(desk, at, step, f"{n}"))
        by_hour = {}
        for name, record in books.made.items():
            by_hour.setdefault(record["at"][:13], []).append(books.spent[name])
        assert all(len(costs) <= 3 and sum(costs) <= 33.0 + 1e-9 for costs in by_hour.values())
    assert overrun(desk) == 0.0


def test_a_period_is_forgotten_once_nothing_can_be_said_of_it_any_more():
    desk = Desk(of=limited(daily=budget(amount=20.0, by="hour")), cooldown="0s")
    [one] = given_away(desk, "a")
    [account] = rule_of(desk)._accounts.values()
    for day in range(1, 12):
        given_away(desk, f"v{day}", at=day * DAY)
        desk.wait(day * DAY + 6 * HOUR)
    assert len(account.totals) == 7
    assert not account.held
    redeem(desk, 12 * DAY, "a", one)
    assert overrun(desk) == 0.0
