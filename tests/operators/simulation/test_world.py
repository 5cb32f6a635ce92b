"""Simulated shoppers: their events, and that no shopper depends on another."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from operators.simulation import DEMO_CARTS, World, WorldSettings
from operators.simulation.arrivals import DAY_S, season
from operators.simulation.load import load_events, load_rate
from schemas.events import EVENTS
from schemas.shop import load_shop

SHOP = load_shop(Path(__file__).parents[3] / "schemas" / "example_offers.toml")
NOON = 1_767_268_800.0
HOUR = 3600.0


def world(seed=1, carts=DEMO_CARTS, visits=200.0):
    return World(seed, WorldSettings(SHOP.arms("default"), NOON, visits_per_hour=visits, cart_share=carts))


def at(event):
    return datetime.fromisoformat(event["time"]).timestamp()


def offer(cart, name="ten_percent", offer_id="default.1"):
    return {"offer_id": offer_id, "visitor_id": cart.visitor, "treatment": {"name": name}}


def a_cart(shop):
    """The first cart whose owner has hesitated for two minutes."""
    while True:
        shop.events_until(shop.now_s + 60)
        for cart in shop.carts():
            if cart.at_s + 120 <= shop.now_s <= cart.at_s + 180:
                return cart


@pytest.fixture(scope="module")
def day():
    shop = world(carts=0.07, visits=300)
    return shop, shop.events_until(NOON + DAY_S)


def test_events_are_the_same_in_whatever_steps_time_advances():
    whole = world().events_until(NOON + HOUR)
    shop = world()
    steps = [shop.events_until(NOON + 7.3 * n) for n in range(int(HOUR / 7.3) + 1)]
    pieces = list(itertools.chain(*steps, shop.events_until(NOON + HOUR)))
    assert pieces == whole
    assert len(whole) > 500


def test_another_seed_is_another_world():
    one, other = world(seed=1).events_until(NOON + HOUR), world(seed=2).events_until(NOON + HOUR)
    assert not {event["id"] for event in one} & {event["id"] for event in other}


def test_every_event_is_a_native_event(day):
    _, events = day
    for event in events[::11]:
        EVENTS.validate_json(orjson.dumps(event))
    kinds = {"page_viewed", "product_viewed", "searched", "cart_item_added", "cart_item_removed"}
    assert {event["type"] for event in events} == kinds | {
        "cart_updated",
        "checkout_started",
        "order_completed",
    }


def test_events_come_in_order_of_time_and_none_twice(day):
    _, events = day
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    assert len({event["id"] for event in events}) == len(events)


def test_one_visit_in_fifty_buys_and_seven_carts_in_ten_are_abandoned(day):
    _, events = day
    visits = {event["session_id"] for event in events}
    carts = {event["cart_id"] for event in events if "cart_id" in event}
    orders = [event for event in events if event["type"] == "order_completed"]
    assert 0.017 < len(orders) / len(visits) < 0.025
    assert 0.66 < 1 - len(orders) / len(carts) < 0.76


def test_some_visitors_return_and_some_are_known():
    shop = world(carts=0.07, visits=12)
    events = shop.events_until(NOON + 8 * DAY_S)
    visits = {event["session_id"]: event for event in events}.values()
    often = Counter(event["visitor_id"] for event in visits)
    assert 0.05 < sum(count > 1 for count in often.values()) / len(often) < 0.4
    assert 0.2 < sum("user_id" in event for event in visits) / len(visits) < 0.35
    users = {(event["user_id"], event["visitor_id"]) for event in visits if "user_id" in event}
    assert max(Counter(user for user, _ in users).values()) > 1, "no user came with a second device"


def test_only_a_shopper_who_hesitates_leaves_a_cart_idle():
    shop = world()
    last, pauses = {}, []
    for event in shop.events_until(NOON + 2 * HOUR):
        visit = event["session_id"]
        if visit in last:
            pauses.append((at(event) - last[visit], event["type"]))
        last[visit] = at(event)
    assert all(pause <= 100 or kind == "checkout_started" for pause, kind in pauses)
    assert any(pause > 600 for pause, _ in pauses)


def test_the_shop_is_quiet_at_night_and_busy_on_average():
    week = [season(NOON + n * HOUR) for n in range(7 * 24)]
    assert sum(week) / len(week) == pytest.approx(1.0, abs=0.01)
    assert max(week) > 3 * min(week)
    assert max(week) <= 2


def test_visits_are_forgotten_and_memory_is_bounded():
    shop, sizes = world(visits=15), []
    for n in range(1, 6):
        shop.events_until(NOON + n * DAY_S)
        sizes.append(len(shop.carts()))
    assert sizes[-1] < 1.5 * sizes[0]
    assert len(shop.carts()) == len(shop._pending)


def test_a_seen_offer_is_clicked_and_redeemed_with_the_order():
    found = Counter()
    shop = world(visits=150)
    offered = {}
    events = []
    for n in range(1, 300):
        events += shop.events_until(NOON + n * 60)
        for cart in shop.carts():
            if (
                cart.segment.name == "needs_discount"
                and cart.at_s + 120 < shop.now_s
                and cart.id not in offered
            ):
                offered[cart.id] = f"default.{len(offered)}"
                shop.deliver_offer(offer(cart, offer_id=offered[cart.id]))
    for event in events:
        EVENTS.validate_json(orjson.dumps(event))
        found[event["type"]] += 1
    orders = [event for event in events if event.get("offer_ids")]
    redeemed = {event["offer_id"]: event["order_id"] for event in events if event["type"] == "offer_redeemed"}
    assert len(orders) == len(redeemed) > 10
    for order in orders:
        assert redeemed[order["offer_ids"][0]] == order["order_id"]
        assert offered[order["cart_id"]] == order["offer_ids"][0]
    assert found["offer_shown"] > found["offer_clicked"] > found["offer_redeemed"]
    assert found["offer_dismissed"] > 10


def test_an_offer_changes_nothing_for_other_shoppers():
    alone, shop = world(), world()
    cart = a_cart(shop)
    assert shop.deliver_offer(offer(cart))
    alone.events_until(shop.now_s)
    rest, expected = (
        [event for event in each.events_until(NOON + 3 * HOUR) if event["visitor_id"] != cart.visitor]
        for each in (shop, alone)
    )
    assert rest == expected


def test_a_revoked_offer_leaves_the_shopper_as_if_it_had_never_been_made():
    alone, shop = world(), world()
    cart = a_cart(shop)
    shop.deliver_offer(offer(cart))
    shop.revoke_offer("default.1")
    alone.events_until(shop.now_s)
    assert shop.events_until(NOON + 3 * HOUR) == alone.events_until(NOON + 3 * HOUR)


def test_an_offer_that_reaches_no_hesitating_shopper_is_ignored():
    shop = world()
    cart = a_cart(shop)
    assert not shop.deliver_offer(offer(cart._replace(visitor="nobody")))
    assert not shop.deliver_offer(offer(cart, name="unheard_of"))
    assert shop.deliver_offer(offer(cart))
    assert not shop.deliver_offer(offer(cart, offer_id="default.2"))
    assert shop.ignored == 3


def test_the_load_is_a_fixed_mix_of_which_one_event_in_twenty_ends_with_an_idle_cart():
    made = list(load_events(4_000, visitors=200))
    kinds = Counter()
    last = {}
    for each in made:
        event = EVENTS.validate_json(each.value)
        assert event.visitor_id.encode() == each.visitor
        assert event.time.timestamp() == pytest.approx(each.at_s, abs=0.001)
        kinds[event.type] += 1
        last[each.visitor] = event.type
    assert kinds["cart_item_added"] / len(made) == pytest.approx(0.05, abs=0.002)
    assert sum(kind == "cart_item_added" for kind in last.values()) == kinds["cart_item_added"]
    assert made[-1].at_s - made[0].at_s == pytest.approx(4_000 / load_rate(200), rel=0.01)


def test_about_as_many_visits_of_the_load_are_live_as_asked_for():
    ends, begins = {}, {}
    for each in load_events(6_000, visitors=50):
        begins.setdefault(each.visitor, each.at_s)
        ends[each.visitor] = each.at_s
    late_s = max(ends.values()) - 60
    live = sum(begins[visitor] <= late_s < ends[visitor] + 1800 for visitor in begins)
    assert 40 < live < 80


def test_shoppers_say_with_their_first_event_of_a_visit_whether_they_may_be_written_to():
    events = world().events_until(NOON + HOUR)
    firsts = {}
    for event in events:
        firsts.setdefault(event["session_id"], event)
    assert {event["id"] for event in events if "consent" in event} == {each["id"] for each in firsts.values()}
    assert all(event["consent"] == {"email": True, "app": True} for event in firsts.values())


def test_who_refuses_offers_refuses_them_at_every_visit_and_does_the_same_otherwise():
    settings = WorldSettings(SHOP.arms("default"), NOON, visits_per_hour=200, consent_share=0.7)
    refusing = World(1, settings).events_until(NOON + 5 * DAY_S)
    agreeing = World(1, replace(settings, consent_share=1.0)).events_until(NOON + 5 * DAY_S)
    said = {}
    for event in refusing:
        if "consent" in event:
            said.setdefault(event["session_id"].rpartition("-")[0], set()).add(event["consent"]["email"])
    assert {len(each) for each in said.values()} == {1}
    refused = sum(each == {False} for each in said.values())
    assert 0.25 < refused / len(said) < 0.35
    assert [event | {"consent": None} for event in refusing] == [
        event | {"consent": None} for event in agreeing
    ]
