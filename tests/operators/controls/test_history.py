"""Changes, proposals and approvals in their order: what is in force, and why something is not."""

import re
from datetime import UTC, datetime

import pytest

from operators.controls.history import ControlHistory
from schemas.controls import Approval, Change, Withdrawal
from schemas.errors import SetupError
from schemas.shop import Shop
from tests.operators.controls.test_in_force import FILE, accepted

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def change(id_="c-1", by="ann", *, proposed=False, **settings):
    paths = {path.replace("__", "."): value for path, value in settings.items()}
    return Change(type="change", id=id_, set=paths or {"killed": True}, by=by, at=AT, proposed=proposed)


def approval(id_="c-1", by="bob"):
    return Approval(type="approval", change=id_, by=by, at=AT)


def withdrawal(id_="c-1", by="bob"):
    return Withdrawal(type="withdrawal", change=id_, by=by, at=AT)


def history(file=FILE, state=None):
    return ControlHistory(file, accepted, state)


def after(*records, file=FILE):
    made = history(file)
    for record in records:
        made.take(record)
    return made


def test_a_change_is_in_force_at_once_and_says_what_held_before():
    made = history()
    entry = made.take(change(markets__uk__holdout=0.1))
    assert (entry.outcome, entry.number, made.version) == ("applied", 1, 1)
    assert entry.before == {"markets.uk.holdout": 0.2}
    assert made.in_force.shop.markets["uk"].holdout == 0.1


def test_null_takes_back_what_was_set():
    made = after(change(markets__uk__holdout=0.1), change("c-2", markets__uk__holdout=None))
    assert made.settings == {}
    assert made.in_force.shop.markets["uk"].holdout == 0.2
    assert made.version == 2


def test_null_takes_back_an_added_offer_with_all_that_was_set_of_it():
    offer = {"kind": "points", "channel": "app", "expires_after": "1h", "reward_window": "1h"}
    made = after(
        change("c-1", offers__two=offer),
        change("c-2", offers__two__paused=True),
        change("c-3", offers__two=None),
    )
    assert made.settings == {}
    assert [each.name for each in made.in_force.shop.offers] == ["ten"]


def test_null_for_what_was_not_set_is_refused():
    with pytest.raises(SetupError, match=re.escape("killed must have been set by controls to be taken back")):
        history().take(change(killed=None))


def test_a_refused_change_has_a_number_and_changes_nothing():
    made = after(change(markets__uk__holdout=0.1))
    with pytest.raises(SetupError, match="holdout"):
        made.take(change("c-2", markets__uk__holdout=2, killed=True))
    assert (made.number, made.version) == (2, 1)
    assert made.settings == {"markets.uk.holdout": 0.1}


def test_a_second_change_with_the_same_id_is_refused():
    made = after(change())
    with pytest.raises(SetupError, match="id must be another for each change; 'c-1' was there before"):
        made.take(change(killed=False))
    assert made.in_force.shop.killed


def test_a_proposal_waits_for_another_name():
    made = after(change(proposed=True))
    assert (made.version, made.settings, list(made.proposals)) == (0, {}, ["c-1"])
    entry = made.take(approval(by="bob"))
    assert (entry.outcome, entry.approved_by, entry.change.by) == ("applied", "bob", "ann")
    assert (made.version, made.settings, made.proposals) == (2, {"killed": True}, {})


@pytest.mark.parametrize("name", ["ann", "Ann", " ANN "])
def test_nobody_approves_a_change_of_their_own(name):
    made = after(change(proposed=True))
    with pytest.raises(SetupError, match="by must be another name than that of the proposal, 'ann'"):
        made.take(approval(by=name))
    assert "c-1" in made.proposals


def test_a_withdrawn_proposal_cannot_be_approved():
    made = after(change(proposed=True), withdrawal())
    with pytest.raises(SetupError, match="change must be one of the open proposals, none; got 'c-1'"):
        made.take(approval())


def test_a_proposal_that_no_longer_fits_is_refused_when_it_is_approved_and_stays_open():
    offer = {"kind": "points", "channel": "app", "expires_after": "1h", "reward_window": "1h"}
    made = after(
        change("c-1", offers__two=offer),
        change("c-2", proposed=True, offers__two__paused=True),
        change("c-3", offers__two=None),
    )
    with pytest.raises(SetupError, match="the offer must be one of ten"):
        made.take(approval("c-2"))
    assert "c-2" in made.proposals


def test_a_proposal_that_cannot_be_is_refused_when_it_is_made():
    with pytest.raises(SetupError, match="holdout must be less"):
        history().take(change(proposed=True, markets__uk__holdout=2))


def test_with_four_eyes_every_change_is_a_proposal():
    file = Shop.model_validate({**FILE.document, "four_eyes": True})
    made = after(change(markets__uk__holdout=0.1), file=file)
    assert list(made.proposals) == ["c-1"]
    made.take(change("c-2", four_eyes=False))
    assert list(made.proposals) == ["c-1", "c-2"]


def test_four_eyes_let_anybody_stop_offers_but_not_resume_them():
    file = Shop.model_validate({**FILE.document, "four_eyes": True})
    made = after(change(killed=True, markets__uk__killed=True, offers__ten__paused=True), file=file)
    assert made.version == 1
    made.take(change("c-2", killed=None))
    assert list(made.proposals) == ["c-2"]


def test_four_eyes_let_anybody_take_an_offer_out_of_a_market_but_not_put_it_into_one():
    file = Shop.model_validate({**FILE.document, "four_eyes": True})
    made = after(change(offers__ten__markets=["uk"]), file=file)
    assert made.in_force.shop.offers[0].markets == ("uk",)
    made.take(change("c-2", offers__ten__markets=["default", "uk"]))
    made.take(change("c-3", offers__ten__markets=None))
    assert list(made.proposals) == ["c-2", "c-3"]


def test_a_stop_that_is_marked_as_proposed_waits():
    assert list(after(change(proposed=True, killed=True)).proposals) == ["c-1"]


def test_a_history_goes_on_where_it_was_written_down():
    records = (change(markets__uk__holdout=0.1), change("c-2", proposed=True, killed=True))
    resumed = history(state=after(*records).snapshot())
    with pytest.raises(SetupError, match="was there before"):
        resumed.take(change(killed=True))
    resumed.take(approval("c-2"))
    assert (resumed.number, resumed.version) == (4, 4)
    assert resumed.in_force.shop.killed
    assert resumed.in_force.shop.markets["uk"].holdout == 0.1


def test_what_a_changed_file_has_no_place_for_is_left_out_and_does_not_keep_others_from_changing():
    state = after(change(offers__ten__paused=True, killed=True)).snapshot()
    file = Shop.model_validate({key: value for key, value in FILE.document.items() if key != "offers"})
    resumed = history(file, state)
    assert list(resumed.in_force.left_out) == ["offers.ten.paused"]
    resumed.take(change("c-2", markets__uk__holdout=0.1))
    assert resumed.in_force.shop.killed
    assert resumed.in_force.shop.markets["uk"].holdout == 0.1
    back = history(FILE, resumed.snapshot())
    assert back.in_force.shop.offers[0].paused
