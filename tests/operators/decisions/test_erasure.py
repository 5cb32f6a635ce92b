"""A market forgets who was erased: at once for every decision, in the ledger once that is sealed."""

import pytest

from flows.stores.ledger import RocksLedger
from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.erasing.erasing_ledger import APPLY_EVERY
from operators.decisions.ledger import read_entry
from operators.streaming.messages import ConsentKnown
from tests.builders import T0, Desk, refunded
from tests.erasing import rocksdb_rows

ANN, ACCOUNT = "ann-who-asks", "account-who-asks"


def stands_in(ledger, *ids):
    """Whether one of the ids stands in a ledger in memory."""
    text = repr((ledger._identities, ledger._rows, ledger._named))
    return any(id_ in text for id_ in ids)


def sealed(desk, times=2 * APPLY_EVERY):
    for _ in range(times):
        state = desk.machine.snapshot()
    return state


def busy(desk):
    """Ann logs in, agrees, orders, puts an offer away, and has one."""
    desk.login(0, ANN, ACCOUNT)
    consent = ConsentKnown(
        at_s=T0, visitor=ANN, id="c", market="default", consent={"email": True}, source="event", user=ACCOUNT
    )
    desk.machine.know_person(consent)
    desk.order(1, ANN, user_id=ACCOUNT, order_id="o-1", id="e-1")
    [decision, offer] = desk.idle(7200, ANN, user=ACCOUNT, id="m-1", cart="c-1")[:2]
    return decision, offer


def test_the_offer_is_revoked_and_the_window_ends_with_what_is_known():
    desk = Desk()
    decision, _ = busy(desk)
    desk.order(7300, ANN, order_id="o-2")
    emitted = desk.erase(7400, ANN, ACCOUNT)
    kinds = {each["type"].removeprefix("com.offerstream."): each for each in emitted}
    reward = next(each for each in emitted if each["type"] == "reward")
    assert reward["cut_short"] is True
    assert reward["orders"] == ["o-2"]
    assert reward["visitor_id"] == f"erased-{decision['decision_id'][:16]}"
    told = kinds["erasure"]
    assert (told["visitor_ids"], told["decisions"], told["cut_short"]) == ([ANN], 1, 1)
    assert len(desk.machine._open) == 0
    assert desk.wait(100_000) == []
    assert desk.machine.figures()["erased_windows"] == 1


def test_an_open_offer_is_revoked_as_erased():
    desk = Desk()
    _, offer = busy(desk)
    revoked = next(each for each in desk.erase(7300, ANN) if "data" in each)
    assert revoked["type"] == "offer.revoked"
    assert revoked["data"]["reason"] == "erased"
    assert revoked["data"]["offer_id"] == offer["data"]["offer_id"]


def test_the_person_is_nobody_at_once_and_gone_once_that_is_sealed():
    desk = Desk(cooldown="2h")
    busy(desk)
    desk.erase(7300, ANN, ACCOUNT)
    assert stands_in(desk.ledger, ANN)  # a crash would come to the erasure again
    [decision, *_] = desk.idle(7400, "bea", user=ACCOUNT)
    assert decision["arm"] == "ten_percent"  # no cooldown of the same user holds
    sealed(desk)
    assert not stands_in(desk.ledger, ANN)
    assert desk.machine._erasing.is_erasing is False


def test_a_state_that_is_restored_in_between_goes_on_erasing():
    desk = Desk()
    busy(desk)
    desk.erase(7300, ANN, ACCOUNT)
    again = Desk(ledger=desk.ledger, state=desk.machine.snapshot())
    state = sealed(again)
    assert not stands_in(desk.ledger, ANN, ACCOUNT)
    assert ANN.encode() not in state


def what_follows(seals):
    """What a market says of a person who comes back, if so many epochs are sealed in between."""
    desk = Desk()
    busy(desk)
    desk.erase(7300, ANN, ACCOUNT)
    for _ in range(seals):
        desk.machine.snapshot()
    emitted = desk.login(7400, ANN, ACCOUNT)
    emitted += desk.order(7500, ANN, order_id="o-3", user_id=ACCOUNT)
    for _ in range(seals):
        desk.machine.snapshot()
    emitted += desk.order(7600, ANN, order_id="o-1", user_id=ACCOUNT)
    emitted += desk.idle(20_000, ANN, user=ACCOUNT)
    return emitted + desk.wait(500_000)


@pytest.mark.parametrize("seals", [1, APPLY_EVERY, 3 * APPLY_EVERY])
def test_what_follows_is_the_same_however_much_is_sealed(seals):
    assert what_follows(seals) == what_follows(0)


def test_the_decision_stays_without_its_person_and_a_refund_corrects_it():
    desk = Desk()
    decision, _ = busy(desk)
    desk.order(7250, ANN, order_id="o-2")
    desk.erase(7300, ANN, ACCOUNT)
    sealed(desk)
    entry = read_entry(desk.ledger.get(decision["decision_id"]))
    assert entry.features
    assert entry.offered is None
    assert (entry.terms.arm, entry.terms.user) == ("ten_percent", None)
    [correction] = desk.revise(refunded(8000, "o-2"))
    assert correction["cause"] == "refund"
    assert correction["profit"] < 0
    assert ANN not in str(correction)


def test_a_person_who_comes_back_at_once_is_kept_from_what_was():
    desk = Desk()
    busy(desk)
    desk.erase(7300, ANN, ACCOUNT)
    desk.login(7310, ANN, "another-account")
    [decision, *_] = desk.idle(7320, ANN, id="m-2", cart="c-2")
    assert decision["user_id"] == "another-account"
    sealed(desk)
    assert not stands_in(desk.ledger, ACCOUNT)
    assert desk.machine._people.identities.visitors("", "another-account", T0 + 9000) == (ANN,)


def test_nobody_else_loses_anything():
    desk = Desk(ledger=MemoryLedger())
    busy(desk)
    desk.login(1, "bea", "of-bea")
    [decision, *_] = desk.idle(7250, "bea")
    before = desk.ledger.recall("users of bea"), desk.ledger.get(decision["decision_id"])
    desk.erase(7300, ANN, ACCOUNT)
    sealed(desk)
    assert (desk.ledger.recall("users of bea"), desk.ledger.get(decision["decision_id"])) == before
    assert len(desk.machine._open) == 1


def test_nothing_is_left_in_the_rows_of_a_database(tmp_path):
    noted = []
    ledger = RocksLedger(tmp_path / "ledger", on_erased=lambda: noted.append(1))
    desk = Desk(ledger=ledger)
    busy(desk)
    desk.erase(7300, ANN, ACCOUNT)
    sealed(desk)
    ledger.close()
    rows = [row for _, row in rocksdb_rows(tmp_path)]
    assert rows
    assert not any(who.encode() in row for who in (ANN, ACCOUNT) for row in rows)
    assert noted
