"""Whatever arrives on the topic is either an event or rejected with a class and a short reason."""

import json

import pytest

from schemas.adapters import FORMATS, Format, decoder
from schemas.errors import SetupError
from schemas.events import EVENTS
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

ADDED = {
    "type": "cart_item_added",
    "id": "e-1",
    "time": "2026-03-01T12:00:00Z",
    "visitor_id": "v-1",
    "items": [{"sku": "mug", "price": 9.5}],
}


def said(**changed):
    return json.dumps(ADDED | changed).encode()


def without(field):
    return json.dumps({name: value for name, value in ADDED.items() if name != field}).encode()


def enveloped(**attributes):
    return json.dumps({"specversion": "1.0"} | attributes).encode()


def refusal(message, form="native", **limits):
    with pytest.raises(InvalidEvent) as wrong:
        decoder(form, **{"max_event_bytes": MAX_EVENT_BYTES} | limits)(message)
    assert len(wrong.value.reason) <= 200
    assert "pydantic" not in wrong.value.reason
    assert "\n" not in wrong.value.reason
    return wrong.value.class_, wrong.value.reason


@pytest.mark.parametrize(
    ("value", "class_", "words"),
    [
        (None, "empty", "the record has no value"),
        (b"", "empty", "the value has no bytes"),
        (b"oops", "not_json", "not JSON: expected value at line 1 column 1"),
        (said()[:-1], "not_json", "not JSON: EOF while parsing"),
        (said(id="?").replace(b"?", b"\\ud800"), "invalid", "id should be a valid string"),
        (said(id="?")[:-1].replace(b"?", b"\\ud800"), "not_json", "not JSON: unexpected end of hex escape"),
        (said() + b"\xff", "encoding", "not UTF-8: byte 0xff at"),
        (said(id="caf\u00e9").decode().encode("utf-16"), "encoding", "not UTF-8: byte 0xff at 0"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "too_deep", "nested too deeply"),
        (said(note="n" * 5_000_000), "too_large", "bytes; an event has at most 1000000"),
        (said(type=""), "unknown_type", "type '' is not known"),
        (said(type=None), "unknown_type", "type 'None' is not known"),
        (without("type"), "invalid", "type is missing"),
        (said(market="At Lantis"), "unknown_market", "market 'At Lantis' is not a market's name"),
        (without("visitor_id"), "invalid", "visitor_id is missing"),
        (said(visitor_id=""), "invalid", "visitor_id should have at least 1 character"),
        (said(id="x" * 201), "invalid", "id should have at most 200 characters"),
        (said(id=7), "invalid", "id should be a valid string; got 7"),
        (said(items=[]), "invalid", "items should not be empty"),
        (said(items={"sku": "mug", "price": 1}), "invalid", "items should be a valid array"),
        (said(currency="euro"), "currency", "currency 'euro' is no code like EUR"),
        (said(time="1999-12-31T23:59:59Z"), "invalid", "time should be greater than or equal to 2000-01-01"),
        (said(time="2026-03-01T12:00:00"), "invalid", "time should have timezone info"),
        (said(time="yesterday"), "invalid", "time should be a valid datetime"),
        (said(time=1772366400), "invalid", "time should be a valid datetime; got 1772366400"),
        (b"[]", "empty", "the batch holds no event"),
        (b"7", "invalid", "an event must be a JSON object"),
    ],
)
def test_a_bad_message_is_refused_in_words(value, class_, words):
    got, reason = refusal(Message(value, b"v-1"))
    assert got == class_
    assert words in reason


def test_an_empty_key_is_refused_and_no_key_is_fine():
    assert refusal(Message(said(), b"")) == (
        "empty_key",
        "the key has no bytes; leave it out or name the visitor",
    )
    assert decoder("native", MAX_EVENT_BYTES)(Message(said(), None)).event.id == "e-1"


def test_the_limit_of_a_message_is_a_setting():
    assert refusal(Message(said()), max_event_bytes=10)[0] == "too_large"


def test_a_reason_holds_no_text_of_the_visitor():
    assert "anna@" not in refusal(Message(said(time="anna@example.org")))[1]


@pytest.mark.parametrize(
    ("value", "class_", "words"),
    [
        (enveloped(data=ADDED, specversion="0.3"), "invalid", "specversion should be 1.0; got '0.3'"),
        (enveloped(), "invalid", "data is missing in the CloudEvents envelope"),
        (enveloped(data="text"), "invalid", "the data of a CloudEvents envelope must be a JSON object"),
        (enveloped(data_base64="%"), "encoding", "data_base64 is not base64"),
        (enveloped(data_base64=1), "encoding", "data_base64 is not base64"),
        (enveloped(data_base64="eA=="), "not_json", "not JSON: expected value"),
        (enveloped(data={"price": 1}), "invalid", "type is missing"),
        (enveloped(data=ADDED | {"id": 7}), "invalid", "id should be a valid string; got 7"),
        (b'["specversion"', "not_json", "not JSON: EOF"),
    ],
)
def test_a_bad_envelope_is_refused_in_words(value, class_, words):
    got, reason = refusal(Message(value))
    assert got == class_
    assert words in reason


def test_a_structured_envelope_that_is_no_object_is_refused():
    message = Message(b"7", None, (("Content-Type", b"application/cloudevents+json"),))
    assert refusal(message) == ("invalid", "a CloudEvents envelope must be a JSON object; it is a number")


def test_a_ce_header_in_another_encoding_is_refused():
    message = Message(said(), None, (("ce_specversion", b"1.0"), ("ce_id", b"\xff")))
    assert refusal(message) == ("encoding", "a ce_ header is not UTF-8")


def test_a_reader_that_breaks_costs_one_message(monkeypatch):
    monkeypatch.setitem(FORMATS, "native", Format(lambda message: message.nothing))
    assert refusal(Message(said())) == ("internal", "AttributeError while reading native")


def test_an_unknown_format_stops_the_set_up():
    with pytest.raises(SetupError, match=r"format must be one of native, .*; got 'nonsense'"):
        decoder("nonsense", MAX_EVENT_BYTES)


def test_an_event_does_not_change_once_it_happened():
    event = EVENTS.validate_json(said())
    with pytest.raises(ValueError, match="frozen"):
        event.visitor_id = "v-2"
