"""Which format messages are in: every format recognises its own."""

from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from schemas.adapters import FORMATS, Format, decoding
from schemas.adapters.guessing import Fit, better_format, fit_of, likely_format
from schemas.message import Message
from tests.builders import MAX_EVENT_BYTES, event, form_of, looked, message, segment_calls

SEGMENT = [Message(call) for call in segment_calls(20)]


def test_messages_are_told_by_the_format_that_takes_them():
    native = [message(looked(n), n) for n in range(20)]
    assert likely_format("native", SEGMENT, MAX_EVENT_BYTES) == "segment"
    assert likely_format("segment", native, MAX_EVENT_BYTES) == "native"


@pytest.mark.parametrize("form", [name for name in FORMATS if name != "generic"])
def test_what_no_format_takes_is_like_none(form):
    assert likely_format(form, [Message(b"\x00"), Message(b"{}"), Message(None)], MAX_EVENT_BYTES) is None
    assert likely_format(form, [], MAX_EVENT_BYTES) is None


GOLDEN = Path(__file__).parent / "golden"


def golden(name):
    """What a source sends, as the golden lines of its format have it."""
    for line in map(orjson.loads, (GOLDEN / f"{name}.jsonl").read_bytes().splitlines()):
        given = line["given"]
        headers = tuple((name, value.encode()) for name, value in line.get("headers", {}).items())
        yield Message(given.encode() if isinstance(given, str) else orjson.dumps(given), None, headers)


@pytest.mark.parametrize("form", [name for name in FORMATS if name != "generic"])
def test_every_format_is_told_by_what_its_source_sends(form):
    other = "segment" if form == "native" else "native"
    assert likely_format(other, golden(form), MAX_EVENT_BYTES) == form
    assert likely_format(form, golden(form), MAX_EVENT_BYTES) is None


def test_a_house_format_is_tried_only_where_it_is_named():
    form = form_of("generic")
    assert likely_format("native", golden("generic"), MAX_EVENT_BYTES) is None
    assert likely_format(form, golden("generic"), MAX_EVENT_BYTES) is None
    assert likely_format(form, SEGMENT, MAX_EVENT_BYTES) == "segment"


def test_a_message_in_the_frame_of_a_registry_is_read_without_it():
    framed = [replace(each, value=bytes([0, 0, 0, 0, 7]) + each.value) for each in SEGMENT]
    assert likely_format("native", framed, MAX_EVENT_BYTES) == "segment"


def test_the_given_format_is_kept_unless_another_is_clearly_better():
    mixed = {"native": Fit(100, 60, 45), "segment": Fit(100, 60, 55)}
    assert better_format("native", mixed) is None
    assert better_format("native", mixed | {"segment": Fit(100, 60, 56)}) == "segment"
    assert better_format("segment", mixed) is None


def test_bare_activity_is_no_sign_of_a_format():
    odd = [message(event("ping", n), n) for n in range(20)]
    assert fit_of("native", odd, MAX_EVENT_BYTES) == Fit(20, 20, 0)


def test_a_message_of_several_events_fits_where_one_of_them_does(monkeypatch):
    halves = Format(
        FORMATS["native"].read,
        lambda each: [Message(part) for part in each.value.split(b"|")],
    )
    monkeypatch.setitem(decoding.FORMATS, "halves", halves)
    value = message(looked(0), 0).value
    assert fit_of("halves", [Message(value + b"|x"), Message(b"x|y")], MAX_EVENT_BYTES) == Fit(2, 1, 1)


def test_a_format_that_stumbles_over_what_is_not_its_own_takes_nothing(monkeypatch):
    def stumble(_message):
        raise KeyError("events")

    monkeypatch.setitem(decoding.FORMATS, "odd", Format(stumble, stumble))
    assert fit_of("odd", SEGMENT[:1], MAX_EVENT_BYTES) == Fit(1, 0, 0)
