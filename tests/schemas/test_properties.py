"""Whatever an event says survives the wire, and whatever bytes arrive only InvalidEvent comes out."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.adapters import CSV_FORMATS, FORMATS, decode_each, decoder
from schemas.dead_letters import split_headers
from schemas.events import EVENTS, CartItemRemoved, CartUpdated, Event, Item, OrderRefunded, RemovedItem
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject, rejected_line, rejected_record, shrunk
from tests.builders import MAX_EVENT_BYTES, as_model, form_of

amounts = st.floats(0, 1e9)
ids = st.text(min_size=1, max_size=200)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  given a zone
header_names = st.text(max_size=9) | st.sampled_from(
    ["ce_id", "ce_type", "class", "offerstream.class", "offerstream.headers", "offerstream.cut"]
)
quick = settings(max_examples=60, deadline=None)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def judged(form, message):
    """The first part of a message that is no event, and why."""
    for part, read in decode_each(decoder(form_of(form), MAX_EVENT_BYTES), message):
        if isinstance(read, InvalidEvent):
            return part, read
    return None


def calls(name):
    """Calls that look right at first sight, with anything in any of their fields."""
    fields = (
        "properties",
        "context",
        "anonymousId",
        "userId",
        "messageId",
        "timestamp",
        "sentAt",
        "receivedAt",
    )
    right = {"anonymousId": "a", "messageId": "m", "timestamp": "2026-03-01T12:00:00Z"}
    anything = st.dictionaries(st.sampled_from(fields), json_values, max_size=3)
    return anything.map(lambda said: json.dumps({"type": "track", "event": name} | right | said).encode())


def instances(kind):
    """Any instances of a kind; amounts and times within bounds that their types alone do not tell."""
    bounded = {
        "market": st.just("default"),
        "time": times,
        "price": amounts if kind is Item else st.none() | amounts,
        "unit_cost": st.none() | amounts,
        "sku": st.none() | ids if kind is Item else ids,
    }
    if "items" in kind.model_fields:
        least = 0 if kind is CartUpdated else 1
        item = instances(RemovedItem if kind in (CartItemRemoved, OrderRefunded) else Item)
        bounded["items"] = st.lists(item, min_size=least, max_size=3).map(tuple)
    return st.builds(kind, **{name: bounded[name] for name in kind.model_fields if name in bounded})


@pytest.mark.parametrize("kind", get_args(get_args(Event)[0]), ids=lambda kind: kind.__name__)
def test_every_kind_of_event_survives_the_wire(kind: type[BaseModel]):
    @quick
    @given(instances(kind))
    def survives(event):
        wire = EVENTS.dump_json(event)
        assert as_model(decoder("native", MAX_EVENT_BYTES)(Message(wire)).event) == event

    survives()


@pytest.mark.parametrize("form", FORMATS)
@quick
@given(value=st.binary(max_size=80) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_become_an_event_or_a_reject(form, value):
    if (refused := judged(form, Message(value, topic="t"))) is not None:
        part, wrong = refused
        assert wrong.class_ != "internal"
        assert rejected_line(reject(part, wrong)).reason == wrong.reason


def golden(form):
    """What was given in the golden lines of a format of JSON, with its headers."""
    for line in (Path(__file__).parent / "golden" / f"{form}.jsonl").read_text().splitlines():
        record = json.loads(line)
        headers = record.get("headers", {}).items()
        yield record["given"], tuple((name, value.encode()) for name, value in headers)


def places(value, path=()):
    """Where anything is in a JSON value, itself among it."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*path, name))


def replaced(value, path, other):
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], other)
    return copy


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in CSV_FORMATS])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_one_place_of_a_message_it_becomes_an_event_or_a_reject(form, data):
    value, headers = data.draw(st.sampled_from(list(golden(form))))
    other = data.draw(json_values)
    changed = replaced(value, data.draw(st.sampled_from(list(places(value)))), other)
    refused = judged(form, Message(json.dumps(changed).encode(), headers=headers))
    assert refused is None or refused[1].class_ != "internal", refused


@quick
@given(
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=400),
    headers=st.lists(st.tuples(header_names, st.none() | st.binary(max_size=90)), max_size=6).map(tuple),
    limit=st.integers(0, 4000),
)
def test_any_reject_comes_back_from_the_topic_whole_or_says_what_is_cut(key, value, headers, limit):
    whole = reject(Message(value, key, headers, "t", 0, 1), InvalidEvent("late", "why"))
    sent = shrunk(whole, limit)
    head = (("ce_id", sent.id.encode()), ("ce_type", b"rejected"))
    found = rejected_record(Message(sent.value, sent.key, (*head, *sent.headers)))
    assert found == sent
    cut = rejected_line(found).cut or ()
    own = split_headers(found.headers).own
    assert ("key" in cut, "headers" in cut, "value" in cut) == (
        *(found.key != key, own != headers, found.value != value),
    )
    assert found.size_bytes <= max(limit, 2000)


@pytest.mark.parametrize("name", ["Product Viewed", "Product Added", "Order Completed", "Cart Viewed"])
def test_any_call_becomes_an_event_or_a_reject(name):
    @quick
    @given(calls(name))
    def holds(value):
        refused = judged("segment", Message(value))
        assert refused is None or refused[1].class_ != "internal"

    holds()
