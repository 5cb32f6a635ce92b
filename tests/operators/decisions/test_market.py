"""The whole machine, from events to records, without the world around it."""

from collections import Counter

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.decisions import market
from operators.decisions.market import WEIGHT_CAP, MarketStation, market_in
from operators.streaming.ids import SHARDS
from operators.streaming.messages import MarketBatch, Moment
from schemas.decisions import read_decision_record
from schemas.offers import read_offer_record
from schemas.records import encode
from tests.builders import (
    DAY,
    HOUR,
    PART,
    SELDOM,
    T0,
    World,
    cart_is,
    carted,
    checkout,
    config,
    item,
    looked,
    market_settings,
    moment,
    of_type,
    offer,
    ordered,
    records,
    removed,
    shop,
    told,
    viewed,
)
from tests.rows import everything_in


def types(found):
    return Counter(each["type"] for each in found)


def test_a_market_waits_for_the_partitions_of_its_own():
    prices, of = "shop.prices/0000", config(shop())
    market = MarketStation(of, market_settings(partitions=(prices,)))
    shards = tuple((shard, 50.0) for shard in range(SHARDS))
    market.process([MarketBatch("default", (), shards)])
    assert market.time_s == float("-inf")
    market.process([MarketBatch("default", (), ((prices, 40.0),))])
    assert market.time_s == 40.0
    again = MarketStation(of, market_settings(partitions=(prices, "shop.prices/0001")), market.snapshot())
    assert again.time_s == 40.0
    again.process([MarketBatch("default", (), ((prices, 60.0),))])
    assert again.time_s == 40.0
    again.process([MarketBatch("default", (), (("shop.prices/0001", 45.0),))])
    assert again.time_s == 45.0


def test_a_cart_left_alone_is_offered_something_and_its_purchase_ends_the_offer():
    world = World(arm="ten_percent")
    world.tell(viewed(0), carted(10, price=80.0))
    said = world.tell(looked(200, "bob"))
    assert types(said) == {"score": 1, "decision": 1, "offer.decided": 1}
    name = said[-1]["data"]["offer_id"]
    said = world.tell(
        told("shown", 205, name), told("clicked", 210, name), ordered(260, price=80.0, offers=[name])
    )
    assert types(said) == {"outcome": 1, "offer.redeemed": 1}
    world.end()
    [reward] = world.lines("reward")
    assert (reward["margin"], reward["cost"], reward["clicked"]) == (32.0, 8.0, True)
    assert world.policy.learned == [("ten_percent", 24.0)]


def test_nobody_who_has_bought_gets_an_offer_for_it():
    world = World(arm="ten_percent")
    world.tell(carted(0), ordered(100), looked(5000, "bob"))
    assert world.lines("offer.decided", "decision") == []


def test_no_offer_is_made_in_the_second_of_the_purchase_once_it_was_read():
    for in_order in (False, True):
        world = World(arm="ten_percent", ordered=in_order, triggers=frozenset({"cart_changed"}))
        world.tell(looked(0), ordered(10), carted(10), looked(30, "bob"))
        assert types(world.lines("offer.decided", "offer.revoked")) in (
            {},
            {"offer.decided": 1, "offer.revoked": 1},
        )


def test_silence_is_noticed_when_every_partition_is_caught_up():
    world = World(arm="ten_percent", parts=("shop.events/0", "shop.events/1"))
    world.tell(carted(0))
    assert types(world.wait(135)) == {
        "score": 1,
        "decision": 1,
        "offer.decided": 1,
    }


def test_history_teaches_but_does_not_speak():
    world = World(emit_after_s=T0 + DAY)
    for n in range(20):
        world.tell(carted(n * 4000.0, f"v{n}"), *([ordered(n * 4000.0 + 60, f"v{n}")] if n % 2 else []))
    world.end()
    assert world.lines("decision", "offer.decided") == []
    assert len(world.lines("outcome")) == 20
    assert world.market().abandonment.version == 20


def test_old_carts_are_not_mailed_when_the_worker_comes_back_after_a_day():
    world = World(arm="ten_percent")
    world.tell(*(carted(n, f"v{n}") for n in range(20)), now=DAY)
    world.tell(looked(DAY - 30, "bob"), now=DAY)
    decisions = world.lines("decision")
    assert {each["reason"] for each in decisions} == {"stale"}
    assert len(decisions) == 20
    assert world.lines("offer.decided") == []
    world.tell(carted(DAY - 20, "new"), now=DAY)
    assert types(world.wait(DAY + 115))["offer.decided"] == 1


def test_a_shadow_publishes_no_offer():
    world = World(arm="ten_percent", shadow=True)
    world.tell(carted(0), looked(300, "bob"))
    world.end()
    assert types(world.lines("decision", "offer.decided", "offer.revoked", "offer.expired")) == {
        "decision": 1
    }


def test_a_question_teaches_nothing():
    station = MarketStation(config(), market_settings())
    model, policy = station.abandonment.dumps(), station.decisions.policy.dumps()
    for n in range(20):
        rows = (moment(n, f"v{n}"), moment(n, f"w{n}", kind="cart_changed"))
        station.process([MarketBatch("default", rows, ())])
    assert (station.abandonment.dumps(), station.decisions.policy.dumps()) == (model, policy)


def test_treated_carts_are_reported_apart_and_teach_the_model_nothing():
    world = World(arm="ten_percent")
    world.tell(carted(0), looked(5000, "bob"))
    [outcome] = world.lines("outcome")
    assert (outcome["treated"], outcome["weight"]) == (True, None)
    assert 0 < outcome["abandonment"] < 1
    assert world.market().abandonment.version == 0
    assert world.market().figures()["treated_outcomes"] == 1


def test_untreated_carts_count_by_how_improbable_they_were():
    world = World(arm="ten_percent", of=shop(offer("ten_percent", min_cart_value=60.0)))
    world.tell(carted(0, "small"), carted(0, "big", price=100.0), looked(5000, "bob"))
    weights = {each["visitor_id"]: each["weight"] for each in world.lines("outcome")}
    assert weights == {"small": 1.0, "big": None}
    world = World(arm="no_offer")
    world.tell(carted(0), looked(5000, "bob"))
    assert world.lines("outcome")[0]["weight"] == pytest.approx(1 / 0.8)
    assert WEIGHT_CAP == 10.0


def test_a_cart_recovered_within_a_day_is_told_and_taught_only_once():
    world = World(arm="no_offer")
    world.tell(carted(0), looked(5000, "bob"), ordered(6000))
    assert [each["kind"] for each in world.lines("outcome")] == ["abandoned", "recovered"]
    assert world.market().abandonment.version == 1


def test_a_late_order_reaches_the_lesson_it_belongs_to():
    world = World(arm="ten_percent")
    world.tell(carted(0), looked(20_000, "bob"))
    assert world.policy.learned == [("ten_percent", 0.0)]
    world.tell(ordered(300))
    assert world.policy.revised == [("ten_percent", 20.0)]
    assert world.readers["shop.events/0"].counts.late_orders == 1


def test_markets_do_not_know_of_each_other():
    world = World(of=shop(markets=("de", "fr"), holdout=0.0))
    world.tell(carted(0, market="de"), carted(0, market="fr", id="other"), looked(300, "bob", market="de"))
    made = world.lines("decision")
    assert sorted(each["market"] for each in made) == ["de", "fr"]
    assert len({each["decision_id"] for each in made}) == 2


def test_scores_are_handed_to_the_feature_store():
    world = World()
    world.tell(carted(0), looked(30, "bob"))
    kept = {each.kind: orjson.loads(each.value) for each in world.saved if each.kind.startswith("score/")}
    assert kept["score/cart_changed"]["visitor_id"] == "ann"


def test_a_moment_that_waits_in_a_snapshot_keeps_the_bytes_of_its_features():
    once = moment(0)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(once), type=Moment)
    assert orjson.dumps(again.features) == orjson.dumps(once.features)


def test_a_state_tells_its_market_and_refuses_another_format():
    station = MarketStation(config(), market_settings())
    assert market_in(station.snapshot()) == "default"
    written = msgspec.msgpack.decode(station.snapshot())
    with pytest.raises(ValueError, match="the state of market default must be of format 3; got 0"):
        MarketStation(config(), market_settings(), msgspec.msgpack.encode([0, *written[1:]]))


# A small town of shoppers, the same for all the laws

steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 4, 60, 121, 1801, 7200]),
        st.sampled_from([looked, carted, carted, removed, checkout, ordered, cart_is]),
        st.sampled_from(["ann", "bob", "cid"]),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=12,
)
PARTS = ("shop.events/0", "shop.events/1")


def acted(plan):
    at, events = 0.0, []
    for place, (wait, what, who, part) in enumerate(plan):
        at += wait
        more = (item("sock", 5.0),) if what is cart_is else ()
        events.append((PARTS[part], what(at, *more, visitor=who, id=f"{place:03d}")))
    return events


def town(parts=PARTS, **more):
    of = shop(offer(), offer("mail", channel="email", value=20.0), holdout=0.2)
    return World(of, parts=parts, ordered=True, cooldown="1h", **more)


def published(world):
    return [(each.stream, each.id, each.value) for each in world.emitted if each.stream != "rejected"]


def state(world):
    """What the models and the decisions remember; the time of the last trim aside: it follows the ticks."""
    station = world.market()
    decided = msgspec.msgpack.decode(station.decisions.snapshot())
    asked = [station.abandonment.score(moment(n, value=n).features) for n in range(5)]
    rows = everything_in(station.decisions._rows)
    return station.abandonment.figures(), asked, decided[:7], decided[8:-1], rows


def run(world, events, sizes=(), end=True):
    sizes = list(sizes)
    waiting = {part: [] for part in world.readers}
    for part, event in events:
        waiting[part].append(event)
        size = sizes.pop() if sizes else 1
        if len(waiting[part]) >= size:
            world.tell(*waiting[part], part=part)
            waiting[part] = []
    for part, rest in waiting.items():
        world.tell(*rest, part=part)
    if end:
        world.end()
    return world


@SELDOM
@given(steps, st.lists(st.integers(1, 6), max_size=12))
def test_in_ordered_mode_batches_and_partitions_change_no_byte(plan, sizes):
    events = acted(plan)
    alone = run(town(PARTS[:1]), [(PARTS[0], event) for _, event in events])
    split = run(town(), events, sizes)
    assert published(split) == published(alone)
    assert state(split) == state(alone)


@SELDOM
@given(steps, st.integers(0, 12), st.integers(0, 12), st.integers(1, 5))
def test_in_ordered_mode_a_crash_changes_no_byte_and_decides_nothing_anew(plan, one, other, batch):
    events = acted(plan)
    calm = run(town(), events)
    sealed, died = sorted((one, other))
    world = run(town(), events[:sealed], end=False)
    snapshot, said = world.snapshot(), len(world.emitted)
    run(world, events[sealed:died], end=False)
    first = {each.id: each.value for each in world.emitted[said:]}
    decided = len(list(world.ledgers["default"].after(0)))
    del world.emitted[said:]
    world.crash(snapshot)
    for part in PARTS:
        world.read_again(part, batch)
    assert len(list(world.ledgers["default"].after(0))) <= max(decided, len(calm.lines("decision")))
    run(world, events[died:])
    assert published(world) == published(calm)
    assert state(world) == state(calm)
    final = {each.id: each.value for each in world.emitted}
    assert first.items() <= final.items()


@SELDOM
@given(steps, st.integers(0, 12))
def test_in_immediate_mode_a_crash_says_every_decision_again_with_its_bytes(plan, cut):
    events = [(PARTS[0], event) for _, event in acted(plan)]
    world = World(shop(offer(), holdout=0.0), arm=None, cooldown="1h")
    run(world, events[:cut], end=False)
    snapshot, said = world.snapshot(), len(world.emitted)
    run(world, events[cut:])
    first = sorted((each.id, each.value) for each in world.emitted[said:])
    del world.emitted[said:]
    world.crash(snapshot)
    world.read_again(PARTS[0], 1)
    world.end()
    assert sorted((each.id, each.value) for each in world.emitted[said:]) == first


@SELDOM
@given(steps)
def test_every_record_keeps_its_contract_and_stands_once(plan):
    world = run(town(), acted(plan))
    for each in world.emitted:
        read = read_offer_record if each.stream == "offers" else read_decision_record
        assert encode(read(each.value)) == each.value
    ids = [each.id for each in world.emitted]
    assert len(ids) == len(set(ids))
    carts = Counter(each["cart_id"] for each in world.lines("outcome") if each["kind"] != "recovered")
    assert not carts or max(carts.values()) == 1


@SELDOM
@given(
    st.permutations(
        [carted(2), carted(4, sku="sock"), removed(6), cart_is(7, item("hat")), carted(9, sku="sock")]
    )
)
def test_live_any_arrival_within_the_lateness_leads_to_the_same_cart(told):
    world = World(arm="ten_percent")
    for event in told:
        world.tell(event)
    world.tell(looked(400, "bob"))
    [offered] = world.lines("offer.decided")
    assert {each["sku"] for each in offered["data"]["cart"]["items"]} == {"hat", "sock"}
    assert offered["data"]["at"] == world.lines("decision")[0]["at"]


def test_a_market_hears_no_time_until_all_shards_have_spoken():
    station = MarketStation(config(), market_settings())
    ticks = tuple((number, T0) for number in range(SHARDS))
    assert station.process([MarketBatch("default", (), ticks[:-1])]).figures is None
    assert station.time_s == float("-inf")
    assert station.process([MarketBatch("default", (), ticks[-1:])]).figures is not None
    assert station.time_s == T0


def test_a_snapshot_holds_the_rows_that_wait_for_their_turn():
    of, settings = config(shop(holdout=0.0)), market_settings(ordered=True)
    station = MarketStation(of, settings)
    station.process([MarketBatch("default", (moment(10), moment(5, "bob")), ())])
    after = MarketStation(of, settings, station.snapshot())
    said = after.process([MarketBatch("default", (), tuple((n, T0 + HOUR) for n in range(SHARDS)))]).records
    assert [each["visitor_id"] for each in records(said) if each["type"] == "score"] == ["bob", "ann"]


def test_figures_are_said_once_in_a_while_and_at_the_end():
    station = MarketStation(config(), market_settings())
    said = [
        station.process([MarketBatch("default", (), tuple((n, T0 + at) for n in range(SHARDS)))]).figures
        for at in (*range(30), float("inf"))
    ]
    assert sum(figures is not None for figures in said) == 4
    assert said[-1] is not None


def test_in_ordered_mode_a_decision_knows_every_lesson_that_ended_before_it():
    def versions(*ticks):
        station = MarketStation(config(shop(holdout=0.0)), market_settings(ordered=True))
        rows = tuple(moment(at, f"v{at}") for at in (0, 2 * HOUR, 4 * HOUR))
        said = list(station.process([MarketBatch("default", rows, ())]).records)
        for at in ticks:
            said += station.process(
                [MarketBatch("default", (), tuple((n, T0 + at) for n in range(SHARDS)))]
            ).records
        return [each["policy_version"] for each in records(said) if each["type"] == "decision"]

    assert versions(DAY) == versions(*range(0, 90_000, 600)) == [0, 1, 2]


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize(("at", "outcome"), [(260, "purchased"), (3000, "recovered")])
def test_in_both_modes_an_order_is_processed_before_the_outcome_it_brings(in_order, at, outcome):
    of = shop(offer(expires_after="2h"), holdout=0.0)
    world = World(of, arm="ten_percent", ordered=in_order)
    world.tell(carted(0), looked(200, "bob"))
    world.tell(ordered(at), looked(at + 100, "bob"))
    world.end()
    ends = [each for each in world.lines("outcome", "offer.revoked") if each.get("kind") != "abandoned"]
    assert [each.get("kind", each["type"]) for each in ends] == ["offer.revoked", outcome]


def test_consent_reaches_the_market_and_is_the_same_after_a_crash():
    world = World()
    market = world.market()
    world.tell(looked(0, consent={"email": True}, user_id="u"))
    sealed = world.snapshot()
    world.tell(looked(10, "laptop", user_id="u", consent={"email": False}))

    def email(at):
        given = world.market().decisions._people._consents.of(("ann",), ("u",), T0 + at).get("email")
        return given and given.granted

    before = [email(at) for at in (-1, 0, 9, 10)]
    assert before == [None, True, True, False]
    world.crash(sealed)
    assert world.market() is not market
    assert [email(at) for at in (-1, 0, 9, 10)] == before
    world.read_again(PART, 1)
    assert [email(at) for at in (-1, 0, 9, 10)] == before


def test_what_is_due_in_bulk_is_done_in_slices_and_first_for_whoever_is_touched(monkeypatch):
    monkeypatch.setattr(market, "DUE_AT_ONCE", 3)
    world = World(arm="ten_percent")
    world.tell(*(carted(n / 10, f"v{n}") for n in range(10)))
    world.wait(150)
    assert len(world.lines("offer.decided")) == 10
    ended = [world.wait(3000 + second) for second in range(4)]
    assert [len(of_type(each, "offer.expired")) for each in ended] == [3, 3, 3, 1]
    again = World(arm="ten_percent")
    again.tell(*(carted(n / 10, f"v{n}") for n in range(10)))
    again.wait(150)
    again.wait(3000)
    touched = again.tell(carted(3001, "v9"))
    assert {each["subject"] for each in of_type(touched, "offer.expired")} >= {"v9"}
