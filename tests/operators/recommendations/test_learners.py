"""Each learner by itself, over groups of numbered products."""

import numpy as np
import pytest

from operators.recommendations.leaders import MOST_CANDIDATES, Leaders
from operators.recommendations.learner import NOTHING, Context, Group, Scores
from operators.recommendations.mixture import Mixture
from operators.recommendations.numbering import MOST, Numbering
from operators.recommendations.popular import Popular
from operators.recommendations.seen_counts import SeenCounts
from operators.recommendations.session_neighbours import SessionNeighbours
from operators.recommendations.together import Together
from operators.recommendations.trending import Trending
from operators.state.rows import StateRows

DAY_S = 86_400.0


class Shop:
    """Products by name, and learners that are told of groups of them."""

    def __init__(self, products=1000):
        self.rows = StateRows()
        self.items = Numbering(self.rows, b"n", products)
        self.counts = SeenCounts(self.rows, b"c", self.items, 14 * DAY_S, DAY_S)
        self.groups = 0

    def numbers(self, names):
        return np.array([self.items.see(name)[0] for name in names.split()], dtype=np.uint32)

    def together(self, *, recent=False):
        return Together("together", self.rows, b"t", self.items, half_life_s=30 * DAY_S, recent=recent)

    def learn(self, learner, names, times=1, day=0.0):
        for _ in range(times):
            self.groups += 1
            learner.learn(Group(self.numbers(names), day * DAY_S, self.groups))

    def ask(self, learner, names, day=0.0):
        context = self.context(names, day)
        return [self.items.name(item) for item in learner.scores(context).items.tolist()]

    def context(self, names, day=0.0):
        items = self.numbers(names)
        return Context(items, day * DAY_S, items)

    def anchors(self, learner, names, asked):
        found = learner.anchors(self.context(names), [self.items.find(name) for name in asked.split()])
        return [self.items.name(item) if item else None for item in found]


@pytest.fixture
def shop():
    return Shop()


def test_a_best_seller_is_not_everybodys_neighbour(shop):
    learner = shop.together()
    for number in range(50):
        shop.learn(learner, f"bread only-{number}")
    shop.learn(learner, "tea lemon bread", times=8)
    shop.learn(learner, "tea", times=2)
    assert shop.ask(learner, "tea") == ["lemon"]


def test_what_goes_together_is_named_with_the_product_it_goes_with(shop):
    learner = shop.together()
    shop.learn(learner, "tea lemon", times=6)
    shop.learn(learner, "boot laces", times=4)
    shop.learn(learner, "lamp", times=10)
    assert set(shop.ask(learner, "tea boot")) == {"lemon", "laces"}
    assert shop.anchors(learner, "tea boot", "lemon laces lamp") == ["tea", "boot", None]


def test_what_went_together_long_ago_gives_way_to_what_does_now(shop):
    learner = shop.together()
    shop.learn(learner, "tea lemon", times=9)
    shop.learn(learner, "lamp", times=20)
    shop.learn(learner, "tea milk", times=6, day=120.0)
    shop.learn(learner, "lamp", times=20, day=120.0)
    assert shop.ask(learner, "tea", day=120.0)[0] == "milk"


def test_the_latest_product_of_a_visit_counts_most(shop):
    learner = shop.together(recent=True)
    shop.learn(learner, "tea lemon", times=6)
    shop.learn(learner, "boot laces", times=6)
    shop.learn(learner, "lamp", times=10)
    assert shop.ask(learner, "tea boot")[0] == "laces"
    assert shop.ask(learner, "boot tea")[0] == "lemon"


def test_frequent_neighbours_survive_any_number_of_rare_ones(shop):
    learner = shop.together()
    for number in range(400):
        shop.learn(learner, f"tea once-{number}" if number % 4 else "tea lemon")
        shop.learn(learner, f"other-{number % 7}")
    assert shop.ask(learner, "tea")[0] == "lemon"


def test_groups_that_share_products_vote_for_their_others(shop):
    learner = SessionNeighbours("alike", shop.rows, b"k", shop.items, 100)
    shop.learn(learner, "hat scarf gloves")
    shop.learn(learner, "boot laces")
    shop.learn(learner, "lamp")
    assert set(shop.ask(learner, "hat")) == {"hat", "scarf", "gloves"}
    assert shop.anchors(learner, "boot hat", "gloves laces lamp") == ["hat", "boot", None]


def test_the_group_that_shares_more_comes_first(shop):
    learner = SessionNeighbours("alike", shop.rows, b"k", shop.items, 100)
    shop.learn(learner, "hat scarf gloves")
    shop.learn(learner, "scarf pin")
    found = shop.ask(learner, "hat scarf")
    assert found.index("gloves") < found.index("pin")


def test_only_the_last_groups_are_kept(shop):
    learner = SessionNeighbours("alike", shop.rows, b"k", shop.items, 4)
    shop.learn(learner, "hat scarf")
    shop.learn(learner, "boot laces", times=4)
    assert shop.ask(learner, "hat") == []


def test_the_most_seen_come_first_and_fade(shop):
    learner = Popular("popular", shop.counts)
    shop.learn(learner, "tea", times=5)
    shop.learn(learner, "milk", times=3)
    assert shop.ask(learner, "milk") == ["tea", "milk"]
    shop.learn(learner, "milk", times=2, day=30.0)
    assert shop.ask(learner, "milk", day=30.0) == ["milk", "tea"]


def test_what_is_seen_more_than_usual_trends_until_it_is_seen_no_more(shop):
    popular, trending = Popular("popular", shop.counts), Trending("trending", shop.counts)
    for day in range(30):
        for learner in (popular, trending):
            shop.learn(learner, "bread", times=5, day=day)
    for learner in (popular, trending):
        shop.learn(learner, "sledge", times=5, day=29.0)
    assert shop.ask(popular, "bread", day=29.0) == ["bread", "sledge"]
    assert shop.ask(trending, "bread", day=29.0) == ["sledge", "bread"]
    assert shop.ask(trending, "bread", day=40.0) == []


def test_leaders_are_those_of_a_full_search():
    shop = Shop(products=400)
    keys, rng = np.full(400, -np.inf), np.random.default_rng(5)
    leaders = Leaders(shop.items, lambda slots: keys[slots])
    shop.numbers(" ".join(f"p{number}" for number in range(400)))
    leaders.best()
    for _ in range(600):
        slot = int(rng.integers(400))
        keys[slot] = max(keys[slot], 0.0) + float(rng.integers(1, 4))
        leaders.changed(shop.numbers(f"p{slot}"))
        found, values = leaders.best()
        expected = np.lexsort((np.arange(400), -keys))[:MOST_CANDIDATES]
        expected = expected[np.isfinite(keys[expected])]
        assert [shop.items.name(item) for item in found.tolist()] == [
            f"p{each}" for each in expected.tolist()
        ]
        assert values.tolist() == keys[expected].tolist()


def test_the_mixture_listens_to_the_learner_that_hits():
    mixture = Mixture(StateRows(), b"m", 3)
    right = Scores(np.array([1, 2], dtype=np.uint32), np.array([3.0, 1.0]))
    wrong = Scores(np.array([5, 6], dtype=np.uint32), np.array([3.0, 1.0]))
    for _ in range(200):
        mixture.learn([wrong, right, NOTHING], 1)
    assert mixture.weights.argmax() == 1
    assert mixture.weights[1] > 0.9
    assert mixture.weights.min() > 0.0
    assert mixture.weights.sum() == pytest.approx(1.0)
    blended, learners = mixture.blend([wrong, right, NOTHING])
    assert blended.items[:2].tolist() == [1, 2]
    assert learners[:2].tolist() == [1, 1]


def test_names_that_were_not_seen_for_the_longest_make_room():
    shop = Shop(products=2)
    first, second = shop.numbers("a b").tolist()
    assert shop.items.see("a") == (first, False)
    third, is_reused = shop.items.see("c")
    assert is_reused
    assert third != second
    assert shop.items.known(np.array([first, second, third, 0], dtype=np.uint32)).tolist() == [
        True,
        False,
        True,
        False,
    ]
    assert shop.items.find("b") == 0


@pytest.mark.parametrize("capacity", [0, MOST + 1])
def test_a_capacity_that_numbers_cannot_have_is_refused(capacity):
    with pytest.raises(ValueError, match=f"capacity must be from 1 to {MOST}; got {capacity}"):
        Numbering(StateRows(), b"n", capacity)
