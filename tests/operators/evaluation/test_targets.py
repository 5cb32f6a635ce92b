"""A target policy is given by a spec, keeps to eligible arms, and is frozen before it is evaluated."""

import pytest

from operators.evaluation import EmpiricalPolicy, Row, Rows, parse_target
from operators.evaluation.target_probabilities import target_probabilities, trained_policy
from schemas.errors import SetupError


def row(arm="ten", reward=0.0, eligible=("no_offer", "ten", "ship"), at=0, **more):
    usual = {"propensity": 1 / 3, "visitor": f"v{at}", "context": {"cart_value": float(at % 7)}}
    return Row(arm=arm, reward=reward, eligible=eligible, at=at, **usual | more)


ROWS = [row(at=0), row("no_offer", eligible=("no_offer", "ship"), at=1), row("ship", at=2)]


def chosen(text, rows=ROWS, before=(), empirical=None):
    arms = Rows(rows).arms()
    found = target_probabilities(parse_target(text), rows, arms, before, empirical)
    return [{arm: p for arm, p in zip(arms, each, strict=True) if p} for each in found.tolist()]


def test_none_never_makes_an_offer():
    assert chosen("none") == [{"no_offer": 1.0}] * 3


def test_always_makes_its_offer_wherever_it_is_eligible():
    assert chosen("always:ten") == [{"ten": 1.0}, {"no_offer": 1.0}, {"ten": 1.0}]


def test_uniform_is_even_over_what_is_eligible():
    even = dict.fromkeys(("no_offer", "ten", "ship"), 1 / 3)
    assert chosen("uniform") == [even, {"no_offer": 0.5, "ship": 0.5}, even]


def test_probabilities_in_the_log_are_used_as_they_are():
    given = {"mine": {"no_offer": 0.25, "ten": 0.75}}
    assert chosen("columns:mine", [row(policies=given)]) == [{"no_offer": 0.25, "ten": 0.75}]
    assert chosen("columns:mine", [row(policies=given, eligible=("ten",))]) == [given["mine"]]


def test_an_empirical_policy_chooses_as_often_as_its_log_did_in_each_position():
    first, second = {"position": "1"}, {"position": "2"}
    other = [*[row("ten", context=first)] * 3, row("ship", context=first), row("ship", context=second)]
    rows = [
        row(context=first),
        row(context=second),
        row("no_offer", eligible=("no_offer", "ship"), context=first),
    ]
    found = chosen("like:other.csv", rows, empirical=EmpiricalPolicy(other))
    assert found == [{"ten": 0.75, "ship": 0.25}, {"ship": 1.0}, {"ship": 1.0}]


def test_a_policy_learns_from_earlier_rows_only_and_is_then_frozen():
    before = [row("ten" if at % 2 else "no_offer", 5.0 * (at % 2), at=at) for at in range(200)]
    first, _, last = chosen("epsilon_greedy:floor=0.3", ROWS, before)
    assert first["ten"] == pytest.approx(0.8)
    assert last["ten"] == pytest.approx(0.8)
    assert trained_policy(parse_target("linear_thompson"), before).updates == 200


def test_a_policy_that_learns_may_have_settings():
    assert parse_target("linear_thompson:half_life=none,floor=5e-2").settings == {
        "half_life": None,
        "floor": 0.05,
    }
    assert parse_target("learning:linucb:seed=3").settings == {"seed": 3}
    assert parse_target("learning:linucb").kind == "learning"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("best", "--policy must be none, always:ARM, uniform, .* linear_thompson, .*; got 'best'"),
        ("always:", "--policy must be none"),
        ("learning:uniform", "--policy must be none"),
        ("linucb:width=2", "policy linucb takes the settings seed, .*; got 'width'"),
    ],
)
def test_an_unknown_policy_is_refused_in_words(text, words):
    with pytest.raises(SetupError, match=words):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "rows", "words"),
    [
        (
            "always:mug",
            ROWS,
            "--policy always:mug must name an arm of the log: no_offer, ship, ten; got 'mug'",
        ),
        (
            "always:ten",
            [*ROWS, row("ship", eligible=("ship",), at=9)],
            "must be eligible in every row; .* at 9",
        ),
        ("columns:mine", ROWS, "--policy columns:mine needs columns mine:ARM with its probabilities"),
    ],
)
def test_a_policy_that_the_log_cannot_answer_is_refused_in_words(text, rows, words):
    with pytest.raises(SetupError, match=words):
        chosen(text, rows)


def test_a_log_of_other_arms_gives_no_empirical_policy():
    with pytest.raises(
        SetupError, match="like must be a log of the same arms; it never chose one of a row's"
    ):
        chosen("like:other.csv", empirical=EmpiricalPolicy([row("mug", context={})]))
    with pytest.raises(SetupError, match="it never chose one of a row's in position 3"):
        chosen("like:other.csv", [row(context={"position": "3"})], empirical=EmpiricalPolicy(ROWS))


def test_what_an_arm_used_of_a_budget_is_charged_to_other_policies_too():
    before = [row("ten" if at % 2 else "no_offer", 5.0 * (at % 2), at=at) for at in range(200)]
    rows = Rows([row(at=0), row(at=1, surcharges={"ten": 20.0})])
    free, charged = chosen("epsilon_greedy:floor=0.3", rows, before)
    assert free["ten"] == pytest.approx(0.8)
    assert charged["ten"] == pytest.approx(0.1)
