"""One open offer for a person."""

from operators.decisions.open_decisions import open_decision
from operators.decisions.rules.open_offer import OpenOffer
from tests.builders import offer
from tests.operators.decisions.rules.asking import entry, now


def held(arm="ten_percent", **more):
    return open_decision(entry(0, arm, **more))


def test_somebody_whose_offer_is_open_gets_no_other():
    assert OpenOffer().removes(offer("mail"), now(10, held=[held()])) == "open_offer"


def test_an_offer_that_is_held_is_open():
    assert OpenOffer().removes(offer(), now(10, held=[held(published=100)])) == "open_offer"


def test_a_decision_without_an_offer_holds_nothing_up():
    assert OpenOffer().removes(offer(), now(10, held=[held(None)])) is None


def test_once_the_offer_is_over_another_may_follow():
    over = held()
    over.offer_open = False
    assert OpenOffer().removes(offer(), now(10, held=[over])) is None
    assert OpenOffer().removes(offer(), now(10)) is None
