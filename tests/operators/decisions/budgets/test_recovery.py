"""Prices after a crash: those there would have been without one."""

import copy

import numpy as np
import pytest

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.decision_machine import DecisionMachine
from schemas.decisions import decode_decision
from schemas.limits import Budget
from tests.benchmarks.budgets import START_S, World, carts, context, taught
from tests.builders import SCORED, T0, changed, config, deciding, moment, ordered, struct
from tests.operators.decisions.rules.test_budget import TEN, limited

CARTS = 240


@pytest.fixture(scope="module")
def log():
    """Moments of carts, some of which are bought with the offer a little later, in the order of time."""
    found = carts(World(days=2, a_day=150), np.random.default_rng(2))
    rng = np.random.default_rng(3)
    events = []
    for n, at_s in enumerate((found.at_s[:CARTS] - START_S).tolist()):
        at = at_s + 0.123456789
        about = moment(at, f"v{n}", value=float(found.value[n]))
        events.append((at, changed(about, features=context(found, n, rng.random(2)))))
        if rng.random() < 0.4:
            events.append((at + 900.0, f"v{n}"))
    return sorted(events, key=lambda event: event[0])


BUDGETS = {
    "amount": Budget(amount=80.0, by="day", grace="1h"),
    "number": Budget(number=40, by="day"),
}


def machine_of(ledger, what, state=None):
    of = limited(TEN, daily=BUDGETS[what])
    return DecisionMachine(config(of, ledger), deciding(policy="linear_thompson"), state)


def play(machine, event, made):
    """What follows from one event, with the decision of each visitor noted in ``made``."""
    at, what = event
    said = machine.advance(T0 + at)
    if isinstance(what, str):
        offers = [made[what]] if what in made else []
        said += machine.process_order(struct(ordered(at, what, price=60.0, offers=offers)))
    else:
        records = machine.process_moment(what, SCORED)
        made[what.visitor] = decode_decision(records[0].value).decision_id
        said += records
    return [(each.id, each.value) for each in said]


@pytest.mark.parametrize("what", BUDGETS)
@pytest.mark.parametrize(("snapshot_at", "crash_at"), [(60, 61), (60, 80), (100, 160), (220, 300)])
def test_a_crash_changes_no_price_and_no_choice(log, what, snapshot_at, crash_at):
    ledger, made, expected = MemoryLedger(), {}, []
    machine = machine_of(ledger, what)
    machine.policy = taught(World(), "linear_thompson", 1, 3000)
    for number, event in enumerate(log):
        if number == snapshot_at:
            state = machine.snapshot()
        if number == crash_at:
            left = copy.deepcopy(ledger)
        said = play(machine, event, made)
        expected.append(said)
    assert sum(b'"surcharges":{"ten' in value for said in expected for _, value in said) > 20
    again, known = machine_of(left, what, state), dict(made)
    for number in range(snapshot_at, len(log)):
        assert play(again, log[number], known) == expected[number]
