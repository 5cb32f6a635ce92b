"""The decisions that are watched: found by id, by visitor and by time, gone when they are over."""

from operators.decisions.ledger import Charge
from operators.decisions.open_decisions import Watched
from operators.decisions.reward import OpenDecision


def decision(name, visitor="ann", *, window_ends_s=60.0, expires_s=30.0):
    return OpenDecision(
        name,
        f"moment of {name}",
        0.0,
        visitor,
        f"cart of {visitor}",
        "ten_percent",
        "policy",
        treated=True,
        teaches=True,
        window_ends_s=window_ends_s,
        expires_s=expires_s,
        charge=Charge(),
        live=True,
    )


def watched(*decisions):
    found = Watched()
    for each in decisions:
        found.add(each)
    return found


def test_decisions_are_found_by_id_and_by_visitor_in_the_order_they_were_taken():
    one, other, of_bob = decision("one"), decision("other"), decision("third", "bob")
    found = watched(one, other, of_bob)
    assert list(found) == [one, other, of_bob]
    assert found.of_visitor("ann") == (one, other)
    assert found.of_visitor("cid") == ()
    assert found.get("third") is of_bob
    assert found.get("unheard of") is None


def test_a_decision_is_due_when_its_offer_expires_and_again_when_its_window_ends():
    one = decision("one")
    found, due = watched(one), []
    for due_s, each in found.due(100.0):
        due.append((due_s, each.decision))
        each.learned = not each.live
        each.live = False
        found.changed(each)
    assert due == [(30.0, "one"), (60.0, "one")]
    assert len(found) == 0


def test_a_decision_that_is_over_leaves_nothing_behind():
    one, other = decision("one"), decision("other")
    found = watched(one, other)
    one.learned, one.live = True, False
    found.changed(one)
    assert found.of_visitor("ann") == (other,)
    other.learned, other.live = True, False
    found.changed(other)
    assert (len(found), len(found._timers), found._of_visitor) == (0, 0, {})


def test_a_decision_whose_offer_is_revoked_is_watched_until_its_window_ends():
    one = decision("one")
    found = watched(one)
    one.live = False
    found.changed(one)
    assert found.get("one") is one
    assert [due_s for due_s, _ in found.due(100.0)] == [30.0]
