"""An offer is published, at once or once it is no longer held, and ends once."""

import pytest

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.decision_machine import DecisionMachine
from schemas.shop import Shop
from tests.builders import HOUR, Desk, config, deciding, of_type, offer, rules, shop

CALM = shop(
    offer("mail", channel="email", expires_after="2h", reward_window="4h"),
    rules=rules(quiet_hours={"email": {"start": "21:00", "end": "08:00"}}),
)
MORNING = 9 * HOUR + 46 * 60 + 40
"""From T0, when it is 22:13:20, to 8 o'clock."""
LIFE = ("offer.decided", "offer.redeemed", "offer.expired", "offer.revoked")


def night(**more):
    """A cart goes quiet at night, and mails are held until the morning."""
    desk = Desk("mail", of=CALM, **more)
    [decided] = of_type(desk.idle(0), "decision")
    assert (decided["arm"], decided["propensity"]) == ("mail", 0.8)
    return desk, decided["offer_id"]


def kinds(emitted):
    return [each["type"] for each in of_type(emitted, *LIFE)]


def test_what_is_decided_at_night_is_published_in_the_morning_and_counts_from_there():
    desk, offer_id = night()
    assert kinds(desk.wait(MORNING)) == []
    [made] = of_type(desk.wait(MORNING + 1), *LIFE)
    assert (made["type"], made["data"]["offer_id"]) == ("offer.decided", offer_id)
    assert kinds(desk.wait(MORNING + 2 * HOUR)) == []
    [ended] = of_type(desk.wait(MORNING + 2 * HOUR + 1), *LIFE)
    assert (ended["type"], ended["data"]["offer_id"]) == ("offer.expired", offer_id)
    assert [each["kind"] for each in of_type(desk.wait(MORNING + 4 * HOUR + 1), "reward")] == ["window"]


def test_a_cart_that_is_bought_at_night_gets_no_mail_in_the_morning():
    desk, _ = night()
    assert kinds(desk.order(HOUR)) == []
    emitted = desk.wait(2 * MORNING)
    assert kinds(emitted) == []
    [reward] = of_type(emitted, "reward")
    assert (reward["arm"], reward["cost"], reward["redeemed"]) == ("mail", 0.0, False)


@pytest.mark.parametrize("published", [False, True])
def test_what_was_published_before_a_crash_ends_and_what_was_not_stays_unpublished(published):
    ledger = MemoryLedger()
    desk, _ = night(ledger=ledger)
    state = desk.machine.snapshot()
    if published:
        assert kinds(desk.wait(MORNING + 1)) == ["offer.decided"]
    else:
        assert kinds(desk.order(HOUR)) == []
    desk.machine = DecisionMachine(config(CALM, ledger), deciding(), state)
    if published:  # the order is read first now
        assert kinds(desk.order(HOUR)) == ["offer.decided", "offer.revoked"]
    else:  # the morning is
        assert kinds(desk.wait(MORNING + 1)) == []
    assert kinds(desk.wait(2 * MORNING)) == []


def test_an_offer_for_quiet_hours_is_dropped_where_that_is_set():
    drop = rules(quiet_hours={"email": {"start": "21:00", "end": "08:00", "then": "drop"}})
    desk = Desk("mail", of=shop(offer("mail", channel="email"), rules=drop))
    [decided] = of_type(desk.idle(0), "decision")
    assert decided["removed"] == {"mail": "quiet_hours"}


def test_an_order_with_the_offer_redeems_it_and_any_other_revokes_it():
    for redeemed in (True, False):
        desk = Desk()
        [made] = of_type(desk.idle(0), "offer.decided")
        offer_id = made["data"]["offer_id"]
        [ended] = of_type(desk.order(10, id="e1", offers=[offer_id] * redeemed), *LIFE)
        assert ended["type"] == ("offer.redeemed" if redeemed else "offer.revoked")
        assert ended["data"]["reason"] == ("redeemed" if redeemed else "purchased")
        assert (ended["data"]["order_id"] is not None) == redeemed
        assert (ended["causationid"], ended["id"]) == ("e1", f"{offer_id}-ended")
        assert kinds(desk.order(20)) == kinds(desk.wait(9 * HOUR)) == []


def test_feedback_of_a_stranger_changes_nothing():
    desk = Desk()
    [made] = of_type(desk.idle(0), "offer.decided")
    offer_id = made["data"]["offer_id"]
    assert kinds(desk.feedback("redeemed", 5, offer_id, "mallory")) == []
    assert desk.machine.figures()["foreign_feedback"] == 1
    assert kinds(desk.feedback("redeemed", 6, offer_id)) == ["offer.redeemed"]


def test_controls_revoke_what_is_open_of_an_offer_that_is_paused_or_a_market_that_is_killed():
    for set_, reason in (("offers__ten_percent__paused", "paused"), ("markets__default__killed", "killed")):
        desk = Desk()
        desk.idle(0)
        [ended] = of_type(desk.control(10, **{set_: True}), *LIFE)
        assert (ended["type"], ended["data"]["reason"]) == ("offer.revoked", reason)


@pytest.mark.parametrize(("changed", "reason"), [({"paused": True}, "paused"), ({}, None)])
def test_a_start_with_a_changed_offers_file_revokes_what_it_no_longer_makes(changed, reason):
    ledger = MemoryLedger()
    desk = Desk(ledger=ledger)
    desk.idle(0)
    state = desk.machine.snapshot()
    desk.machine = DecisionMachine(config(shop(offer(**changed)), ledger), deciding(), state)
    ended = of_type(desk.wait(10), *LIFE)
    assert [each["data"]["reason"] for each in ended] == ([] if reason is None else [reason])
    assert desk.wait(11) == []


def test_a_start_with_a_lowered_budget_revokes_what_it_no_longer_covers():
    def of(amount):
        made = shop(offer("five", kind="amount_off", value=5), rules=rules("0s"))
        return Shop.model_validate({**made.document, "budgets": {"day": {"amount": amount, "by": "day"}}})

    desk = Desk("five", of=of(10))
    for visitor in ("ann", "ben"):
        assert kinds(desk.idle(0, visitor)) == ["offer.decided"]
    state = desk.machine.snapshot()
    desk.machine = DecisionMachine(config(of(5), desk.ledger), deciding(), state)
    [ended] = of_type(desk.wait(10), *LIFE)
    assert (ended["data"]["reason"], ended["data"]["visitor_id"]) == ("budget_withdrawn", "ben")


def test_controls_that_leave_an_offer_as_it_is_revoke_nothing():
    desk = Desk()
    desk.idle(0)
    assert desk.control(10, markets__default__holdout=0.5) == []
    [decided] = of_type(desk.idle(20, "ben"), "decision")
    assert (decided["controls_version"], decided["holdout_share"]) == (1, 0.5)
