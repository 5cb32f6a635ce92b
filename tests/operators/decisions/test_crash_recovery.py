"""The decisions to be recovered after a crash: found by id, by name and by time until they are."""

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.crash_recovery import UnrecoveredDecisions
from operators.decisions.ledger import read_entry
from tests.builders import T0, Desk


def test_entries_are_recovered_one_by_one_and_leave_nothing_behind():
    ledger = MemoryLedger()
    desk = Desk("no_offer", ledger=ledger)
    for at, visitor, cart in ((0, "ann", "first"), (10, "ann", "second"), (20, "bob", "third")):
        desk.idle(at, visitor, cart=cart)
    first, second, third = map(read_entry, ledger.after(0))
    waiting = UnrecoveredDecisions()
    for entry in (first, second, third):
        waiting.add(entry)
    assert waiting.decisions() == [each.terms.decision for each in (first, second, third)]
    assert waiting.before(T0 + 20) == [first, second]
    assert waiting.named(["visitor:ann", "visitor:cid", "cart:first"]) == [first, second]
    waiting.remove(first)
    assert (waiting.get(first.terms.decision), waiting.named(["visitor:ann"])) == (None, [second])
    waiting.remove(second)
    waiting.remove(third)
    assert (len(waiting), waiting._named) == (0, {})
