"""What was decided for each cart: whether an offer preceded its outcome."""

import pytest
from msgspec.structs import replace

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.cart_treatments import CART_S, CartTreatments
from operators.decisions.ledger import read_entry
from operators.state.rows import StateRows
from tests.builders import DAY, HOUR, T0, Desk


def entry(**terms):
    """The entry of ann's cart, decided upon at T0, with an offer."""
    ledger = MemoryLedger()
    Desk(ledger=ledger).idle(0)
    [written] = ledger.after(0)
    found = read_entry(written)
    return replace(found, terms=replace(found.terms, **terms))


OFFERED = entry()
HELD_OUT = replace(entry(decision="later", treated=False), offered=None, none_probability=0.5)


def treated(*entries):
    found = CartTreatments(StateRows())
    for each in entries:
        found.decided(each)
    return found


def test_an_outcome_learns_whether_an_offer_preceded_it_and_how_probable_it_was_that_none_did():
    assert treated(HELD_OUT, HELD_OUT).close("cart of ann", T0 + 60) == (False, 0.25, "later")
    assert treated(OFFERED, HELD_OUT).close("cart of ann", T0 + 2 * DAY).treated
    assert treated(OFFERED).close("her next one", T0 + 60) == (False, 1.0, None)


def test_a_cart_decided_upon_too_long_ago_is_untreated_but_names_its_decision():
    found = treated(OFFERED).close("cart of ann", T0 + CART_S + 1)
    assert found == (False, 1.0, OFFERED.terms.decision)


def test_a_cart_is_forgotten_with_its_outcome():
    found = treated(OFFERED, HELD_OUT)
    assert found.close("cart of ann", T0 + 60).decision == "later"
    assert found.close("cart of ann", T0 + 60).decision is None
    assert len(found) == 0


@pytest.mark.parametrize(("later", "left"), [(HOUR, 1), (CART_S + 1, 0)])
def test_carts_without_an_outcome_are_forgotten_in_their_time(later, left):
    found = treated(OFFERED)
    found.forget(T0 + later)
    assert len(found) == left
