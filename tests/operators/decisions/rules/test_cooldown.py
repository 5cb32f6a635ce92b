"""How long a visitor gets no further decision after an offer."""

import pytest

from operators.decisions.rules.cooldown import Cooldowns


def test_a_cooldown_holds_until_it_ends_and_for_its_visitor_alone():
    cooldowns = Cooldowns()
    cooldowns.start("ann", 100.0)
    assert cooldowns.holds("ann", 99.0)
    assert not cooldowns.holds("ann", 100.0)
    assert not cooldowns.holds("bob", 0.0)


def test_a_later_offer_begins_a_new_cooldown():
    cooldowns = Cooldowns({"ann": 100.0, "bob": 150.0})
    cooldowns.start("ann", 200.0)
    assert list(cooldowns.ends_s.items()) == [("bob", 150.0), ("ann", 200.0)]


@pytest.mark.parametrize(("at", "left"), [(100.0, 2), (100.5, 1), (151.0, 0)])
def test_cooldowns_that_are_over_are_forgotten(at, left):
    cooldowns = Cooldowns({"ann": 100.0, "bob": 150.0})
    cooldowns.forget(at)
    assert len(cooldowns) == left
