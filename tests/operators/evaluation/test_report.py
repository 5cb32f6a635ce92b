"""One report: every estimator for every policy, on rows that trained none of them."""

import math

import pytest

from operators.evaluation import Row, evaluate, parse_target
from schemas.errors import SetupError
from tests.operators.evaluation.test_learning_replay import logged

EVEN = list(logged({"phone": 0.5, "desktop": 0.5}, rows=600))
NAMES = ["replay", "ips", "clipped_ips", "snips", "direct", "doubly_robust"]


def report(*texts, rows=EVEN, **more):
    return evaluate(rows, [parse_target(text) for text in texts], **more)


def test_every_estimator_finds_the_value_of_an_offer():
    found = report("none", "always:ten", "uniform")
    assert (found.rows, found.trained_rows, found.visitors) == (600, 0, 600)
    assert found.clip == pytest.approx(math.sqrt(600))
    for policy in found.policies:
        assert [each.estimator for each in policy.estimates] == NAMES
        assert policy.answerable
        assert not policy.warnings
        for each in policy.estimates:
            assert each.value == pytest.approx(1.0, abs=0.15)
            assert each.low < each.value < each.high


def test_a_trained_policy_is_evaluated_on_the_rows_that_follow():
    found = report("epsilon_greedy", "none", train_share=0.25)
    assert (found.trained_rows, found.rows) == (150, 450)
    learned, none = (each.estimates[-1] for each in found.policies)
    assert learned.low > none.high


def test_what_a_frozen_policy_does_depends_on_no_reward_it_is_evaluated_on():
    spoiled = EVEN[:300] + [
        Row(**{n: getattr(r, n) for n in r.__struct_fields__} | {"reward": 9.0}) for r in EVEN[300:]
    ]
    before, after = report("linear_thompson"), report("linear_thompson", rows=spoiled)
    assert before.policies[0].overlap == after.policies[0].overlap


def test_a_question_that_the_log_cannot_answer_is_reported_as_such():
    (found,) = report("always:ten", rows=list(logged({"phone": 0.002, "desktop": 0.002}))).policies
    assert not found.answerable
    assert "nothing can be said" in found.warnings[0]
    assert any("direct is an extrapolation" in words for words in found.warnings)
    assert any("replay is biased" in words for words in found.warnings)


def test_a_log_in_which_nobody_bought_warns_that_the_spread_of_rewards_is_unknown():
    rows = [Row("ten", 0.5, 0.0, f"v{at}", ("no_offer", "ten"), {}, at) for at in range(100)]
    (found,) = report("uniform", rows=rows).policies
    assert any("every row earned the same" in words for words in found.warnings)


def test_a_policy_that_keeps_learning_has_one_estimate():
    (found,) = report("learning:epsilon_greedy").policies
    assert [each.estimator for each in found.estimates] == ["replay"]
    assert found.answerable
    assert "it goes on learning: judged by replay alone" in found.warnings[0]
    (few,) = report("learning:epsilon_greedy", rows=EVEN[:30]).policies
    assert not few.answerable
    assert "rows are ones it would have chosen; too few to say anything" in few.warnings[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train_share": 1.0}, "--train-share must be above 0 and below 1; got 1"),
        ({"clip": 0.0}, "--clip must be a number above 0; got 0"),
        ({"rows": EVEN[:1]}, "the log must have rows to train on and rows to judge; it has 1 in all"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_words(given, words):
    with pytest.raises(SetupError, match=words):
        report("linucb", **given)
