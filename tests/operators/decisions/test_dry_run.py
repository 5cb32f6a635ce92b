"""What past decisions would have been under a change, asked of the ledger."""

import pytest

from flows.stores.memory_ledger import MemoryLedger
from operators.controls.in_force import controlled
from operators.decisions.dry_run import dry_run
from schemas.shop import Shop
from tests.builders import HOUR, T0, Desk

TEN = {
    "name": "ten",
    "kind": "percent_off",
    "value": 10,
    "channel": "on_site",
    "expires_after": "30m",
    "reward_window": "1h",
}
FIVE = {**TEN, "name": "five", "value": 5, "min_cart_value": 100}
FILE = {
    "markets": {"default": {"margin_rate": 0.4, "holdout": 0}},
    "offers": [TEN, FIVE],
    "rules": {"cooldown": {"after_offer": "2h"}},
}


@pytest.fixture
def day():
    """Decisions for Ann, for Ben, whose cart is worth more, and for Ann again."""
    desk = Desk("ten", of=Shop.model_validate(FILE))
    desk.idle(0, "ann")
    desk.idle(HOUR, "ben", value=120)
    desk.wait(2 * HOUR)
    desk.idle(3 * HOUR, "ann", cart="another")
    return desk


def under(desk, settings, since=0.0):
    before = Shop.model_validate(FILE)
    after = controlled(before, settings, lambda _shop: None)
    shops = (before, after)
    return dry_run(desk.ledger, shops, "default", since_s=T0 + since, memory=MemoryLedger)


def test_without_a_change_nothing_would_have_been_otherwise(day):
    found = under(day, {})
    assert (found.decisions, found.changed) == (3, 0)
    assert found.before == found.after


def test_a_pause_removes_an_arm_and_its_probability_goes_to_the_others(day):
    found = under(day, {"offers.ten.paused": True})
    assert found.removed == {("ten", "paused"): 3}
    assert found.before["ten"] > 0
    assert "ten" not in found.after
    assert sum(found.after.values()) == pytest.approx(3)


def test_a_kill_leaves_no_offer(day):
    found = under(day, {"killed": True})
    assert found.after == pytest.approx({"no_offer": 3.0})
    assert found.removed == {("ten", "killed"): 3, ("five", "killed"): 1}


def test_what_would_be_allowed_is_counted_by_what_kept_it_away_and_has_no_probability(day):
    found = under(day, {"offers.five.min_cart_value": 20})
    assert found.allowed == {("five", "min_cart_value"): 2}
    assert found.changed == 2
    assert found.after == found.before


def test_a_longer_cooldown_counts_the_offers_that_were_made(day):
    assert under(day, {"rules.cooldown.after_offer": "4h"}).removed == {("ten", "cooldown"): 1}


def test_earlier_decisions_are_remembered_and_not_counted(day):
    found = under(day, {"rules.cooldown.after_offer": "4h"}, since=2 * HOUR)
    assert (found.decisions, found.removed) == (1, {("ten", "cooldown"): 1})


def test_an_added_offer_would_have_been_allowed(day):
    added = {key: value for key, value in TEN.items() if key != "name"}
    assert under(day, {"offers.new": added}).allowed == {("new", "new offer"): 3}


def test_an_offer_that_leaves_the_market_is_no_longer_there(day):
    shop = {"offers.ten.markets": []}
    assert under(day, shop).removed == {("ten", "no such offer"): 3}


def test_the_persons_of_a_canary_are_counted(day):
    found = under(day, {"markets.default.rollout": {"stage": "canary", "share": 1.0}})
    assert found.canary == (2, 0)


def test_who_is_held_out_stays_so():
    desk = Desk("ten", of=Shop.model_validate(FILE | {"markets": {"default": {"holdout": 1}}}))
    desk.idle(0, "ann")
    found = under(desk, {"offers.ten.paused": True})
    assert (found.decisions, found.no_offers, found.changed) == (1, 1, 0)
