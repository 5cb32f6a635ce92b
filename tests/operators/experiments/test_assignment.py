"""Who is held out: assigned once, by user if known at first sight; the holdout wins, the first stays."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.stores.memory_ledger import MemoryLedger
from operators.experiments import assignment
from operators.experiments.assignment import Assignments
from operators.streaming.ids import share_of
from tests.builders import DAY, OFTEN, T0, Desk, of_type, shop

SHARE = 0.3
HELD, FREE = True, False


def names(kind, held_out, number=1):
    """Visitors or users whose hash says that they are held out, or that they are not."""
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


class Counter:
    """A desk at which every moment of a cart leads to a decision."""

    def __init__(self, ledger=None, state=None):
        self.desk = Desk("no_offer", of=shop(holdout=SHARE), ledger=ledger, state=state, cooldown_s=0.0)
        self.carts = 0

    def sees(self, visitor, user=None, at=0.0):
        """The decision on a new cart: unit, assignment, whether it is held out, whether in conflict."""
        self.carts += 1
        [made] = of_type(
            self.desk.idle(at, visitor, user=user, cart=f"{visitor} {user} {self.carts} {at}"), "decision"
        )
        return made["unit_id"], made["assignment"], made["holdout"], made["conflict"]


@pytest.mark.parametrize("held_out", [HELD, FREE])
@pytest.mark.parametrize("visitor_held_out", [HELD, FREE])
def test_a_user_known_at_first_sight_is_the_unit_whatever_the_visitor(held_out, visitor_held_out):
    [user], (one, other) = users(held_out), visitors(visitor_held_out, 2)
    counter = Counter()
    group = "holdout" if held_out else "policy"
    assert counter.sees(one, user, 0) == (f"user:{user}", group, held_out, False)
    assert counter.sees(one, None, 1) == (f"user:{user}", group, held_out, False)
    assert counter.sees(other, user, 2) == (f"user:{user}", group, held_out, False)


@pytest.mark.parametrize("held_out", [HELD, FREE])
def test_a_visitor_nobody_knows_is_a_unit_of_its_own_and_stays_it_after_logging_in(held_out):
    [visitor], [user] = visitors(held_out), users(held_out)
    counter = Counter()
    seen = [counter.sees(visitor, known, at) for at, known in enumerate([None, None, user, None])]
    assert set(seen) == {(f"visitor:{visitor}", "holdout" if held_out else "policy", held_out, False)}


def test_a_visitor_in_the_policy_who_turns_out_a_user_held_out_gets_no_more_offers():
    [visitor], [user] = visitors(FREE), users(HELD)
    counter = Counter()
    assert counter.sees(visitor, None, 0) == (f"visitor:{visitor}", "policy", False, False)
    assert counter.sees(visitor, user, 1) == (f"visitor:{visitor}", "policy", True, True)
    assert counter.sees(visitor, None, 2) == (f"visitor:{visitor}", "policy", True, True)


def test_a_visitor_held_out_keeps_the_offers_of_his_user_back_on_every_device():
    [visitor], [user], (before, after) = visitors(HELD), users(FREE), visitors(FREE, 2)
    counter = Counter()
    assert counter.sees(before, user, 0) == (f"user:{user}", "policy", False, False)
    assert counter.sees(visitor, None, 1) == (f"visitor:{visitor}", "holdout", True, False)
    assert counter.sees(visitor, user, 2) == (f"visitor:{visitor}", "holdout", True, True)
    assert counter.sees(before, None, 3) == (f"user:{user}", "policy", True, True)
    assert counter.sees(after, user, 4) == (f"user:{user}", "policy", True, True)


def test_the_first_moment_of_a_unit_and_its_share_are_told_with_every_decision():
    counter = Counter()
    [visitor, other], [user] = visitors(FREE, 2), users(FREE)
    made = [
        of_type(counter.desk.idle(at, who, user=known, cart=f"{at}"), "decision")[0]
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
    counter = Counter()
    [made] = counter.desk.idle(0, read=DAY)
    assert made["reason"] == "stale"
    assert [made[name] for name in ("unit_id", "assignment", "assigned_at", "holdout_share")] == [None] * 4
    assert counter.desk.ledger.recall("visitor:ann") is None


def test_a_changed_holdout_moves_nobody_who_is_assigned():
    ledger = MemoryLedger()
    [visitor], [user] = visitors(FREE), users(FREE)
    before = Assignments("default", SHARE, ledger).of(visitor, None, T0)
    after = Assignments("default", 1.0, ledger).of(visitor, None, T0 + 1)
    assert (after.unit, after.group, after.share) == (before.unit, "policy", SHARE)
    assert Assignments("default", 1.0, ledger).of("new", user, T0 + 2).group == "holdout"


def test_who_is_not_seen_for_long_is_forgotten_and_assigned_anew():
    ledger = MemoryLedger()
    assignments = Assignments("default", SHARE, ledger)
    [visitor, *others], [user] = visitors(FREE, 20), users(HELD)
    assignments.of(visitor, None, T0)
    for day in range(0, 60, 5):
        assert assignments.of(visitor, None, T0 + day * DAY).at_s == T0
    for n, other in enumerate(others):
        assignments.of(other, None, T0 + n * DAY)
    assignments.forget(T0 + 55 * DAY)
    assert ledger.recall(f"visitor:{visitor}") is not None
    assert [other for other in others if ledger.recall(f"visitor:{other}")] == []
    late_s = T0 + 55 * DAY + assignment.MEMORY_S + 1 + assignment.SEEN_EVERY_S
    assert assignments.of(visitor, user, late_s) == assignments.of("unseen", user, late_s)


def test_few_moments_of_a_day_are_written_down():
    ledger = MemoryLedger()
    assignments = Assignments("default", SHARE, ledger)
    written = []
    for at in range(24):
        assignments.of("ann", "u", T0 + at * 3600.0)
        written.append(ledger.recall("visitor:ann"))
    assert len(set(written)) == 1


class Dying(MemoryLedger):
    """A ledger whose process dies before the next decision is written."""

    dies = False

    def put(self, *entry):
        if self.dies:
            raise KeyboardInterrupt
        super().put(*entry)


@pytest.mark.parametrize("known", [True, False])
def test_a_death_between_the_assignment_and_its_decision_changes_nothing(known):
    [visitor], [user] = visitors(FREE), users(HELD)
    calm = Counter()
    calm.sees(visitor, None, 0)
    expected = calm.sees(visitor, user if known else None, 10)
    ledger = Dying()
    counter = Counter(ledger)
    counter.sees(visitor, None, 0)
    state = counter.desk.machine.snapshot()
    ledger.dies = True
    with pytest.raises(KeyboardInterrupt):
        counter.sees(visitor, user if known else None, 10)
    ledger.dies = False
    assert Counter(ledger, state).sees(visitor, user if known else None, 10) == expected


plans = st.lists(
    st.tuples(st.sampled_from(["v0", "v1", "v2", "v3"]), st.sampled_from([None, None, "u0", "u1", "u2"])),
    max_size=12,
)


@OFTEN
@given(plans)
def test_nobody_changes_unit_or_group_and_who_is_held_out_stays_so(plan):
    counter = Counter()
    first, held = {}, set()
    for at, (visitor, user) in enumerate(plan):
        unit, group, held_out, _ = counter.sees(visitor, user, at)
        assert first.setdefault(visitor, (unit, group)) == (unit, group)
        assert held_out or visitor not in held
        assert held_out or group == "policy"
        if held_out:
            held.add(visitor)


@OFTEN
@given(plans, st.integers(0, 12), st.integers(0, 12))
def test_a_crash_changes_nobodys_assignment(plan, sealed, died):
    sealed, died = sorted((min(sealed, len(plan)), min(died, len(plan))))
    calm, desk = Counter(), Counter()
    expected = [calm.sees(*who, at) for at, who in enumerate(plan)]
    for at, who in enumerate(plan[:sealed]):
        desk.sees(*who, at)
    state = desk.desk.machine.snapshot()
    for at, who in enumerate(plan[sealed:died], sealed):
        desk.sees(*who, at)
    again = Counter(desk.desk.ledger, state)
    again.carts = desk.carts
    again.desk.wait(died - 0.5)
    assert [again.sees(*who, at) for at, who in enumerate(plan[died:], died)] == expected[died:]
