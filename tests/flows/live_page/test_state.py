"""What the page knows after it has read some records."""

from datetime import timedelta

import msgspec
import pytest

from flows.live_page.state.course import MOST_ARMS
from flows.live_page.state.lift_window import LiftWindow
from flows.live_page.state.model_record import ModelRecord
from flows.live_page.state.offer_counts import OfferCounts
from flows.live_page.state.stories import Stories
from schemas.dead_letters import dead_letter_headers
from schemas.decisions import ControlApplied
from schemas.message import Message
from tests.flows.live_page.page_records import (
    became,
    change,
    decided,
    ended,
    offered,
    page_state,
    read,
    scored,
)
from tests.report_log import drift, moment, outcome, reward


def market_of(*records):
    return read(page_state(), *records).markets["default"]


# Offers


def test_offers_are_open_until_they_end():
    found = market_of(
        *map(offered, range(4)),
        ended(0, "redeemed"),
        ended(1, "expired"),
        ended(2, "revoked", reason="paused"),
    )
    assert found.offers.of("ten_percent") == {"made": 4, "open": 1, "redeemed": 1, "expired": 1, "revoked": 1}
    assert found.offers.reasons == {"paused": 1}


def test_the_end_of_an_offer_that_was_made_before_the_tail_changes_nothing():
    assert market_of(ended(0)).offers.total("redeemed") == 0


def test_an_offer_whose_end_never_comes_is_dropped_once_it_has_expired():
    found = market_of(offered(0, lasts_s=1200), decided(1, 3600))
    assert found.offers.total("open") == 0
    assert found.offers.total("made") == 1


def test_open_offers_are_bounded():
    counts = OfferCounts(most=2)
    for n in range(5):
        counts.add_offer(offered(n))
    assert counts.total("open") == 2


# Carts


def test_carts_that_are_more_likely_left_than_bought_are_at_risk_until_their_outcome():
    found = market_of(scored("a", value=50), scored("b", value=30), scored("c", abandonment=0.2))
    assert found.risk.now(0) == found.risk.now(found.time_s)
    assert found.risk.now(found.time_s)[:] == (2, 80.0, 3)
    assert market_of(scored("a"), became("a")).risk.now(0).carts == 0


def test_a_later_score_of_a_cart_replaces_the_first():
    found = market_of(scored("a", 0, 0.9), scored("a", 60, 0.1))
    assert found.risk.now(found.time_s)[:] == (0, 0, 1)


def test_a_cart_that_nobody_scored_for_an_hour_is_not_counted():
    found = market_of(scored("a", 0), scored("b", 4000))
    assert found.risk.now(found.time_s).scored == 1


# Decisions and what came of them


def test_a_story_has_what_came_of_a_decision_in_whatever_order_topics_are_read():
    one = decided(0)
    found = market_of(offered(0), one, ended(0), reward(one, ordered=True))
    story = found.stories.get("d0")
    assert (story.offer.id, story.ended.type, story.profit) == ("d0-decided", "offer.redeemed", 20.0)


def test_an_offer_without_its_decision_is_no_story():
    found = market_of(offered(0))
    assert found.stories.get("d0") is None
    assert found.stories.latest(5) == []


def test_the_latest_decisions_are_kept_newest_first():
    stories = Stories(most=3)
    for n in range(5):
        stories.add_decision(decided(n))
    assert [each.decision.decision_id for each in stories.latest(10)] == ["d4", "d3", "d2"]


# How it went


def test_the_learning_curve_is_the_mean_of_everything_up_to_then_of_policy_and_holdout():
    found = market_of(
        *(reward(decided(n, 60 * n), ordered=n % 2 == 0) for n in range(40)),
        *(reward(decided(n, 60 * n, held=True), ordered=False) for n in range(40, 50)),
    )
    policy, holdout = found.course.learning(held_out=False), found.course.learning(held_out=True)
    assert policy[-1].mean == pytest.approx(10.0)
    assert policy[-1].low < 10.0 < policy[-1].high
    assert policy[-1].high - policy[-1].low < policy[4].high - policy[4].low
    assert holdout[-1].mean == 0.0


def test_shares_are_of_the_decisions_of_the_policy_alone():
    found = market_of(decided(0), decided(1, arm="no_offer"), decided(2, held=True))
    assert found.course.chosen == {"ten_percent": 1, "no_offer": 1}
    assert found.course.shares()[-1].shares == {"ten_percent": 0.5, "no_offer": 0.5}


def test_arms_are_bounded():
    found = market_of()
    for n in range(2 * MOST_ARMS):
        found.course.add_decision(msgspec.structs.replace(decided(n), arm=f"arm{n}"))
    assert len(found.course.chosen) == MOST_ARMS


def test_the_lift_is_of_persons_whose_time_is_over():
    records = []
    for n in range(0, 400, 2):
        one = decided(n, 60.0 * n, held=n % 20 == 0)
        records += [
            one,
            reward(one, ordered=not one.holdout),
            outcome(one, 0.5, abandoned=False, treated=False),
        ]
    found = market_of(*records)
    lift = found.lift.lift("default", timedelta(minutes=30))
    assert lift.units.at_s.size > 150
    assert lift.profit.lift == pytest.approx(20.0, abs=3.0)


def test_the_lift_forgets_old_decisions_and_stays_one():
    window = LiftWindow(generation=50)
    for n in range(0, 800, 2):
        one = decided(n, 60.0 * n, held=n % 20 == 0)
        window.add_decision(one)
        window.add_reward(reward(one, ordered=not one.holdout))
    found = window.lift("default", timedelta(minutes=30))
    assert 50 <= found.units.at_s.size + found.pending <= 100
    assert found.profit.lift > 5


def test_there_is_no_lift_before_a_decision_nor_where_records_stand_twice():
    window = LiftWindow()
    assert window.lift("default", timedelta(minutes=30)) is None
    window.add_decision(decided(0))
    window.add_decision(decided(0))
    assert window.lift("default", timedelta(minutes=30)) is None


# The model


def test_calibration_compares_what_was_predicted_with_what_was_left():
    record = ModelRecord()
    for n in range(100):
        record.add_outcome(became(predicted=0.83, kind="abandoned" if n % 4 else "purchased"))
    (only,) = record.bins()
    assert only.predicted == pytest.approx(0.83)
    assert only.abandoned == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("of", [{"treated": True}, {"predicted": None}, {"kind": "recovered"}])
def test_carts_that_an_offer_preceded_or_that_came_back_do_not_count(of):
    record = ModelRecord()
    record.add_outcome(became(**of))
    assert record.outcomes == 0


def test_drifts_are_counted_and_the_latest_kept():
    found = market_of(*(drift(n, "base_rate") for n in range(30)))
    assert found.model.drift_count == 30
    assert [each.drift_id for each in found.model.drifts][-1] == "drift29"
    assert len(found.model.drifts) == 20


# Rejects


def rejected(class_, reason, offset=7):
    of = Message(b"x", topic="shop.events", partition=2, offset=offset)
    headers = dead_letter_headers(of, class_, reason, None)
    return Message(b"x", headers=headers.all())


def test_rejects_are_by_class_with_the_latest_example_and_without_what_it_quotes():
    state = page_state()
    state.add_rejected(rejected("late", "too old"))
    state.add_rejected(rejected("invalid", "time must be RFC 3339; got 'ann@example.org'"))
    state.add_rejected(rejected("invalid", "price must be a number; got 'secret'", offset=9))
    (first, example), _ = state.rejects.most_first()
    assert (first, example[:]) == ("invalid", (2, "price must be a number", "shop.events/2/9"))


def test_a_reject_without_its_headers_is_unknown():
    state = page_state()
    state.add_rejected(Message(b"x"))
    assert state.rejects.by_class["unknown"].events == 1


# Controls


def applied(version=1, market="default"):
    return ControlApplied(
        control_id="x", market=market, at=moment(0), version=version, change_id="c-1", set={}, before={},
        by="ann", approved_by=None, comment=None,
    )  # fmt: skip


def test_a_change_is_known_with_its_name_and_where_the_worker_has_it_in_force():
    state = page_state()
    state.add_control(change(set={"offers.ten_percent.paused": True}))
    (seen,) = state.changes.latest()
    assert (seen.by, seen.outcome, seen.number, seen.applied) == ("ann", "applied", 1, {})
    assert state.shop.offers[0].paused
    read(state, applied())
    assert list(state.changes.latest()[0].applied) == ["default"]


def test_a_change_that_does_not_fit_is_refused_with_its_reason():
    state = page_state()
    state.add_control(change(set={"markets.default.holdout": 2}))
    (seen,) = state.changes.latest()
    assert seen.outcome == "refused"
    assert "markets.default.holdout must be" in seen.why


def test_a_proposal_waits():
    state = page_state()
    state.add_control(change(set={"killed": True}, proposed=True))
    assert state.changes.latest()[0].outcome == "proposed"
    assert list(state.changes.history.proposals) == ["c-1"]
    assert not state.shop.killed


def test_what_is_no_control_is_left_to_the_worker_to_reject():
    state = page_state()
    state.add_control(Message(b"{"))
    state.add_control(Message(None))
    assert state.changes.latest() == []


# All of it


def test_records_of_other_markets_and_of_later_versions_are_left_out():
    state = read(page_state(), decided(0, market="elsewhere"))
    state.add_output(Message(b'{"type": "decision"}', headers=(("ce_type", b"decision"),)))
    state.add_output(Message(b"{}", headers=(("ce_type", b"new"),)))
    state.add_output(Message(None, headers=(("ce_type", b"decision"),)))
    assert (state.records, state.unreadable, state.markets["default"].decisions) == (4, 1, 0)
