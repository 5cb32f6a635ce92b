"""Segment and RudderStack calls that cannot be taken; what can stands in the golden lines."""

import json

import pytest

from schemas.adapters import decoder
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

CALL = {
    "type": "track",
    "event": "Product Viewed",
    "messageId": "m-1",
    "anonymousId": "a-1",
    "timestamp": "2026-03-01T12:00:00Z",
    "properties": {"product_id": "507", "price": 18.99},
}
CLOCKS = ("originalTimestamp", "sentAt", "receivedAt")


def read(value):
    return decoder("segment", MAX_EVENT_BYTES)(Message(value)).event


def call(**changed):
    return read(json.dumps(CALL | changed).encode())


def test_times_are_taken_by_the_clock_of_the_receiver():
    hours = ("2031-01-01T10:00:00Z", "2031-01-01T10:00:30Z", "2026-03-01T12:01:00Z")
    assert call(**dict(zip(CLOCKS, hours, strict=True))).time.isoformat() == "2026-03-01T12:00:30+00:00"


def test_without_all_three_clocks_the_timestamp_counts():
    event = call(originalTimestamp="2031-01-01T10:00:00Z", sentAt="2031-01-01T10:00:30Z")
    assert event.time.isoformat() == "2026-03-01T12:00:00+00:00"


def test_an_empty_anonymous_id_is_none():
    assert call(anonymousId="", userId="u-1").visitor_id == "u-1"


def test_the_product_id_wins_over_the_sku():
    assert call(properties={"sku": "s", "product_id": "p"}).sku == "p"
    assert call(properties={"sku": "s", "product_id": ""}).sku == "s"


@pytest.mark.parametrize(
    ("changed", "class_", "words"),
    [
        ({"type": "group"}, "unknown_type", "call 'group' reports no shop event"),
        ({"type": None}, "unknown_type", "call None reports no shop event"),
        ({"event": 7}, "invalid", "event should be the name of what is tracked"),
        ({"event": None}, "invalid", "event should be the name of what is tracked"),
        ({"anonymousId": None}, "invalid", "anonymousId and userId are missing"),
        ({"messageId": ""}, "invalid", "messageId is missing"),
        ({"messageId": None}, "invalid", "messageId is missing"),
        ({"timestamp": None}, "invalid", "timestamp is missing"),
        ({"timestamp": "noon"}, "invalid", "timestamp should be a time like 2026-01-31T12:00:00.000Z"),
        ({"timestamp": 5}, "invalid", "timestamp should be a time like"),
        ({"timestamp": "2026-03-01T12:00:00"}, "invalid", "timestamp should have a time zone"),
        (
            dict(
                zip(
                    CLOCKS,
                    ("9999-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "9999-01-01T00:00:00Z"),
                    strict=True,
                )
            ),
            "invalid",
            "originalTimestamp and sentAt lie too far apart",
        ),
        ({"properties": []}, "invalid", "properties should be an object"),
        ({"context": 1}, "invalid", "context should be an object"),
        ({"context": {"device": 1}}, "invalid", "device should be an object"),
        ({"properties": {}}, "invalid", "sku is missing"),
        (
            {"event": "Product Added", "properties": {"products": 1}},
            "invalid",
            "products should be a list of objects",
        ),
        ({"event": "Offer Shown", "properties": {}}, "invalid", "offer_id is missing"),
    ],
)
def test_a_call_that_is_no_event_is_refused_in_words(changed, class_, words):
    with pytest.raises(InvalidEvent) as wrong:
        call(**changed)
    assert wrong.value.class_ == class_
    assert words in wrong.value.reason


def test_a_call_must_be_an_object():
    with pytest.raises(InvalidEvent, match="invalid: a call must be a JSON object"):
        read(b"7")


def test_a_call_must_be_json():
    with pytest.raises(InvalidEvent, match="not_json: not JSON"):
        read(b"type,track")
