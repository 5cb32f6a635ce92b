"""Law 11: serving and training see the same features, made by one function."""

import orjson
import pytest

import flows.studies.visitor
import operators.sessions.features
import operators.sessions.session_machine
from operators.abandonment.abandonment_model import AbandonmentModel
from operators.bandits import LinearThompson
from operators.ingest.from_events import Placed, shop_event
from operators.sessions.session_machine import SessionMachine
from operators.sessions.shard import Shard
from operators.state.rows import StateRows
from operators.streaming.messages import CartOutcome, Moment
from schemas.events import EVENTS
from tests.builders import session_settings
from tests.laws.shopping import SHOP, loop, messages, records_in


class Heard:
    """All that shards said, and all that the learners were asked and taught."""

    def __init__(self):
        self.moments, self.outcomes = {}, []
        self.scored, self.learned, self.lessons = [], [], []
        self.said = []


@pytest.fixture(scope="module", params=[True, False], ids=["ordered", "immediate"])
def heard(request, events):
    found = Heard()

    def listen(patched, owner, name, note):
        real = getattr(owner, name)

        def listening(self, *args, **more):
            result = real(self, *args, **more)
            note(self, args, result)
            return result

        patched.setattr(owner, name, listening)

    def note_rows(_, __, said):
        found.moments |= {row.id: row for row in said.events if isinstance(row, Moment)}
        found.outcomes += [
            row for row in said.events if isinstance(row, CartOutcome) and row.moment is not None
        ]

    with pytest.MonkeyPatch.context() as patched:
        listen(patched, Shard, "process", note_rows)
        listen(patched, AbandonmentModel, "score", lambda _, args, __: found.scored.append(dict(args[0])))
        listen(patched, AbandonmentModel, "learn", lambda _, args, __: found.learned.append(dict(args[0])))
        listen(patched, LinearThompson, "update", lambda _, args, __: found.lessons.append(args))
        found.said = loop(messages(events), ordered=request.param)[0]
    return found


def test_an_outcome_is_learned_with_the_features_of_the_moment_that_was_scored(heard):
    assert len(heard.outcomes) > 40
    for outcome in heard.outcomes:
        assert outcome.features == heard.moments[outcome.moment].features
    scores = {record["moment_id"] for record in records_in(heard.said, "score")}
    assert {outcome.moment for outcome in heard.outcomes} <= scores
    assert len(heard.learned) > 20
    assert all(features in heard.scored for features in heard.learned)


def test_every_moment_is_scored_with_its_features(heard):
    by_name = sorted(heard.scored, key=repr)
    assert by_name == sorted((moment.features for moment in heard.moments.values()), key=repr)


def test_a_decision_teaches_the_features_it_was_taken_with(heard):
    decisions = {record["decision_id"]: record for record in records_in(heard.said, "decision")}
    rewards = [record for record in records_in(heard.said, "reward") if record["kind"] == "window"]
    taught = [reward for reward in rewards if decisions[reward["decision_id"]]["is_trainable"]]
    expected = [
        (reward["arm"], decisions[reward["decision_id"]]["features"], reward["profit"]) for reward in taught
    ]
    assert len(expected) > 40
    assert sorted(heard.lessons, key=repr) == sorted(expected, key=repr)


def test_a_decision_sees_the_features_of_its_moment_and_its_score(heard):
    for decision in records_in(heard.said, "decision"):
        seen = heard.moments[decision["moment_id"]].features
        assert decision["features"] == seen | {"abandonment": decision["abandonment"]}


def test_whoever_asks_for_a_visitor_is_told_what_the_model_was(events):
    assert (
        flows.studies.visitor.features
        is operators.sessions.session_machine.features
        is operators.sessions.features.features
    )
    sessions = SessionMachine(session_settings(SHOP), StateRows())
    asked = 0
    for event in events[:200]:
        if event["type"].startswith("offer_"):
            continue
        known = EVENTS.validate_json(orjson.dumps(event))
        sessions.process(shop_event(known, known.market, Placed(known.time.timestamp())))
        sessions.save_changed()
        rows, saved = sessions.drain()
        for moment in rows:
            if isinstance(moment, Moment) and moment.kind == "cart_changed":
                row = next(
                    row for row in saved if (row.market, row.visitor) == (moment.market, moment.visitor)
                )
                told = flows.studies.visitor._visit(row.value, SHOP.markets[moment.market])["features"]
                assert told | {"moment": "cart_changed"} == moment.features
                asked += 1
    assert asked > 40


def test_a_market_scores_what_it_decides_upon(heard):
    scores = {record["moment_id"]: record["abandonment"] for record in records_in(heard.said, "score")}
    for decision in records_in(heard.said, "decision"):
        assert decision["abandonment"] == scores[decision["moment_id"]]
