"""One partition's messages, validated in offset order."""

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from flows.stores.seen_ids import MemorySeenIds
from operators.ingest.partition_reader import PartitionReader
from operators.ingest.rejected_output import rejected_record_of
from operators.streaming.ids import SHARDS, shard_of
from operators.streaming.messages import CartAddition, EventContext, Order, PageView, ShardBatch, Trace
from schemas.adapters import SeveralEvents
from schemas.message import Message
from tests.builders import (
    DAY,
    HOUR,
    OFTEN,
    T0,
    cart_is,
    carted,
    checkout,
    event,
    ingest_settings,
    item,
    looked,
    message,
    ordered,
    reader,
    removed,
    shop,
    told,
    viewed,
)

FEEDBACK = ("shown", "clicked", "dismissed", "redeemed")


def take(one, *events, start=None, sent=None, now=None):
    """Read events; return the accepted and the classes of the rejects."""
    offset = start if start is not None else (one.next_offset or 0)
    batch = [message(event, offset + n, sent) for n, event in enumerate(events)]
    emitted = one.read(batch, None if now is None else T0 + now)
    accepted = [event for each in emitted if isinstance(each, ShardBatch) for event in each.events]
    rejects = [
        dict(each.headers)["offerstream.class"].decode()
        for each in emitted
        if not isinstance(each, ShardBatch)
    ]
    return accepted, rejects


def adds_up(counts):
    return (
        counts.read == counts.taken + counts.records_rejected
        and counts.events == counts.processed + counts.duplicate + counts.rejected
        and counts.late + counts.ignored <= counts.processed
    )


def test_events_out_of_order_within_the_lateness_keep_their_place_and_older_ones_are_placed_later():
    one = reader()
    accepted, rejects = take(one, looked(20), looked(10), looked(9.5), looked(15))
    assert [event.at_s - T0 for event in accepted] == [20, 10, 10, 15]
    assert [event.own_s - T0 for event in accepted] == [20, 10, 9.5, 15]
    assert (rejects, one.counts.late, one.counts.late_after_idle) == ([], 1, 0)


def test_an_event_older_than_the_greatest_age_is_refused_and_an_order_never():
    one = reader(max_late_s=HOUR)
    take(one, looked(2 * HOUR))
    accepted, rejects = take(one, looked(HOUR - 10), looked(HOUR - 11), ordered(0))
    assert [event.own_s - T0 for event in accepted] == [HOUR - 10, 0]
    assert rejects == ["late"]
    assert one.counts.rejected == 1


def test_shards_are_told_the_watermark_in_turn_and_it_never_goes_back():
    one, told = reader(), []
    for at in (0, 0.5, 0.75, 1.25, 0.3, 5.5):
        [*batches] = one.read([message(looked(at), one.next_offset or 0)], None)
        told.append(([batch.shard for batch in batches if not batch.events], one.watermark_s - T0))
    turns = [
        (range(SHARDS), -10),
        (range(1, SHARDS // 2 + 1), -9.5),
        (range(SHARDS // 2 + 1, 3 * SHARDS // 4 + 1), -9.25),
        ([*range(SHARDS // 4 + 1), *range(3 * SHARDS // 4 + 1, SHARDS)], -8.75),
        ([], -8.75),
        (range(SHARDS), -4.5),
    ]
    ann = shard_of("ann")
    assert told == [([shard for shard in shards if shard != ann], at) for shards, at in turns]


def test_a_watermark_goes_to_every_shard_and_holds_for_what_follows():
    one = reader()
    batches = one.read([message(looked(n, f"v{n}"), n) for n in range(50)], None)
    assert sorted(batch.shard for batch in batches) == list(range(SHARDS))
    assert {one.watermark_s - batch.watermark_s < 1 for batch in batches} == {True}
    accepted, _ = take(one, looked(60), looked(50.2), looked(50.0), looked(49.9))
    assert all(event.at_s >= one.watermark_s for event in accepted)


def test_a_late_order_is_placed_at_the_watermark_and_remembers_its_own_time():
    one = reader()
    accepted, rejects = take(one, looked(100), ordered(50))
    assert rejects == []
    assert (accepted[1].at_s - T0, accepted[1].happened_s - T0) == (90, 50)
    assert (one.counts.late, one.counts.late_orders, one.counts.processed) == (1, 1, 2)
    assert one.greatest_s == T0 + 100


def test_what_comes_behind_an_idle_watermark_is_counted_apart():
    one = reader()
    take(one, looked(0))
    assert len(one.idle(T0 + 60)) == SHARDS
    assert one.watermark_s == T0 + 50
    accepted, rejects = take(one, looked(49), looked(50), looked(-20))
    assert [event.at_s - T0 for event in accepted] == [50, 50, 50]
    assert rejects == []
    assert (one.counts.late, one.counts.late_after_idle) == (2, 1)
    accepted, _ = take(one, ordered(30))
    assert (accepted[0].at_s - T0, accepted[0].happened_s - T0) == (50, 30)


def test_a_wall_clock_that_goes_back_takes_nothing_back():
    one = reader()
    one.idle(T0 + 60)
    assert one.idle(T0 + 30) == []
    assert one.watermark_s == T0 + 50


def test_a_partition_without_events_advances_when_it_is_proved_empty():
    told = [batch.watermark_s for batch in reader().idle(T0)]
    assert (len(told), max(told), min(told)) == (SHARDS, T0 - 10, T0 - 11 + 1 / SHARDS)


def test_what_claims_to_be_later_than_it_was_received_happened_then():
    one = reader()
    accepted, rejects = take(one, looked(301), looked(DAY), looked(0), looked(-5), sent=0)
    assert rejects == []
    assert [event.at_s - T0 for event in accepted] == [0, 0, 0, -5]
    assert one.counts.clamped == 2


def test_what_is_of_the_millisecond_of_its_record_is_not_later_than_it():
    one = reader()
    (accepted,), _ = take(one, looked(0.0004), sent=0)
    assert accepted.at_s == T0
    assert one.counts.clamped == 0


def test_a_record_timestamp_of_another_century_is_none():
    one = reader()
    for sent in (-1.0 - T0, 1.0 - T0, T0 / 1000 - T0):
        accepted, _ = take(one, looked(5, id=f"{sent}"), sent=sent)
        assert [event.at_s - T0 for event in accepted] == [5]


def test_a_line_that_is_later_than_now_is_refused():
    one = reader(latest_s=T0)
    accepted, rejects = take(one, looked(300), looked(301))
    assert ([event.at_s - T0 for event in accepted], rejects) == ([300], ["clock"])


def test_a_time_at_the_end_of_the_calendar_is_a_wrong_clock():
    late = looked(0) | {"time": "9999-12-31T23:59:59Z"}
    accepted, rejects = take(reader(), late, looked(0))
    assert rejects == ["clock"]
    assert len(accepted) == 1


def test_the_same_event_twice_is_a_duplicate_within_a_day():
    one = reader(lateness_s=5 * DAY)
    accepted, _ = take(
        one, looked(0, id="x"), looked(1, id="x"), looked(DAY - 1, id="x"), looked(2 * DAY, id="x")
    )
    assert [event.at_s - T0 for event in accepted] == [0, 2 * DAY]
    assert one.counts.duplicate == 2


def test_the_same_event_read_again_after_a_crash_is_no_duplicate():
    seen = MemorySeenIds()
    one = reader(seen=seen)
    first, _ = take(one, looked(0), looked(1))
    again, _ = take(reader(seen=seen), looked(0), looked(1))
    assert again == first


def batch(*events, offset=0, headers=()):
    """One record that holds these events."""
    return Message(orjson.dumps(events), None, headers, "shop.events", 0, offset)


def events_of(emitted):
    return [event for each in emitted if isinstance(each, ShardBatch) for event in each.events]


def rejects_of(emitted):
    return [rejected_record_of(each) for each in emitted if not isinstance(each, ShardBatch)]


def test_one_record_may_hold_several_events():
    one = reader()
    nameless = {name: value for name, value in looked(2).items() if name != "id"}
    emitted = one.read([batch(looked(0), looked(1), nameless, offset=7)], None)
    ids = [looked(0)["id"], looked(1)["id"], "shop.events/0/7/2"]
    assert [event.id for event in events_of(emitted)] == ids
    assert (one.counts.read, one.counts.taken, one.counts.events, one.counts.processed) == (1, 1, 3, 3)
    assert adds_up(one.counts)


def test_a_part_that_is_no_event_is_refused_by_itself_with_its_own_bytes_and_place():
    one = reader()
    wrong = looked(1) | {"visitor_id": ""}
    emitted = one.read([batch(looked(0), wrong, None, [looked(3)], offset=7)], None)
    record, *more = rejects_of(emitted)
    assert (record.id, orjson.loads(record.value)) == ("shop.events/0/7/1", wrong)
    assert record.source == ("shop.events", 0)
    assert [each.value for each in more] == [b"null", orjson.dumps([looked(3)])]
    assert (one.counts.taken, one.counts.records_rejected) == (1, 0)
    assert (one.counts.events, one.counts.processed, one.counts.rejected) == (4, 1, 3)
    assert adds_up(one.counts)


def test_a_batch_of_nothing_or_of_nothing_that_can_be_taken_is_a_rejected_record():
    one = reader()
    emitted = one.read([batch(offset=0), batch(None, 7, offset=1)], None)
    assert [record.id for record in rejects_of(emitted)] == [
        *("shop.events/0/0", "shop.events/0/1/0", "shop.events/0/1/1"),
    ]
    assert (one.counts.read, one.counts.records_rejected, one.counts.events) == (2, 2, 3)
    assert adds_up(one.counts)


def test_a_record_that_says_nothing_is_taken_and_holds_no_event():
    def decode(_):
        raise SeveralEvents(())

    one = PartitionReader("shop.events/0", ingest_settings(), decode, MemorySeenIds())
    assert one.read([Message(b"{}")], None) == []
    assert (one.counts.read, one.counts.taken, one.counts.events) == (1, 1, 0)
    assert adds_up(one.counts)


def test_the_same_event_twice_in_one_record_is_a_duplicate_and_after_a_crash_the_same_again():
    seen = MemorySeenIds()
    for one in (reader(seen=seen), reader(seen=seen)):
        emitted = one.read([batch(looked(0, id="x"), looked(1, id="x"), looked(2, id="y"))], None)
        assert [event.id for event in events_of(emitted)] == ["x", "y"]
        assert (one.counts.duplicate, one.counts.taken) == (1, 1)
    emitted = one.read([batch(looked(3, id="y"), offset=1)], None)
    assert (events_of(emitted), one.counts.duplicate, one.counts.taken) == ([], 2, 2)


def test_orders_of_one_record_have_places_of_their_own():
    one = reader()
    emitted = one.read([batch(ordered(0, order_id="o1"), ordered(1, order_id="o2"), offset=7)], None)
    places = {event.order: event.position for event in events_of(emitted)}
    assert places == {"o1": "shop.events/0/7/0", "o2": "shop.events/0/7/1"}


def test_an_order_of_a_till_or_a_test_is_read_and_leaves_no_trace():
    one = reader()
    accepted, rejects = take(
        one, looked(0), ordered(500, origin="test"), ordered(501, origin="point_of_sale"), looked(1)
    )
    assert ([event.own_s - T0 for event in accepted], rejects) == ([0, 1], [])
    assert (one.counts.processed, one.counts.ignored, one.counts.late) == (4, 2, 0)
    assert one.event_time_s == T0 + 1


def test_what_was_dropped_is_counted_by_name():
    one = reader()
    accepted, _ = take(
        one,
        looked(0, device=7),
        looked(1, device={}, source=[]),
        cart_is(2, item(price="$5"), None),
        carted(3),
        ordered(4, items=[item(), item(quantity=0)]),
    )
    assert one.dropped == {"device": 2, "source": 1, "items": 1, "items.price": 1, "items.quantity": 1}
    assert one.counts.partial == 2
    assert {each.id: each.partial for each in accepted if not isinstance(each, PageView)} == {
        cart_is(2)["id"]: True,
        carted(3)["id"]: False,
        ordered(4)["id"]: True,
    }


RATED = {"currency": "EUR", "rates": {"USD": 0.5, "EUR": 1}}


@pytest.mark.parametrize(
    "said",
    [
        viewed(0, currency="JPY"),
        carted(0, currency="JPY"),
        cart_is(0, currency="JPY"),
        checkout(0, currency="JPY"),
        removed(0, currency="JPY"),
        ordered(0, currency="JPY"),
        ordered(0, currency="JPY") | {"type": "order_updated"},
        event("order_refunded", 0, order_id="o1", amount=7, currency="JPY"),
        event("order_cancelled", 0, order_id="o1", currency="JPY"),
        viewed(0, currency="yen"),
    ],
)
def test_amounts_in_a_currency_without_a_rate_are_refused(said):
    one = reader(of=shop(**RATED))
    accepted, rejects = take(one, said)
    assert (accepted, rejects) == ([], ["currency"])


def test_amounts_in_a_currency_with_a_rate_count_in_the_market_s():
    one = reader(of=shop(**RATED))
    codes = [{"code": "A", "amount": 3}, {"code": "B"}]
    items = [item(price=10, unit_cost=4), item("hat", 5)]
    told = (
        viewed(0, price=10, currency="usd"),
        cart_is(1, *items, currency="USD"),
        checkout(2, currency="USD"),
        ordered(3, items=items, discount=3, discount_codes=codes, currency="USD"),
        event("order_refunded", 4, order_id="o1", amount=7, currency="USD"),
        event("order_refunded", 5, order_id="o1", items=[{"sku": "hat", "price": 2}], currency="USD"),
        carted(6, price=10, currency="EUR"),
    )
    accepted = []
    for each in told:
        [found] = take(one, each)[0]
        accepted.append(found)
    view, cart, start, order, paid_back, returned, own = accepted
    assert (view.price, start.lines) == (5.0, None)
    assert [(each.price, each.unit_cost) for each in cart.lines] == [(5.0, 2.0), (2.5, None)]
    assert (order.lines, order.discount) == (cart.lines, 1.5)
    assert [each.amount for each in order.codes] == [1.5, None]
    assert (paid_back.amount, returned.lines[0].price, own.lines[0].price) == (3.5, 1.0, 10.0)


def test_the_words_of_a_refused_currency_name_both():
    one = reader()
    [record] = rejects_of(one.read([message(carted(0, price=19800, currency="JPY"), 0)], None))
    reason = dict(record.headers)["offerstream.reason"]
    assert reason == b"amounts in JPY; market 'default' counts in EUR"


def test_an_order_told_twice_is_passed_on_twice_since_the_market_knows_orders():
    one = reader()
    accepted, _ = take(one, ordered(5, order_id="o1"), ordered(9, order_id="o1"))
    assert [event.order for event in accepted] == ["o1", "o1"]


def test_a_producer_whose_clock_and_records_run_ahead_makes_nobody_late():
    one = reader(wall=True)
    accepted, rejects = take(one, looked(4000), looked(7), sent=4000, now=8)
    assert ([event.at_s - T0 for event in accepted], rejects) == ([8, 7], [])


def test_an_order_without_costs_is_refused_where_no_margin_is_known():
    one = reader(of=shop(margin_rate=None))
    accepted, rejects = take(one, ordered(0), ordered(1, items=[item(unit_cost=20.0)]), carted(2))
    assert rejects == ["invalid"]
    assert [type(event) for event in accepted] == [Order, CartAddition]


@pytest.mark.parametrize("kind", ["order_completed", "order_updated"])
def test_a_gift_and_what_is_no_product_need_no_costs(kind):
    one = reader(of=shop(margin_rate=None))
    items = [item(unit_cost=20.0), item("gift", 0.0), {"sku": None, "price": 4.9}]
    told = (ordered(0, items=items), ordered(1, items=[*items, item("hat")]))
    accepted, rejects = take(one, *(each | {"type": kind} for each in told))
    assert (len(accepted), rejects) == (1, ["invalid"])


def test_an_event_of_a_market_that_is_not_configured_is_refused_with_the_markets_there_are():
    one = reader(of=shop(markets=("fr", "de")))
    [record] = one.read([message(looked(0, market="atlantis"), 0)], None)
    headers = dict(record.headers)
    assert (headers["offerstream.class"], headers["offerstream.reason"]) == (
        b"unknown_market",
        b"market 'atlantis' is not among de, fr",
    )


def test_feedback_goes_to_the_market_its_offer_came_from():
    one = reader(of=shop(markets=("de", "fr")))
    accepted, rejects = take(
        one, told("shown", 0, "fr.abc", market="de"), told("clicked", 1, "xx.abc", market="de")
    )
    assert [event.market for event in accepted] == ["fr"]
    assert rejects == ["unknown_market"]


def test_feedback_that_names_no_market_goes_where_its_offer_came_from():
    one = reader(of=shop(markets=("de", "fr")))
    accepted, rejects = take(one, *(told(kind, 0, "de.abc") for kind in FEEDBACK), looked(1))
    assert [event.market for event in accepted] == ["de"] * len(FEEDBACK)
    assert rejects == ["unknown_market"]


def test_a_rejected_message_keeps_its_bytes_and_says_where_it_stood():
    one = reader()
    [emitted] = one.read([Message(b"{oops", topic="shop.events", offset=41)], None)
    assert (emitted.id, emitted.value) == ("shop.events/0/41", b"{oops")
    assert (one.next_offset, one.rejects) == (42, {"not_json": 1})


def test_the_end_of_a_file_says_that_nothing_follows():
    assert {batch.watermark_s for batch in reader().end()} == {float("inf")}


def test_after_a_resume_the_last_watermark_is_emitted_again():
    assert reader().resumed() == []
    one = reader()
    take(one, looked(100))
    after = reader(state=one.snapshot())
    assert max(batch.watermark_s for batch in after.resumed()) == T0 + 90
    assert len(after.resumed()) == SHARDS


def test_a_state_of_another_format_is_refused_with_words():
    written = msgspec.msgpack.decode(reader().snapshot())
    with pytest.raises(ValueError, match=r"the state of partition shop.events/0 must be of format 3; got 9"):
        reader(state=msgspec.msgpack.encode([9, *written[1:]]))


messages = st.lists(
    st.one_of(
        st.builds(lambda at, n: looked(at, id=f"e{n}"), st.integers(0, 60), st.integers(0, 8)),
        st.builds(lambda at, n: ordered(at, id=f"e{n}"), st.integers(0, 60), st.integers(0, 8)),
        st.just({"type": "nonsense"}),
        st.builds(looked, st.integers(600, 700)),
    ),
    max_size=15,
)
steps = st.lists(st.one_of(messages, st.integers(0, 200)), max_size=5)


def follow(one, step):
    if isinstance(step, int):
        return one.idle(T0 + step)
    start = one.next_offset or 0
    return one.read([message(event, start + n, 100.0) for n, event in enumerate(step)], None)


@OFTEN
@given(steps, st.integers(0, 5))
def test_a_reader_written_down_at_any_point_goes_on_as_if_it_had_not_been(steps, cut):
    seen = MemorySeenIds()
    one = reader(seen=seen)
    for step in steps[:cut]:
        follow(one, step)
    other = reader(seen=seen, state=one.snapshot())
    for step in steps[cut:]:
        assert follow(one, step) == follow(other, step)
        assert one.snapshot() == other.snapshot()


@OFTEN
@given(steps)
def test_what_is_read_is_accounted_for_and_no_watermark_is_broken(steps):
    one = reader()
    for step in steps:
        watermark_s = one.watermark_s
        emitted = follow(one, step)
        assert adds_up(one.counts)
        accepted = [event for each in emitted if isinstance(each, ShardBatch) for event in each.events]
        assert all(event.at_s >= watermark_s for event in accepted)


@OFTEN
@given(messages, st.lists(st.integers(1, 15), max_size=15))
def test_how_messages_are_batched_changes_nothing(told, sizes):
    whole, split = reader(), reader()
    batch = [message(event, n, 100.0) for n, event in enumerate(told)]
    expected = whole.read(batch, None)
    emitted = []
    while batch:
        size = sizes.pop() if sizes else 1
        emitted += split.read(batch[:size], None)
        batch = batch[size:]

    def outcome(everything):
        accepted = [event for each in everything if isinstance(each, ShardBatch) for event in each.events]
        return sorted(accepted, key=lambda event: (event.at_s, event.id)), [
            e for e in everything if not isinstance(e, ShardBatch)
        ]

    assert outcome(emitted) == outcome(expected)
    assert split.snapshot() == whole.snapshot()


def test_what_an_event_carries_beside_its_kind_is_its_context():
    (plain, said), _ = take(
        reader(),
        looked(0),
        looked(1, consent={"email": True, "app": None}, timezone="Asia/Tokyo", locale="ja-JP"),
    )
    assert plain.context is None
    assert said.context == EventContext({"email": True}, "Asia/Tokyo", "ja-JP")


def test_consent_that_says_nothing_is_no_context():
    (event,), _ = take(reader(), looked(0, consent={"email": None}))
    assert event.context is None


def test_a_cart_may_say_where_it_is_found():
    (added,), _ = take(reader(), carted(0, cart_url="https://shop.example/cart/7"))
    assert added.cart_url == "https://shop.example/cart/7"


def test_the_trace_of_a_record_is_that_of_its_event_and_an_odd_one_is_counted():
    one, parent = reader(), b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    sent = [
        replace(message(looked(0), 0), headers=(("traceparent", parent),)),
        replace(message(looked(1), 1), headers=(("traceparent", b"odd"),)),
    ]
    traces = [each.trace for batch in one.read(sent, None) for each in batch.events]
    assert traces == [Trace(parent.decode()), None]
    assert one.dropped == {"traceparent": 1}
