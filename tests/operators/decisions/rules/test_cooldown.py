"""For how long a person gets no further offer: after one, after a purchase, after a dismissal."""

import math

import pytest

from operators.decisions.rules.cooldown import Cooldown
from operators.decisions.rules.person_history import Histories
from tests.builders import DAY, HOUR, T0, offer
from tests.operators.decisions.rules.asking import Past, configured, now, of

OFF = dict.fromkeys(("after_offer", "after_purchase", "after_dismissal"), "0s")


class Desk:
    """The rule over what was decided before."""

    def __init__(self, ledger=None, **lengths):
        self.past = Past()
        if ledger is not None:
            self.past.ledger = ledger
        self.rule = Cooldown(Histories(self.past.ledger))
        self.takes(**lengths)

    def takes(self, **lengths):
        configured(self.rule, of(tables={"cooldown": OFF | lengths}))

    def reason(self, at, *visitors, **more):
        return self.rule.removes(offer(), now(at, *visitors, **more))


def test_nobody_has_another_offer_until_the_cooldown_is_over():
    desk = Desk(after_offer="1h")
    desk.past.decided(0)
    assert desk.reason(HOUR - 1) == "cooldown"
    assert desk.reason(HOUR) is None
    assert desk.reason(10, "bob") is None


def test_a_decision_without_an_offer_begins_no_cooldown():
    desk = Desk(after_offer="1h")
    desk.past.decided(0, None)
    assert desk.reason(10) is None


def test_an_offer_that_is_held_cools_down_from_its_publication():
    desk = Desk(after_offer="1h")
    desk.past.decided(0, published=8 * HOUR)
    assert desk.reason(HOUR) == "cooldown"
    assert desk.reason(9 * HOUR - 1) == "cooldown"
    assert desk.reason(9 * HOUR) is None


def test_the_cooldown_of_one_device_holds_on_all_of_a_person():
    desk = Desk(after_offer="1h", after_purchase="1h")
    desk.past.decided(0, visitor="phone")
    desk.rule.purchased(["tablet"], None, T0)
    assert desk.reason(10, "laptop", "phone") == "cooldown"
    assert desk.reason(10, "laptop", "tablet") == "cooldown_purchase"


def test_whoever_bought_something_gets_no_offer_for_a_time():
    desk = Desk(after_purchase="1h")
    desk.rule.purchased(["ann", "phone of ann"], None, T0)
    assert desk.reason(HOUR - 1, "phone of ann") == "cooldown_purchase"
    assert desk.reason(HOUR) is None


def test_whoever_put_an_offer_away_gets_none_for_a_time():
    desk = Desk(after_dismissal="1h")
    desk.rule.dismissed(["ann"], T0)
    assert desk.reason(HOUR - 1) == "cooldown_dismissal"
    assert desk.reason(HOUR) is None


def test_a_purchase_and_a_dismissal_are_remembered_beside_each_other():
    desk = Desk(after_purchase="1h", after_dismissal="2h")
    desk.rule.purchased(["ann"], None, T0)
    desk.rule.dismissed(["ann"], T0 + 10)
    assert desk.reason(20) == "cooldown_purchase"
    assert desk.reason(HOUR) == "cooldown_dismissal"


def test_an_order_that_comes_late_shortens_no_cooldown():
    desk = Desk(after_purchase="1h", after_dismissal="1h")
    for at_s in (T0 + HOUR, T0):
        desk.rule.purchased(["ann"], None, at_s)
        desk.rule.dismissed(["ann"], at_s)
    assert desk.reason(2 * HOUR - 1) == "cooldown_purchase"


def test_a_moment_that_comes_late_knows_what_happened_after_it():
    desk = Desk(after_offer="1h", after_purchase="1h")
    desk.rule.purchased(["ann"], None, T0 + 100)
    assert desk.reason(50) == "cooldown_purchase"
    desk.past.decided(100)
    assert desk.reason(51) == "cooldown"


@pytest.mark.parametrize("kind", ["after_offer", "after_purchase", "after_dismissal"])
def test_a_changed_length_applies_to_what_happened_before_it(kind):
    desk = Desk(**{kind: "1h"})
    desk.past.decided(0)
    desk.rule.purchased(["ann"], None, T0)
    desk.rule.dismissed(["ann"], T0)
    assert desk.reason(2 * HOUR) is None
    desk.takes(**{kind: "1d"})
    assert desk.reason(2 * HOUR) is not None
    desk.takes()
    assert desk.reason(10) is None


def test_after_a_crash_everything_is_known_that_was():
    desk = Desk(after_offer="1h", after_purchase="2h")
    desk.past.decided(0)
    desk.rule.purchased(["ann"], None, T0)
    resumed = Desk(desk.past.ledger, after_offer="1h", after_purchase="2h")
    assert resumed.reason(10) == "cooldown"
    assert resumed.reason(HOUR) == "cooldown_purchase"


def test_what_became_of_a_cart_is_treated_while_the_cooldown_of_an_offer_lasts():
    desk = Desk(after_offer="1h")
    desk.past.decided(0, visitor="phone")
    assert desk.rule.had_offer(["ann", "phone"], T0)
    assert desk.rule.had_offer(["phone"], T0 + HOUR - 1)
    assert not desk.rule.had_offer(["phone"], T0 + HOUR)
    assert not desk.rule.had_offer(["ann"], T0 + 10)


def test_a_cart_is_not_treated_by_an_offer_that_was_decided_after_it():
    desk = Desk(after_offer="1h")
    desk.past.decided(0)
    desk.past.decided(2 * DAY)
    assert not desk.rule.had_offer(["ann"], T0 - 1)
    assert desk.rule.had_offer(["ann"], T0 + 10)
    assert not desk.rule.had_offer(["ann"], T0 + DAY)


def test_without_a_cooldown_no_cart_is_treated_by_an_earlier_offer():
    desk = Desk()
    desk.past.decided(0)
    assert not desk.rule.had_offer(["ann"], T0 + 1)


def test_a_purchase_is_known_as_of_its_time_also_when_later_ones_are_remembered():
    rule = Desk().rule
    for at in range(20, 0, -1):
        rule.purchased(["ann"], "u", T0 + at)
        rule.purchased(["ann"], "u", T0 + at)
    assert rule.purchased_s(["ann"], [], T0 + 15) == T0 + 15
    assert rule.purchased_s([], ["u"], T0 + 99) == T0 + 20
    assert rule.purchased_s(["bob"], [], T0 + 99) == -math.inf
