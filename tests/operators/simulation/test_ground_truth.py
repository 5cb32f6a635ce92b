"""What is known exactly about the simulated shoppers: the value of each offer, by segment."""

import math
from pathlib import Path

import pytest

from operators.simulation import DEMO_CARTS, WorldSettings
from operators.simulation.oracle import hesitating_carts, oracle_values
from operators.simulation.random_streams import RandomStream
from operators.simulation.response_events import CartDraws, DeliveredOffer, after_offer, without_offer
from operators.simulation.response_model import outcomes, true_values
from operators.simulation.response_timing import ResponseTiming
from operators.simulation.true_profit import TrueProfitByArm
from operators.simulation.visit_script import VisitScript
from schemas.shop import NO_OFFER, load_shop

OFFERS = load_shop(Path(__file__).parents[3] / "schemas" / "example_offers.toml").arms("default")
NAMES = [offer.name for offer in OFFERS]


@pytest.fixture(scope="module")
def carts():
    settings = WorldSettings(OFFERS, 1_767_268_800.0, visits_per_hour=1000, cart_share=DEMO_CARTS)
    return hesitating_carts(3, settings, 700)


@pytest.fixture(scope="module")
def exact(carts):
    return oracle_values(carts, OFFERS)


def profit_of(cart, offer, planned):
    """The profit of the events, counted as a shop would count it."""
    kinds = {event["type"] for _, event in planned}
    bought = "order_completed" in kinds
    if offer is None:
        return cart.margin * bought
    charged = {
        "decided": True,
        "shown": "offer_shown" in kinds,
        "bought": bought,
        "redeemed": "offer_redeemed" in kinds,
    }
    cost = offer.cost.share * cart.value + offer.cost.fixed
    return cart.margin * bought - cost * charged[offer.cost.charged]


@pytest.mark.parametrize("name", [NO_OFFER, *NAMES])
def test_what_shoppers_do_earns_the_true_value(carts, name):
    offer = next((offer for offer in OFFERS if offer.name == name), None)
    timing, error, variance = ResponseTiming.of(OFFERS), 0.0, 0.0
    for number, cart in enumerate(carts):
        if offer is not None and cart.value < offer.min_cart_value:
            continue
        script, draws = VisitScript("v", {}, [], cart), CartDraws.of(RandomStream(number), timing)
        if offer is None:
            planned = without_offer(script, cart, draws)
        else:
            delivered = DeliveredOffer(offer, "o", cart.at_s + 125)
            planned = after_offer(script, cart, draws, delivered, timing)
        ways = outcomes(cart, offer)
        mean = sum(way.chance * way.profit for way in ways)
        assert mean == pytest.approx(true_values(cart, OFFERS)[name])
        error += profit_of(cart, offer, planned) - mean
        variance += sum(way.chance * way.profit**2 for way in ways) - mean**2
    assert abs(error) < 4 * math.sqrt(variance)


def test_chances_are_probabilities_that_sum_to_one(carts):
    for cart in carts[:200]:
        for offer in (None, *OFFERS):
            ways = outcomes(cart, offer)
            assert sum(way.chance for way in ways) == pytest.approx(1)
            assert all(0 <= way.chance <= 1 for way in ways)


def test_every_order_falls_into_the_window_of_its_offer(carts):
    timing = ResponseTiming.of(OFFERS)
    for offer in OFFERS:
        window_s = min(offer.reward_window, offer.expires_after).total_seconds()
        for number, cart in enumerate(carts[:300]):
            delivered = DeliveredOffer(offer, "o", cart.at_s + 125)
            script, draws = VisitScript("v", {}, [], cart), CartDraws.of(RandomStream(number), timing)
            planned = after_offer(script, cart, draws, delivered, timing)
            redeemed = [at_s for at_s, event in planned if event["type"] == "offer_redeemed"]
            ordered = [at_s for at_s, event in planned if event["type"] == "order_completed"]
            assert all(at_s - delivered.at_s <= window_s for at_s in redeemed)
            assert all(at_s - delivered.at_s <= offer.reward_window.total_seconds() for at_s in ordered)


def test_the_oracle_beats_the_best_offer_for_all_which_beats_no_offer(exact):
    best = exact.arms[exact.best_fixed].mean
    assert best > 1.4 * exact.no_offer
    assert exact.oracle > 1.4 * best


def test_the_best_offer_differs_by_segment(exact):
    best = {name: max(arms, key=lambda arm: arms[arm].mean) for name, arms in exact.by_segment.items()}
    assert best == {
        "buys_anyway": NO_OFFER,
        "annoyed": NO_OFFER,
        "needs_discount": "ten_percent",
        "needs_free_shipping": "free_shipping",
        "just_looking": "cart_reminder",
    }


def test_an_offer_to_those_who_buy_anyway_loses_money(exact):
    arms = exact.by_segment["buys_anyway"]
    assert all(arms[name].mean < arms[NO_OFFER].mean for name in NAMES)
    assert arms["ten_percent"].mean < 0.85 * arms[NO_OFFER].mean


def test_the_demo_is_a_hard_world(exact):
    assert exact.spread < 0.2
    assert all(0.02 < arm.conversion < 0.155 for arm in exact.arms.values())


def test_a_world_that_ends_has_only_so_many_carts(carts):
    last_s = carts[99].at_s
    settings = WorldSettings(
        OFFERS, 1_767_268_800.0, visits_per_hour=1000, cart_share=DEMO_CARTS, ends_at_s=last_s
    )
    found = hesitating_carts(3, settings, 700)
    assert 50 < len(found) < 700
    assert found == carts[: len(found)]


def test_true_profit_has_regret_and_what_each_arm_alone_would_have_earned():
    found = TrueProfitByArm()
    found.add("a", {NO_OFFER: 1.0, "a": 3.0})
    found.add(NO_OFFER, {NO_OFFER: 1.0, "a": 3.0, "b": 5.0})
    assert (found.all.profit, found.all.oracle, found.all.regret) == (4.0, 8.0, 4.0)
    assert found.all.share_of_oracle == pytest.approx(2 / 6)
    assert found.fixed == {NO_OFFER: 2.0, "a": 6.0, "b": 6.0}
    assert found.arms["a"].decisions == 1
