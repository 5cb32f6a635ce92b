"""Which arms may be chosen, and why not the others."""

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.rules import RuleBook, build_rules
from operators.decisions.rules.audience import AudienceRule
from operators.decisions.rules.freshness import Freshness
from operators.state.rows import StateRows
from tests.builders import HOUR, moment, offer, shop, situation

OFFERS = (offer(), offer("mail", channel="email"), offer("big", min_cart_value=100.0))


def allowed(at, offers=OFFERS, rules=None):
    of = shop(*offers)
    book = RuleBook(build_rules(MemoryLedger(), StateRows()) if rules is None else rules)
    book.configure(of, of.markets["default"])
    return book.eligibility(situation(at, of.markets["default"]))


def test_no_offer_is_always_eligible_and_first():
    assert allowed(moment(0, value=100.0)).eligible == ["no_offer", "ten_percent", "mail", "big"]


def test_a_small_cart_gets_no_offer_for_big_carts():
    assert allowed(moment(0, value=99.99)).removed == {"big": "min_cart_value"}


def test_a_moment_read_too_late_for_a_channel_is_stale_for_it():
    assert allowed(moment(0, value=100.0, read=600.0)).removed == {}
    late = allowed(moment(0, value=100.0, read=600.5))
    assert late.eligible == ["no_offer", "mail"]
    assert late.removed == {"ten_percent": "stale", "big": "stale"}
    assert allowed(moment(0, read=7 * HOUR)).eligible == ["no_offer"]


def test_in_replay_nothing_is_stale():
    assert allowed(moment(0, read=None), OFFERS[:2]).removed == {}


def test_the_first_rule_that_removes_an_offer_names_the_reason():
    late_and_small = moment(0, value=1.0, read=DAY_LATE)
    rules = Freshness(), AudienceRule()
    assert allowed(late_and_small, rules=rules).removed["big"] == "stale"
    assert allowed(late_and_small, rules=rules[::-1]).removed["big"] == "min_cart_value"


DAY_LATE = 24 * HOUR
