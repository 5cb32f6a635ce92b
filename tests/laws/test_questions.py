"""Law 5: a question teaches nothing. Who is asked stays as it was, byte for byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.stores.memory_ledger import MemoryLedger
from operators.abandonment.abandonment_model import AbandonmentModel
from operators.abandonment.models import MODELS
from operators.bandits import POLICIES, build
from operators.decisions.decision_machine import MarketConfig
from operators.decisions.market import MarketStation
from operators.streaming.messages import MarketBatch
from tests.builders import market_settings
from tests.laws.lessons import ARMS, cart, moment_of, taught
from tests.laws.shopping import SHOP

values = st.one_of(st.floats(), st.integers(-(2**40), 2**40), st.text(max_size=5), st.booleans())
strange = st.dictionaries(st.text(min_size=1, max_size=4), values, max_size=6)
contexts = st.one_of(st.integers(0, 400).map(cart), strange)
several = st.lists(contexts, min_size=1, max_size=5)


@pytest.fixture(scope="module", params=[0, 1, 150], ids=lambda lessons: f"{lessons} lessons")
def lessons(request):
    return request.param


@pytest.fixture(scope="module", params=sorted(POLICIES))
def policy(request, lessons):
    return taught(build(request.param, seed=3), lessons)


@pytest.fixture(scope="module", params=sorted(MODELS))
def model(request, lessons):
    machine = AbandonmentModel(request.param)
    for number in range(lessons):
        machine.learn(cart(number), number % 3 > 0, weight=1.0 + number % 2)
    return machine


@settings(max_examples=15, deadline=None)
@given(asked=several, arms=st.lists(st.sampled_from([*ARMS, "new"]), min_size=1, unique=True))
def test_asking_a_policy_leaves_it_as_it_was(policy, asked, arms):
    before = policy.dumps()
    for seed, context in enumerate(asked):
        first = policy.choose(arms, context, seed)
        policy.values(arms, context)
        assert policy.choose(arms, context, seed) == first
        assert policy.probabilities(arms, context) == first[1]
    assert policy.dumps() == before


@settings(max_examples=15, deadline=None)
@given(asked=several)
def test_scoring_leaves_a_model_as_it_was(model, asked):
    before = model.dumps()
    scores = [model.score(features) for features in asked]
    assert [model.score(features) for features in asked] == scores
    assert model.dumps() == before


def test_a_treated_cart_is_observed_and_teaches_nothing():
    machine = AbandonmentModel()
    for number in range(50):
        machine.learn(cart(number), number % 2 == 0)
    scores = [machine.score(cart(number)) for number in range(80)]
    for number in range(50, 80):
        machine.observe_treated(cart(number), abandoned=True)
    assert [machine.score(cart(number)) for number in range(80)] == scores
    assert machine.version == 50


def test_moments_that_are_scored_and_decided_upon_leave_the_market_as_untaught_as_before():
    config = MarketConfig(SHOP, "default", MemoryLedger())
    market = MarketStation(config, market_settings())
    for number in range(60):
        market.abandonment.learn(cart(number), number % 3 > 0)
    taught(market.decisions.policy, 60)
    before = market.decisions.policy.dumps(), market.abandonment.dumps()
    rows = tuple(moment_of(number, kind) for number in range(40) for kind in ("cart_changed", "cart_idle"))
    said = market.process([MarketBatch("default", rows, ())]).records
    assert {each.type for each in said} == {"score", "decision", "offer.decided"}
    assert (market.decisions.policy.dumps(), market.abandonment.dumps()) == before
