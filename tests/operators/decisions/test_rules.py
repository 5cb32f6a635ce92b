"""Which arms may be chosen, and why not the others."""

from operators.decisions.rules.eligibility import MAX_AGE_S, choice
from tests.builders import HOUR, moment, offer

OFFERS = (offer(), offer("mail", channel="email"), offer("big", min_cart_value=100.0))


def test_no_offer_is_always_eligible_and_first():
    assert choice(moment(0), (), MAX_AGE_S).eligible == ["no_offer"]
    assert choice(moment(0, value=100.0), OFFERS, MAX_AGE_S).eligible == [
        "no_offer",
        "ten_percent",
        "mail",
        "big",
    ]


def test_a_small_cart_gets_no_offer_for_big_carts():
    found = choice(moment(0, value=99.99), OFFERS, MAX_AGE_S)
    assert found.removed == {"big": "min_cart_value"}


def test_a_moment_read_too_late_for_a_channel_is_stale_for_it():
    at_the_limit = choice(moment(0, value=100.0, read=600.0), OFFERS, MAX_AGE_S)
    assert at_the_limit.removed == {}
    late = choice(moment(0, value=100.0, read=600.5), OFFERS, MAX_AGE_S)
    assert late.eligible == ["no_offer", "mail"]
    assert late.removed == {"ten_percent": "stale", "big": "stale"}
    assert choice(moment(0, read=7 * HOUR), OFFERS, MAX_AGE_S).eligible == ["no_offer"]


def test_in_replay_nothing_is_stale():
    assert choice(moment(0, read=None), OFFERS[:2], MAX_AGE_S).removed == {}
