"""Recommendations: what goes with a visit or a cart, why, and what must not change them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from operators.recommendations.recommender import Recommender, RecommenderSettings
from operators.state.rows import StateRows
from tests.rows import DictRows

SMALL = RecommenderSettings(products=8, groups=6)
SKUS = st.sampled_from([f"A-{number}" for number in range(12)])
GROUPS = st.lists(SKUS, min_size=1, max_size=6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("visit"), GROUPS),
        st.tuples(st.just("order"), GROUPS),
        st.tuples(st.just("category"), SKUS, st.sampled_from(["shoes", "hats"])),
        st.tuples(
            st.just("vector"), SKUS, st.lists(st.sampled_from([0.0, 1.0, -2.0]), min_size=1, max_size=3)
        ),
    ),
    min_size=1,
    max_size=30,
)
FIRST_S = 1_000_000.0


def take(recommender, step, number):
    """Tell a recommender of one step; a minute lies between two."""
    at_s = FIRST_S + 60.0 * number
    match step:
        case "visit", skus:
            recommender.learn_visit(skus, at_s)
        case "order", skus:
            recommender.learn_order(skus, at_s)
        case "category", sku, category:
            recommender.describe(sku, category)
        case "vector", sku, vector:
            recommender.describe(sku, vector=vector)


def taught(steps, rows=None, given=RecommenderSettings()):  # noqa: B008  frozen
    recommender = Recommender(given, StateRows() if rows is None else rows)
    for number, step in enumerate(steps):
        take(recommender, step, number)
    return recommender


def answers(recommender, skus):
    """Everything that is said of some products, exactly."""
    at_s = FIRST_S + 1e5
    return recommender.after(skus, at_s), recommender.beside(skus, at_s)


@settings(max_examples=60, deadline=None)
@given(STEPS, GROUPS)
def test_asking_changes_nothing(steps, asked):
    rows = StateRows()
    recommender = taught(steps, rows, SMALL)
    before = rows.snapshot()
    first = answers(recommender, asked)
    assert answers(recommender, asked) == first
    assert rows.snapshot() == before


@settings(max_examples=60, deadline=None)
@given(STEPS, GROUPS)
def test_asking_in_between_changes_no_later_answer(steps, asked):
    quiet, curious = taught([], None, SMALL), taught([], None, SMALL)
    for number, step in enumerate(steps):
        answers(curious, asked)
        take(quiet, step, number)
        take(curious, step, number)
        assert answers(quiet, asked) == answers(curious, asked)


@settings(max_examples=60, deadline=None)
@given(STEPS, GROUPS, st.data())
def test_a_crash_changes_no_answer(steps, asked, data):
    """It goes on from what was sealed last, and is told again of what followed."""
    sealed_at = data.draw(st.integers(0, len(steps)))
    store = DictRows()
    rows = StateRows(store)
    rows.begin()
    recommender = taught(steps[:sealed_at], rows, SMALL)
    rows.snapshot()
    sealed = rows.snapshot()
    for number, step in enumerate(steps[sealed_at:], sealed_at):
        take(recommender, step, number)
    again = StateRows(store)
    restored = Recommender(SMALL, again)
    again.restore(sealed)
    for number, step in enumerate(steps[sealed_at:], sealed_at):
        take(restored, step, number)
    expected = answers(taught(steps, None, SMALL), asked)
    assert answers(recommender, asked) == expected
    assert answers(restored, asked) == expected


@settings(max_examples=30, deadline=None)
@given(STEPS, GROUPS)
def test_recommendations_are_distinct_and_share_no_more_than_one(steps, asked):
    for found in answers(taught(steps, None, SMALL), asked):
        assert len({each.sku for each in found}) == len(found)
        assert sum(each.share for each in found) <= 1.0 + 1e-9
        assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)


def test_who_bought_a_racket_is_offered_balls_because_of_the_racket():
    steps = [("order", ["racket", "balls"]), ("order", ["kettle", "tea"]), ("order", ["socks"])] * 8
    [first, *_] = taught(steps).beside(["racket"], FIRST_S + 2000.0)
    assert (first.sku, first.because) == ("balls", "racket")
    assert first.learner in {"bought_alike", "bought_together"}


def test_what_may_not_be_recommended_makes_room_for_the_next():
    recommender = taught([("order", ["racket", "balls", "grip"]), ("order", ["kettle"])] * 8)
    skus = [
        each.sku for each in recommender.beside(["racket"], FIRST_S + 2000.0, lambda sku: sku != "racket", 2)
    ]
    assert sorted(skus) == ["balls", "grip"]


def test_what_is_in_the_cart_is_not_put_beside_it():
    recommender = taught([("order", ["racket", "balls", "grip"]), ("order", ["kettle"])] * 8)
    assert {each.sku for each in recommender.beside(["racket", "grip"], FIRST_S + 2000.0)} == {
        "balls",
        "kettle",
    }


def test_a_product_of_this_visit_that_nobody_knows_can_come_back():
    found = taught([("visit", ["hat", "scarf"])] * 3).after(["never seen"], FIRST_S + 500.0)
    [back] = [each for each in found if each.sku == "never seen"]
    assert (back.learner, back.because) == ("seen_here", None)


def test_nothing_is_recommended_where_nothing_is_known():
    assert taught([]).beside(["racket"], FIRST_S) == []
    assert taught([]).after([], FIRST_S) == []


def test_a_product_that_made_room_leaves_nothing_to_the_one_that_has_its_place():
    given = RecommenderSettings(products=3, groups=8)
    steps = [("order", ["racket", "balls"]), ("order", ["kettle"])] * 6
    recommender = taught([*steps, ("order", ["kettle", "tea"]), ("order", ["kettle", "lamp"])], given=given)
    assert recommender.products == 3
    found = {each.sku for each in recommender.beside(["lamp"], FIRST_S + 2000.0)}
    assert found <= {"kettle", "tea", "lamp"}


def test_a_new_product_is_found_by_its_category_and_by_its_vector():
    recommender = taught(
        [("visit", ["boot", "laces"]), ("category", "boot", "shoes"), ("vector", "boot", [1.0, 0.0])]
    )
    recommender.describe("sandal", "shoes")
    recommender.describe("slipper", vector=[0.9, 0.1])
    recommender.describe("opposite", vector=[-1.0, 0.0])
    found = {each.sku: each for each in recommender.after(["boot"], FIRST_S + 100.0)}
    assert (found["sandal"].learner, found["sandal"].because) == ("new_in_category", "boot")
    assert (found["slipper"].learner, found["slipper"].because) == ("similar", "boot")
    assert "opposite" not in found
