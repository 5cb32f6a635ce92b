"""Law 10: history trains but does not speak."""

from datetime import datetime

import pytest

from tests.laws.shopping import START_S, loop, messages, records_in, settings

EMIT_AFTER_S = START_S + 40 * 60


@pytest.fixture(scope="module", params=[True, False], ids=["ordered", "immediate"])
def switched_on_late(request, events):
    """What is said when everything before ``EMIT_AFTER_S`` is history."""
    return loop(messages(events), ordered=request.param, emit_after_s=EMIT_AFTER_S)[0]


def at_s(record):
    return datetime.fromisoformat(record["at"]).timestamp()


def test_nothing_is_decided_or_offered_for_a_moment_of_history(switched_on_late, expected):
    decisions = records_in(switched_on_late, "decision")
    assert len(decisions) > 5
    assert len(decisions) < sum(b'"type":"decision"' in value for _, value in expected["decisions"])
    assert min(map(at_s, decisions)) >= EMIT_AFTER_S
    offers = records_in(switched_on_late, "offer.decided", "offer.revoked", "offer.expired")
    assert offers
    assert all(at_s(offer["data"]) >= EMIT_AFTER_S for offer in offers)


def test_history_is_scored_and_its_outcomes_are_learned(switched_on_late):
    scores = records_in(switched_on_late, "score")
    outcomes = [
        outcome for outcome in records_in(switched_on_late, "outcome") if outcome["weight"] is not None
    ]
    before = [outcome for outcome in outcomes if at_s(outcome) < EMIT_AFTER_S]
    assert min(map(at_s, scores)) < EMIT_AFTER_S
    assert len(before) > 20
    for market in ("default", "uk"):
        lessons = sum(outcome["market"] == market for outcome in before)
        mine = [each for each in records_in(switched_on_late, "decision") if each["market"] == market]
        assert all(decision["model_version"] >= lessons * 0.9 > 0 for decision in mine)
        assert all(decision["abandonment"] != 0.5 for decision in mine)


def test_what_was_read_long_after_it_happened_trains_the_model_and_offers_nothing(events):
    said, page = loop(messages(events), settings(), ordered=False, now_s=START_S + 30 * 86_400.0)
    decisions = records_in(said, "decision")
    assert decisions
    assert {decision["reason"] for decision in decisions} == {"stale"}
    assert {decision["arm"] for decision in decisions} == {"no_offer"}
    assert not any(decision["is_trainable"] for decision in decisions)
    assert not [each for each in said if each.stream == "offers"]
    for market in page.markets.values():
        assert market.decisions.policy.updates == 0
        assert market.abandonment.version > 5
