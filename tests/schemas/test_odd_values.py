"""One odd value anywhere in a message costs the message or only itself; it is never an internal error."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.adapters import FORMATS, decode_each, decoder
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES, OFTEN, form_of

GOLDEN = Path(__file__).parent / "golden"
ODD = [
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    "",
    " ",
    "x",
    "é" * 500,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": None},
    {"data": []},
]


def objects(form):
    lines = map(json.loads, (GOLDEN / f"{form}.jsonl").read_text().splitlines())
    return [line["given"] for line in lines if isinstance(line["given"], dict)]


def places(value, path=()):
    """Every place in a message: the path to it."""
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))
        else:
            yield (*path, key)


def replaced(value, path, odd):
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


def refusals(decode, message):
    """The classes of what is refused of a message, in its parts if it has several events."""
    found = (each for _, each in decode_each(decode, Message(json.dumps(message).encode())))
    return {each.class_ for each in found if isinstance(each, InvalidEvent)}


@pytest.mark.parametrize(
    "form", [form for form in FORMATS if (GOLDEN / f"{form}.jsonl").exists() and objects(form)]
)
def test_an_odd_value_is_no_internal_error(form):
    decode = decoder(form_of(form), MAX_EVENT_BYTES)
    every = [(message, path) for message in objects(form) for path in places(message)]

    @OFTEN
    @given(st.sampled_from(every), st.sampled_from(ODD))
    def holds(place, odd):
        message, path = place
        assert "internal" not in refusals(decode, replaced(message, path, odd))

    holds()
