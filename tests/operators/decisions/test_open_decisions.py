"""The open decisions: found by id, by name and by time, gone when they are over."""

from msgspec.structs import replace

from operators.decisions.ledger import NO_COST, DecisionTerms
from operators.decisions.open_decisions import OpenDecision, OpenDecisions
from operators.decisions.reward import Earnings
from operators.state.rows import StateRows
from tests.rows import everything_in


def opened(*decisions):
    found = OpenDecisions(StateRows())
    for each in decisions:
        found.add(each)
    return found


def decision(name, visitor="ann", *, window_ends_s=60.0, expires_s=30.0):
    terms = DecisionTerms(
        decision=name,
        moment=f"moment of {name}",
        at_s=0.0,
        visitor=visitor,
        cart=f"cart of {visitor}",
        arm="ten_percent",
        group="policy",
        treated=True,
        is_trainable=True,
        window_ends_s=window_ends_s,
        expires_s=expires_s,
        cost=NO_COST,
    )
    return OpenDecision(terms, Earnings(), offer_open=True, window_ended=False)


def test_decisions_are_found_by_id_and_by_name_in_the_order_they_were_taken():
    one, other, of_bob = decision("one"), decision("other"), decision("third", "bob")
    found = opened(one, other, of_bob)
    assert len(found) == 3
    assert found.named("visitor:ann") == found.named("cart:cart of ann", "visitor:ann") == (one, other)
    assert found.named("visitor:cid") == found.named() == ()
    assert found.get("third") is of_bob
    assert found.get("unheard of") is None


def test_decisions_are_found_by_the_products_of_their_open_offers():
    one = decision("one")
    one.terms = replace(one.terms, skus=("shoe", "sock"))
    other = decision("other")
    other.terms = replace(other.terms, skus=("shoe",))
    found = opened(one, other)
    assert found.on_product("shoe") == (one, other)
    assert found.on_product("hat") == ()
    one.offer_open = False
    found.changed(one)
    assert (found.on_product("shoe"), found.on_product("sock")) == ((other,), ())
    other.window_ended, other.offer_open = True, False
    found.changed(other)
    assert found.on_product("shoe") == ()


def test_nothing_is_forgotten_that_still_waits_for_its_reward():
    def taken(name, at_s):
        made = decision(name)
        made.terms = replace(made.terms, at_s=at_s)
        return made

    found = opened(taken("late", 40.0), taken("early", 30.0))  # each waits until 60, so for 30 at most
    assert [found.none_waits_before_s(at_s, now_s=60.0) for at_s in (5.0, 20.0, 35.0)] == [5.0, 20.0, 30.0]
    assert opened().none_waits_before_s(7.0, now_s=60.0) == 7.0


def test_a_decision_is_due_when_its_offer_expires_and_again_when_its_window_ends():
    one = decision("one")
    found, due = opened(one), []
    for due_s, each in found.due(100.0):
        due.append((due_s, each.terms.decision))
        each.window_ended = not each.offer_open
        each.offer_open = False
        found.changed(each)
    assert due == [(30.0, "one"), (60.0, "one")]
    assert len(found) == 0


def test_a_decision_that_is_over_leaves_nothing_behind():
    one, other = decision("one"), decision("other")
    rows = StateRows()
    found = OpenDecisions(rows)
    found.add(one)
    found.add(other)
    one.window_ended, one.offer_open = True, False
    found.changed(one)
    assert found.named("visitor:ann") == (other,)
    other.window_ended, other.offer_open = True, False
    found.changed(other)
    assert (len(found), everything_in(rows)) == (0, {})


def test_a_decision_whose_offer_is_revoked_stays_open_until_its_window_ends():
    one = decision("one")
    found = opened(one)
    one.offer_open = False
    found.changed(one)
    assert found.get("one") is one
    assert [due_s for due_s, _ in found.due(100.0)] == [60.0]
