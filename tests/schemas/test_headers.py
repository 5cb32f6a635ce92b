"""Kafka records as they are: null headers, names and content types in any case."""

import json

import pytest

from schemas.adapters import decoder
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES, as_model, looked

TIME = looked(0)["time"]
BINARY = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"x-1"),
    ("ce_type", b"product_viewed"),
    ("ce_subject", b"v-1"),
    ("ce_time", TIME.encode()),
)
ENVELOPE = {
    "specversion": "1.0",
    "id": "x-1",
    "type": "product_viewed",
    "source": "shop",
    "subject": "v-1",
    "time": TIME,
}


def read(value, *headers):
    message = Message(json.dumps(value).encode(), None, headers)
    return as_model(decoder("native", MAX_EVENT_BYTES)(message).event)


def refused(value, *headers):
    with pytest.raises(InvalidEvent) as wrong:
        read(value, *headers)
    return str(wrong.value)


@pytest.mark.parametrize("name", ["content-type", "traceparent", "ce_traceparent", "ce_specversion", ""])
def test_a_null_header_says_nothing(name):
    assert read(looked(0), (name, None)).id == looked(0)["id"]
    assert read({"sku": "shoe"}, *BINARY, (name, None)).id == "x-1"


@pytest.mark.parametrize("written", [str.upper, str.title, lambda name: name.replace("_", "-")])
def test_the_attributes_in_headers_may_be_written_in_any_case(written):
    headers = [(written(name), value) for name, value in BINARY]
    assert read({"sku": "shoe"}, *headers) == read({"sku": "shoe"}, *BINARY)


@pytest.mark.parametrize(
    "kind",
    [
        "application/cloudevents+json",
        "Application/CloudEvents+JSON; charset=UTF-8",
        " application/cloudevents ",
        "APPLICATION/CLOUDEVENTS+JSON",
    ],
)
@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_a_content_type_may_be_written_in_any_case_with_parameters(name, kind):
    assert read(ENVELOPE | {"data": {"sku": "shoe"}}, (name, kind.encode())).id == "x-1"


@pytest.mark.parametrize(
    ("value", "headers", "words"),
    [
        ({"sku": "shoe"}, BINARY[:1], "invalid: type is missing"),
        (
            {"sku": "shoe"},
            (("CE_specversion", b"0.3"), *BINARY[1:]),
            "invalid: specversion should be 1.0; got '0.3'",
        ),
        ([{"sku": "shoe"}], BINARY, "must be a JSON object; it is an array"),
        (ENVELOPE, (), "data is missing in the CloudEvents envelope"),
        (ENVELOPE | {"data": '{"sku": "shoe"}'}, (), "must be a JSON object; it is a text"),
        (ENVELOPE | {"data": None}, (), "must be a JSON object; it is null"),
        (ENVELOPE | {"data": True}, (), "must be a JSON object; it is a boolean"),
        (ENVELOPE | {"data": 1.5}, (), "must be a JSON object; it is a number"),
    ],
)
def test_what_is_wrong_with_an_envelope_is_said(value, headers, words):
    assert words in refused(value, *headers)


def test_a_type_that_is_not_modelled_is_an_activity_in_an_envelope_too():
    event = read(ENVELOPE | {"type": "com.shop.product_viewed.v1", "data": {"sku": "shoe"}})
    assert (event.type, event.name) == ("activity", "com.shop.product_viewed.v1")


PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-00"


def traced(value, *headers, form="native"):
    read = decoder(form, MAX_EVENT_BYTES)(Message(json.dumps(value).encode(), None, headers))
    return read.trace, read.dropped


def test_a_record_has_the_trace_of_its_headers():
    headers = (("TraceParent", PARENT.encode()), ("tracestate", b"shop=7"))
    assert traced(looked(0), *headers) == ((PARENT, "shop=7"), ())
    call = {"type": "page", "messageId": "m", "anonymousId": "a", "timestamp": TIME}
    assert traced(call, *headers, form="segment") == ((PARENT, "shop=7"), ())
    assert traced(looked(0), ("tracestate", b"shop=7")) == (None, ())
    assert traced(looked(0)) == (None, ())


def test_an_envelope_may_have_the_trace():
    event = {"sku": "mug"}
    assert traced(event, *BINARY, ("ce_traceparent", PARENT.encode())) == ((PARENT, None), ())
    envelope = ENVELOPE | {"data": event, "traceparent": PARENT, "tracestate": "a=b"}
    assert traced(envelope) == ((PARENT, "a=b"), ())
    assert traced(envelope, ("traceparent", OTHER.encode())) == ((OTHER, None), ())


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "yes",
        PARENT.upper(),
        "ff" + PARENT[2:],
        PARENT + "-00",
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + "-01",
        "00-\ufffd",
    ],
)
def test_an_odd_trace_is_dropped_by_name(odd):
    assert traced(looked(0), ("traceparent", odd.encode())) == (None, ("traceparent",))
    assert traced(ENVELOPE | {"data": {"sku": "mug"}, "traceparent": 7}) == (None, ("traceparent",))


def test_an_odd_state_of_a_trace_goes_alone():
    headers = (("traceparent", PARENT.encode()), ("tracestate", b"x" * 513))
    assert traced(looked(0), *headers) == ((PARENT, None), ("tracestate",))
