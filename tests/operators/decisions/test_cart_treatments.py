"""What was decided for each cart, and how long a visitor is left alone after an offer."""

import pytest
from msgspec.structs import replace

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.cart_treatments import CART_S, CartTreatments
from operators.decisions.ledger import read
from operators.streaming.messages import RANK, Outcome
from tests.builders import DAY, HOUR, T0, Desk


def entry(**changed):
    """The entry of ann's cart, decided upon at T0, with an offer."""
    ledger = MemoryLedger()
    Desk(ledger=ledger).idle(0)
    [written] = ledger.after(0)
    return replace(read(written), **changed)


OFFERED = entry()
HELD_OUT = entry(decision="later", treated=False, offered=None, none_probability=0.5)


def outcome(at, cart="cart of ann", visitor="ann"):
    return Outcome(T0 + at, RANK["outcome"], visitor, f"o{at}", "default", "abandoned", cart)


def treated(*entries):
    found = CartTreatments({}, {})
    for each in entries:
        found.decided(each, DAY)
    return found


def test_the_cooldown_begins_with_an_offer_and_with_nothing_else():
    assert treated(OFFERED).is_cooling("ann", T0 + DAY - 1)
    assert not treated(OFFERED).is_cooling("ann", T0 + DAY)
    assert not treated(OFFERED).is_cooling("bob", T0)
    assert not treated(HELD_OUT).is_cooling("ann", T0)


def test_an_outcome_is_told_whether_an_offer_preceded_it_and_how_probable_it_was_that_none_did():
    assert treated(HELD_OUT, HELD_OUT).take_outcome(outcome(60)) == (False, 0.25)
    assert treated(OFFERED, HELD_OUT).take_outcome(outcome(2 * DAY))[0]
    assert treated(OFFERED).take_outcome(outcome(60, cart="her next one")) == (True, 1.0)
    assert treated(OFFERED).take_outcome(outcome(60, "cart of bob", "bob")) == (False, 1.0)


def test_the_latest_decision_for_a_cart_is_known_until_its_outcome():
    found = treated(OFFERED, HELD_OUT)
    assert found.decision_for("cart of ann") == "later"
    found.take_outcome(outcome(60))
    assert found.decision_for("cart of ann") is None


@pytest.mark.parametrize(("later", "left"), [(HOUR, (1, 1)), (DAY + 1, (0, 1)), (CART_S + 1, (0, 0))])
def test_cooldowns_and_carts_are_forgotten_in_their_time(later, left):
    found = treated(OFFERED)
    found.forget(T0 + later)
    assert (len(found.cooldowns), len(found.carts)) == left
