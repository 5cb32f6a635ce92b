"""Paced budgets: the price of a unit, what it goes by, what it earns."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from operators.decisions.budgets.choices import APART_S, SIZE, Choices
from operators.decisions.budgets.cost_rates import PRIOR, CostRates
from operators.decisions.budgets.periods import Periods
from operators.decisions.budgets.price import price
from operators.decisions.budgets.traffic import Traffic
from schemas.limits import Budget
from tests.benchmarks.budgets import World, rows

HOUR, DAY = 3600.0, 86_400.0
START_S = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


def test_a_price_is_the_least_at_which_the_budget_lasts():
    gains, uses = np.array([[3.0, 2.0], [1.0, -1.0]]), np.array([[2.0, 1.0], [1.0, 1.0]])
    assert price(gains, uses, 1.5) == 0.0
    assert price(gains, uses, 1.0) == pytest.approx(1.0)  # the second cart goes, or the first takes less
    assert price(gains, uses, 0.4) == pytest.approx(2.0)
    assert price(gains, uses, 0.0) == pytest.approx(2.0)


@examples(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), each=st.floats(0.0, 2.0))
def test_at_its_price_a_budget_is_kept_and_a_lower_one_would_exceed_it(seed, each):
    rng = np.random.default_rng(seed)
    gains, uses = rng.normal(size=(40, 3)), rng.uniform(0.1, 3.0, (40, 3))

    def used(at):
        left = gains - at * uses
        best = left.argmax(axis=1)
        rows = np.arange(40)
        return np.where(left[rows, best] > 0.0, uses[rows, best], 0.0).mean()

    found = price(gains, uses, each)
    assert used(found) <= each + 1e-9
    assert found == 0.0 or used(found - 1e-4) > each


def test_no_choice_seen_yet_is_no_price():
    assert price(np.empty((0, 2)), np.empty((0, 2)), 0.0) == 0.0


def test_traffic_is_uniform_at_first_and_then_what_the_same_hours_showed():
    traffic = Traffic(ZoneInfo("UTC"))
    assert traffic.expected(START_S + DAY) == 0.0
    for day in range(6):
        for hour in range(24):
            for n in range(40 if 8 <= hour < 20 else 10):
                traffic.observe(START_S + day * DAY + hour * HOUR + n * 60)
                if (day, hour, n) == (0, 5, 9):
                    assert traffic.expected(START_S + DAY) == pytest.approx(10 * 18.5, rel=0.25)
    now_s = START_S + 6 * DAY
    traffic.advance(now_s)
    assert traffic.expected(now_s + 8 * HOUR) == pytest.approx(80, rel=0.25)
    assert traffic.expected(now_s + DAY) == pytest.approx(600, rel=0.1)
    assert traffic.expected(now_s + 10 * DAY) == pytest.approx(6000, rel=0.1)
    assert traffic.expected(now_s - 1) == 0.0


def test_a_long_silence_is_forecast_as_little_traffic():
    traffic = Traffic(ZoneInfo("UTC"))
    for n in range(100):
        traffic.observe(START_S + n)
    traffic.advance(START_S + 60 * DAY)
    assert traffic.expected(START_S + 61 * DAY) < 100


def test_what_offers_cost_is_learned_by_arm_and_of_a_new_arm_by_all():
    rates = CostRates()
    assert (rates.share("ten"), rates.charged("ten")) == (PRIOR, PRIOR)
    for n in range(400):
        if n % 5 == 0:
            rates.cost("ten", 12.0)
        rates.ended("ten", 10.0, charged=n % 5 == 0)
    assert rates.share("ten") == pytest.approx(0.24, abs=0.01)
    assert rates.charged("ten") == pytest.approx(0.2, abs=0.01)
    assert rates.share("new") == pytest.approx(0.24, abs=0.01)
    rates.cost("ten", -1e6)  # refunds of more than is remembered
    assert 0.0 <= rates.share("ten") < 0.01


def test_choices_of_a_day_are_remembered_however_many_there_are():
    choices = Choices(("ten", "ship"))
    for n in range(SIZE):
        assert choices.wants(float(n))
        choices.add(float(n), 50.0, {"ten": float(n)})
    assert not choices.wants(SIZE + APART_S / 2)
    assert choices.wants(SIZE + APART_S)
    choices.add(SIZE + APART_S, 60.0, {"ten": -1.0, "ship": 2.0})
    again = Choices.restored(choices.state())
    assert again.gains[0].tolist() == [-1.0, 2.0]
    assert again.gains[1].tolist() == [1.0, -np.inf]
    assert (again.cart_values[0], again.count, again.state()) == (60.0, SIZE + 1, choices.state())
    assert not Choices(()).wants(0.0)


def test_the_hours_of_a_budget_are_those_of_the_markets_clock():
    hourly = Periods(Budget(amount=1.0, by="hour"), ZoneInfo("Asia/Kolkata"))
    assert hourly.at(START_S + 60).start_s == START_S - HOUR / 2
    berlin = Periods(Budget(amount=1.0, by="hour"), ZoneInfo("Europe/Berlin"))
    twice = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()  # half past two comes twice that night
    assert berlin.at(twice).end_s == berlin.at(twice + HOUR).start_s


def test_a_paced_budget_comes_near_the_offline_optimum_and_goes_where_it_earns_most():
    found = rows(World(days=5, a_day=200), seed=3, updates=6000)
    assert found["paced"].profit > 0.94
    assert found["paced"].gain > found["first come"].gain + 0.1
    assert 0.85 < found["paced"].spent <= 1.0
    assert max(each.used for each in found.values()) <= 1.0


def test_a_paced_number_of_offers_lasts_until_its_campaign_ends():
    found = rows(World(days=4, a_day=150), seed=5, updates=4000, number=100)
    assert found["paced"].gain > 1.2 * found["first come"].gain
