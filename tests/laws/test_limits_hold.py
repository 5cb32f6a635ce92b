"""Law 9: limits hold. No cent over a budget, whatever the load; `test_crash` says the same of crashes."""

import pytest

from schemas.limits import Budget
from tests.laws.limits import broken_limits
from tests.laws.shopping import (
    SHOP,
    decisions_in,
    jumbled,
    log,
    loop,
    messages,
    records_in,
    with_back_office,
    with_feedback,
)

TYPES = ("offer.decided", "offer.redeemed", "offer.revoked", "offer.expired", "reward")


@pytest.fixture(scope="module", params=[60, 6], ids=["an hour", "a burst"])
def events(request):
    return shopping(request.param)


def shopping(minutes, seed=31):
    """A log across the end of an hour and of a day, with offers used, refunds and cancellations."""
    start_s = 1_700_000_000.0 + 2800.0 - 30.0 * minutes
    bare = with_back_office(log(seed=seed, visitors=150, minutes=minutes, start_s=start_s))
    return with_feedback(bare, decisions_in(loop(messages(bare))[0]))


def said(events, **more):
    found = loop(messages(events, more.pop("parts", 1)), **more)[0]
    return records_in(found, *TYPES), decisions_in(found)


@pytest.mark.parametrize(
    "how",
    [
        {"batch": 1},
        {"batch": 5000},
        {"batch": 20, "ordered": False},
        {"batch": 500, "ordered": False, "parts": 3},
    ],
    ids=str,
)
def test_no_period_costs_a_cent_more_than_its_budget_and_has_no_offer_too_many(events, how):
    records, decisions = said(events, **how)
    assert broken_limits(records, SHOP) == []
    removed = [reason for each in decisions for reason in each["removed"].values()]
    assert removed.count("budget") > 10
    assert sum(record["type"] == "offer.decided" for record in records) > 40


def test_what_arrives_out_of_order_exceeds_nothing(events):
    records, _ = said(jumbled(events), batch=30, ordered=False, parts=2)
    assert broken_limits(records, SHOP) == []


def test_a_follower_would_notice_a_budget_that_was_exceeded(events):
    records, _ = said(events, batch=5000)
    tight = {"all": Budget(amount=20.0, by="hour"), "few": Budget(number=3, by="day", paced=False)}
    broken = broken_limits(records, SHOP.model_copy(update={"budgets": tight}))
    assert {name.split()[0] for name in broken} == {"all", "few"}


def test_paced_budgets_put_a_price_on_offers_that_the_decision_tells():
    _, decisions = said(shopping(60), batch=5000)
    priced = [each for each in decisions if each["surcharges"]]
    assert len(priced) > 5
    for each in priced:
        assert each["surcharges"].keys() <= set(each["eligible"]) | each["removed"].keys()
        assert all(price > 0.0 for price in each["surcharges"].values())
