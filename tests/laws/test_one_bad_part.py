"""Law 12: one bad part costs only itself."""

import orjson
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from operators.streaming.messages import OutputRecord
from schemas.message import Message
from tests.laws.shopping import log, readers, settings

EVENTS = log(visitors=20)
WITH_LINES = [event for event in EVENTS if event["type"] in ("cart_item_added", "order_completed")]
OPTIONAL = ("device", "source", "session_id", "timezone", "locale", "segment")

odd = st.sampled_from([True, 5, 1.5, [], {}, ["phone"], "x" * 2000, "half \ud83d"])
odd_lines = st.sampled_from(
    [None, 3, [], {}, {"sku": True}, {"sku": "s", "price": "free"}, {"sku": "s", "price": 1, "quantity": -1}]
)
odd_headers = st.sampled_from([("ce_source", None), ("Content-Type", None), ("tracestate", b"\xff")])


def read(event, headers=()):
    """The shop events that are made of one record at home, what is rejected of it, and its reader."""
    reader = readers(settings(), ordered=True)("log/0000", None)
    value = orjson.dumps(event) if isinstance(event, dict) else event
    out = reader.read([Message(value, headers=headers, topic="log")], None)
    rejected = [each for each in out if isinstance(each, OutputRecord)]
    made = [one for each in out if not isinstance(each, OutputRecord) for one in each.events]
    return made, rejected, reader


def spoilt(event, name, value):
    """The record with a part of it replaced; JSON may escape half a surrogate pair, which is no text."""
    if isinstance(value, str) and "\ud83d" in value:
        return orjson.dumps(event | {name: "half"}).replace(b'"half"', b'"half \\ud83d"')
    return orjson.dumps(event | {name: value})


@effort(max_examples=60, deadline=None)
@given(event=st.sampled_from(EVENTS), name=st.sampled_from(OPTIONAL), value=odd)
def test_an_odd_optional_field_costs_only_itself_and_is_counted_by_name(event, name, value):
    plain, _, _ = read({field: what for field, what in event.items() if field != name})
    made, rejected, reader = read(spoilt(event, name, value))
    assert (made, rejected) == (plain, [])
    assert reader.dropped == {name: 1}


@effort(max_examples=20, deadline=None)
@given(event=st.sampled_from(EVENTS), channel=st.sampled_from(["email", "app"]), value=odd.filter(bool))
def test_an_odd_channel_of_consent_costs_only_itself(event, channel, value):
    value = "yes" if value is True or (isinstance(value, str) and "half" in value) else value
    plain, _, _ = read(event | {"consent": {"on_site": True}})
    made, rejected, reader = read(event | {"consent": {"on_site": True, channel: value}})
    assert (made, rejected) == (plain, [])
    assert reader.dropped == {f"consent.{channel}": 1}


@effort(max_examples=60, deadline=None)
@given(event=st.sampled_from(WITH_LINES), line=odd_lines)
def test_an_odd_line_leaves_the_others_as_they_are(event, line):
    plain, _, _ = read(event)
    made, rejected, reader = read(event | {"items": [*event["items"], line]})
    assert not rejected
    assert [one.lines[: len(event["items"])] for one in made] == [one.lines for one in plain]
    assert all(one.partial for one in made)
    assert reader.counts.partial == 1


@effort(max_examples=20, deadline=None)
@given(event=st.sampled_from(EVENTS), header=odd_headers)
def test_an_odd_header_changes_nothing(event, header):
    assert read(event, (header,))[:2] == read(event)[:2]
