"""A first touch without a discount."""

import pytest

from operators.decisions.rules.first_touch import FirstTouch
from operators.decisions.rules.person_history import Histories
from tests.builders import offer
from tests.operators.decisions.rules.asking import Past, configured, now, of

REMINDER = offer("reminder", kind="reminder", value=0.0)


@pytest.fixture
def past():
    return Past()


def reason(past, at=100.0, *visitors, first_touch="no_discount", asked=None, **more):
    rule = configured(FirstTouch(Histories(past.ledger)), of(tables={"first_touch": first_touch}))
    return rule.removes(offer() if asked is None else asked, now(at, *visitors, **more))


@pytest.mark.parametrize("kind", ["percent_off", "amount_off", "free_shipping", "bundle"])
def test_somebody_who_is_decided_about_for_the_first_time_gets_no_discount(past, kind):
    assert reason(past, asked=offer(kind=kind)) == "first_touch"


def test_a_reminder_is_no_discount(past):
    assert reason(past, asked=REMINDER) is None


def test_a_shop_that_wants_it_starts_with_discounts(past):
    assert reason(past, first_touch="any") is None


def test_after_a_choice_for_whatever_cart_discounts_are_allowed(past):
    past.decided(0, None, cart="cart of ann")
    assert reason(past) is None


def test_a_decision_without_a_choice_for_the_same_cart_is_the_same_touch(past):
    past.decided(0, None, choice=False)
    assert reason(past) == "first_touch"


def test_a_second_cart_is_a_second_touch_even_where_there_was_no_choice(past):
    past.decided(0, None, choice=False, cart="an earlier cart")
    past.decided(50, None, choice=False)
    assert reason(past) is None


def test_a_choice_on_another_device_was_a_touch(past):
    past.decided(0, visitor="phone", user="ann")
    assert reason(past, 100.0, "laptop", user="ann") is None
    assert reason(past, 100.0, "laptop", "phone") is None
    assert reason(past, 100.0, "laptop") == "first_touch"


def test_what_was_decided_after_the_moment_is_no_earlier_touch(past):
    past.decided(100)
    assert reason(past, 100.0) == "first_touch"
    assert reason(past, 101.0) is None
