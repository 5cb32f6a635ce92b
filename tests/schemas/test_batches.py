"""One message may hold several events: each is read, refused and sent back by itself."""

import json
from pathlib import Path

import pytest

from schemas.adapters import Decoded, SeveralEvents, decode_each, decoder
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject, rejected_line, rejected_record
from tests.builders import MAX_EVENT_BYTES, form_of, looked

BATCH = (("Content-Type", b"Application/CloudEvents-Batch+JSON; charset=UTF-8"), ("trace", None))


def message(value, headers=()):
    return Message(json.dumps(value).encode(), b"k", headers, "shop.events", 3, 41)


def each(value, form="native", headers=()):
    return list(decode_each(decoder(form, MAX_EVENT_BYTES), message(value, headers)))


def envelope(number, **more):
    attributes = {"specversion": "1.0", "id": f"x-{number}", "source": "shop", "type": "page_viewed"}
    return attributes | {"subject": "v-1", "time": looked(0)["time"], "data": {}} | more


def call(**more):
    return {"type": "page", "messageId": "m-1", "anonymousId": "a-1", "timestamp": looked(0)["time"]} | more


def test_a_batch_of_envelopes_is_its_events():
    found = each([envelope(1), envelope(2)], headers=BATCH)
    assert [(part.part, read.event.id) for part, read in found] == [(0, "x-1"), (1, "x-2")]
    assert [part.headers for part, _ in found] == [
        (("Content-Type", b"application/cloudevents+json"), ("trace", None)),
    ] * 2


def test_an_array_needs_no_header_and_may_hold_native_events():
    assert [read.event.id for _, read in each([envelope(1), looked(0)])] == ["x-1", looked(0)["id"]]


def test_a_single_envelope_under_the_header_of_a_batch_is_one_event():
    assert [read.event.id for _, read in each(envelope(1), headers=BATCH)] == ["x-1"]


def test_a_part_without_an_id_is_named_by_where_it_stood():
    nameless = {name: value for name, value in looked(0).items() if name != "id"}
    found = each([nameless, envelope(1, id=""), nameless])
    assert [read.event.id for _, read in found] == [f"shop.events/3/41/{number}" for number in range(3)]


@pytest.mark.parametrize("form", ["native", "segment"])
def test_a_part_that_is_sent_back_by_itself_is_read_as_in_its_batch(form):
    envelopes, calls = [envelope(1), envelope(2, id="")], [call(), call(messageId=None)]
    given = envelopes if form == "native" else {"batch": calls}
    decode = decoder(form, MAX_EVENT_BYTES)
    for part, read in each(given, form, BATCH if form == "native" else ()):
        alone = Message(part.value, part.key, part.headers, "shop.events", 3, 99)
        assert decode(alone).event == read.event


def test_a_rejected_part_keeps_its_place_and_its_own_bytes():
    [_, (part, wrong)] = each([looked(0), {"type": "page_viewed"}])
    record = reject(part, wrong)
    assert (record.id, record.key, record.source) == ("shop.events/3/41/1", b"k", ("shop.events", 3))
    assert json.loads(record.value) == {"type": "page_viewed", "id": "shop.events/3/41/1"}
    head = (("ce_id", record.id.encode()), ("ce_type", b"rejected"))
    assert rejected_record(Message(record.value, record.key, (*head, *record.headers))) == record
    assert rejected_line(record).offset == 41


def test_a_batch_within_a_batch_is_refused():
    [(_, wrong)] = each([[looked(0)]])
    assert str(wrong) == "invalid: an event must be a JSON object"


@pytest.mark.parametrize(("form", "given"), [("native", []), ("segment", []), ("segment", {"batch": []})])
def test_an_empty_batch_is_refused(form, given):
    [(part, wrong)] = each(given, form)
    assert str(wrong) == "empty: the batch holds no event"
    assert part.part is None


def test_calls_take_from_their_batch_what_they_lack():
    batch = {
        "batch": [
            call(context={"sessionId": "s-2"}),
            call(messageId="m-2", anonymousId=None, timestamp=None),
            7,
        ],
        "anonymousId": "a-9",
        "userId": "u-9",
        "messageId": "m-9",
        "timestamp": "2026-03-01T12:00:00Z",
        "context": {"device": {"type": "mobile"}, "sessionId": "s-1"},
    }
    first, second, (_, wrong) = each(batch, "segment")
    event = first[1].event
    assert (event.id, event.visitor_id, event.user_id) == ("m-1", "a-1", "u-9")
    assert (event.session_id, event.device) == ("s-2", "mobile")
    event = second[1].event
    assert (event.id, event.visitor_id, event.session_id) == ("m-2", "a-9", "s-1")
    assert event.time.isoformat() == "2026-03-01T12:00:00+00:00"
    assert str(wrong) == "invalid: a call must be a JSON object"


def test_an_array_of_calls_is_a_batch_too():
    assert [read.event.id for _, read in each([call(), call(messageId="m-2")], "segment")] == ["m-1", "m-2"]


def test_a_property_named_batch_makes_no_batch():
    assert isinstance(each(call(properties={"batch": "b-7"}), "segment")[0][1], Decoded)
    assert isinstance(each(call(batch="b-7"), "segment")[0][1], Decoded)


def test_half_a_surrogate_pair_in_a_batch_costs_its_field():
    [(_, read)] = each([looked(0, device="\ud83d")])
    assert read.dropped == ("device",)


def test_who_decodes_a_batch_at_once_is_told_of_its_parts():
    with pytest.raises(SeveralEvents) as several:
        decoder("native", MAX_EVENT_BYTES)(message([looked(0), looked(1)]))
    assert [part.part for part in several.value.parts] == [0, 1]
    assert isinstance(each(7)[0][1], InvalidEvent)


@pytest.mark.parametrize("form", ["ga4", "snowplow", "shopify", "woocommerce", "commercetools", "generic"])
def test_an_array_of_records_is_its_records_in_every_format(form):
    golden = (Path(__file__).parent / "golden" / f"{form}.jsonl").read_text().splitlines()
    records = [given for line in golden if isinstance(given := json.loads(line)["given"], dict)]
    records = [one for one in records if "orders_to_redact" not in one]  # its time stands in a header
    alone = [read.event for record in records for _, read in each(record, form_of(form))]
    found = each([*records[:1], 7, *records[1:]], form_of(form))
    together = [read.event for _, read in found if isinstance(read, Decoded)]
    assert [(read.type, read.time) for read in together] == [(read.type, read.time) for read in alone]
    assert [part.part for part, _ in found] == list(range(len(alone) + 1))
    assert sum(isinstance(read, InvalidEvent) for _, read in found) == 1


@pytest.mark.parametrize("form", ["ga4", "snowplow", "shopify", "woocommerce", "commercetools", "generic"])
def test_an_array_of_nothing_is_refused(form):
    ((_, refused),) = each([], form_of(form))
    assert (refused.class_, refused.reason) == ("empty", "the batch holds no event")
