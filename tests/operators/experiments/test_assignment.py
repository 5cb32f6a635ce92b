"""Assignment to the holdout: once, by user if one is known; the holdout wins, the first unit stays."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.stores.memory_ledger import MemoryLedger
from operators.experiments.assignment import MEMORY_S, REFRESH_S, Assignments
from operators.streaming.ids import share_of
from tests.builders import DAY, OFTEN, T0, Desk, of_type, shop

SHARE = 0.3
HELD, FREE = True, False


def names(kind, held_out, number=1):
    """Visitors or users whose hash assigns them to the holdout, or to the policy."""
    parts = () if kind == "visitor" else ("user",)
    found = (
        f"{kind[0]}{n}"
        for n in count()
        if (share_of("holdout", "default", *parts, f"{kind[0]}{n}") < SHARE) is held_out
    )
    return [next(found) for _ in range(number)]


def visitors(held_out, number=1):
    return names("visitor", held_out, number)


def users(held_out, number=1):
    return names("user", held_out, number)


class EagerMarket:
    """A market where every moment of a cart leads to a decision."""

    def __init__(self, ledger=None, state=None):
        self.desk = Desk("no_offer", of=shop(holdout=SHARE), ledger=ledger, state=state, cooldown="0s")
        self.carts = 0

    def decides(self, visitor, user=None, at=0.0):
        """The decision on a new cart: unit, assignment, whether it is held out, whether in conflict."""
        self.carts += 1
        [made] = of_type(
            self.desk.idle(at, visitor, user=user, cart=f"{visitor} {user} {self.carts} {at}"), "decision"
        )
        return made["unit_id"], made["assignment"], made["holdout"], made["conflict"]


@pytest.mark.parametrize("held_out", [HELD, FREE])
@pytest.mark.parametrize("visitor_held_out", [HELD, FREE])
def test_a_user_known_at_the_first_moment_is_the_unit_whatever_the_visitor(held_out, visitor_held_out):
    [user], (one, other) = users(held_out), visitors(visitor_held_out, 2)
    market = EagerMarket()
    group = "holdout" if held_out else "policy"
    assert market.decides(one, user, 0) == (f"user:{user}", group, held_out, False)
    assert market.decides(one, None, 1) == (f"user:{user}", group, held_out, False)
    assert market.decides(other, user, 2) == (f"user:{user}", group, held_out, False)


@pytest.mark.parametrize("held_out", [HELD, FREE])
def test_an_unknown_visitor_is_a_unit_and_stays_one_after_logging_in(held_out):
    [visitor], [user] = visitors(held_out), users(held_out)
    market = EagerMarket()
    seen = [market.decides(visitor, known, at) for at, known in enumerate([None, None, user, None])]
    assert set(seen) == {(f"visitor:{visitor}", "holdout" if held_out else "policy", held_out, False)}


def test_a_visitor_in_the_policy_who_turns_out_to_be_a_held_out_user_gets_no_more_offers():
    [visitor], [user] = visitors(FREE), users(HELD)
    market = EagerMarket()
    assert market.decides(visitor, None, 0) == (f"visitor:{visitor}", "policy", False, False)
    assert market.decides(visitor, user, 1) == (f"visitor:{visitor}", "policy", True, True)
    assert market.decides(visitor, None, 2) == (f"visitor:{visitor}", "policy", True, True)


def test_a_held_out_visitor_ends_the_offers_of_the_user_on_every_device():
    [visitor], [user], (before, after) = visitors(HELD), users(FREE), visitors(FREE, 2)
    market = EagerMarket()
    assert market.decides(before, user, 0) == (f"user:{user}", "policy", False, False)
    assert market.decides(visitor, None, 1) == (f"visitor:{visitor}", "holdout", True, False)
    assert market.decides(visitor, user, 2) == (f"visitor:{visitor}", "holdout", True, True)
    assert market.decides(before, None, 3) == (f"user:{user}", "policy", True, True)
    assert market.decides(after, user, 4) == (f"user:{user}", "policy", True, True)


def test_every_decision_has_the_first_moment_of_its_unit_and_its_share():
    market = EagerMarket()
    [visitor, other], [user] = visitors(FREE, 2), users(FREE)
    made = [
        of_type(market.desk.idle(at, who, user=known, cart=f"{at}"), "decision")[0]
        for at, who, known in [
            (0, visitor, None),
            (50, visitor, user),
            (100, other, user),
            (150, other, None),
        ]
    ]
    firsts = [made[0]["at"], made[0]["at"], made[2]["at"], made[2]["at"]]
    assert [each["assigned_at"] for each in made] == firsts
    assert {each["holdout_share"] for each in made} == {SHARE}


def test_a_moment_without_a_choice_assigns_nobody():
    market = EagerMarket()
    [made] = market.desk.idle(0, read=DAY)
    assert made["reason"] == "stale"
    assert [made[name] for name in ("unit_id", "assignment", "assigned_at", "holdout_share")] == [None] * 4
    assert market.desk.ledger.recall("visitor:ann") is None


def test_a_changed_holdout_moves_no_assigned_unit():
    ledger = MemoryLedger()
    [visitor], [user] = visitors(FREE), users(FREE)
    before = Assignments("default", SHARE, ledger).assign(visitor, None, T0)
    after = Assignments("default", 1.0, ledger).assign(visitor, None, T0 + 1)
    assert (after.unit, after.group, after.share) == (before.unit, "policy", SHARE)
    assert Assignments("default", 1.0, ledger).assign("new", user, T0 + 2).group == "holdout"


def test_an_identity_not_seen_for_long_is_forgotten_and_assigned_anew():
    ledger = MemoryLedger()
    assignments = Assignments("default", SHARE, ledger)
    [visitor, *others], [user] = visitors(FREE, 20), users(HELD)
    assignments.assign(visitor, None, T0)
    for day in range(0, 60, 5):
        assert assignments.assign(visitor, None, T0 + day * DAY).at_s == T0
    for n, other in enumerate(others):
        assignments.assign(other, None, T0 + n * DAY)
    assignments.forget(T0 + 55 * DAY)
    assert ledger.recall(f"visitor:{visitor}") is not None
    assert [other for other in others if ledger.recall(f"visitor:{other}")] == []
    late_s = T0 + 55 * DAY + MEMORY_S + 1 + REFRESH_S
    assert assignments.assign(visitor, user, late_s) == assignments.assign("unseen", user, late_s)


def test_at_most_one_moment_a_day_is_written():
    ledger = MemoryLedger()
    assignments = Assignments("default", SHARE, ledger)
    written = []
    for at in range(24):
        assignments.assign("ann", "u", T0 + at * 3600.0)
        written.append(ledger.recall("visitor:ann"))
    assert len(set(written)) == 1


class CrashingLedger(MemoryLedger):
    """A ledger whose process dies before the next decision is written."""

    dies = False

    def put(self, *entry):
        if self.dies:
            raise KeyboardInterrupt
        super().put(*entry)


@pytest.mark.parametrize("known", [True, False])
def test_a_crash_between_the_assignment_and_its_decision_changes_nothing(known):
    [visitor], [user] = visitors(FREE), users(HELD)
    calm = EagerMarket()
    calm.decides(visitor, None, 0)
    expected = calm.decides(visitor, user if known else None, 10)
    ledger = CrashingLedger()
    market = EagerMarket(ledger)
    market.decides(visitor, None, 0)
    state = market.desk.machine.snapshot()
    ledger.dies = True
    with pytest.raises(KeyboardInterrupt):
        market.decides(visitor, user if known else None, 10)
    ledger.dies = False
    assert EagerMarket(ledger, state).decides(visitor, user if known else None, 10) == expected


plans = st.lists(
    st.tuples(st.sampled_from(["v0", "v1", "v2", "v3"]), st.sampled_from([None, None, "u0", "u1", "u2"])),
    max_size=12,
)


@OFTEN
@given(plans)
def test_no_visitor_changes_unit_or_group_and_a_held_out_one_stays_so(plan):
    market = EagerMarket()
    first, held = {}, set()
    for at, (visitor, user) in enumerate(plan):
        unit, group, held_out, _ = market.decides(visitor, user, at)
        assert first.setdefault(visitor, (unit, group)) == (unit, group)
        assert held_out or visitor not in held
        assert held_out or group == "policy"
        if held_out:
            held.add(visitor)


@OFTEN
@given(plans, st.integers(0, 12), st.integers(0, 12))
def test_a_crash_changes_no_assignment(plan, sealed, died):
    sealed, died = sorted((min(sealed, len(plan)), min(died, len(plan))))
    calm, market = EagerMarket(), EagerMarket()
    expected = [calm.decides(*who, at) for at, who in enumerate(plan)]
    for at, who in enumerate(plan[:sealed]):
        market.decides(*who, at)
    state = market.desk.machine.snapshot()
    for at, who in enumerate(plan[sealed:died], sealed):
        market.decides(*who, at)
    again = EagerMarket(market.desk.ledger, state)
    again.carts = market.carts
    again.desk.wait(died - 0.5)
    assert [again.decides(*who, at) for at, who in enumerate(plan[died:], died)] == expected[died:]


def test_how_long_an_identity_is_remembered_can_be_set():
    [visitor], [user] = visitors(FREE), users(HELD)
    short = Assignments("default", SHARE, MemoryLedger(), memory_s=DAY, refresh_s=0.0)
    assert short.assign(visitor, None, T0).group == "policy"
    assert short.assign(visitor, None, T0 + 0.9 * DAY).at_s == T0
    assert short.assign(visitor, user, T0 + 2 * DAY).unit == f"user:{user}"
