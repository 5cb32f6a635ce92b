"""What a shop sends beyond the fields that are read goes no further than the decoder."""

import json

import pytest

from operators.ingest.from_events import Placed, shop_event
from schemas.adapters import decoder
from schemas.message import Message
from tests.builders import MAX_EVENT_BYTES
from tests.schemas.test_golden import CASES

MARK = "ann@personal.example"


def marked(value):
    """A record with a personal field in every object of it."""
    if isinstance(value, dict):
        return {name: marked(each) for name, each in value.items()} | {"email_of_ann": MARK}
    if isinstance(value, list):
        return [marked(each) for each in value]
    return value


@pytest.mark.parametrize(("form", "offset", "line"), CASES)
def test_an_unknown_field_is_dropped(form, offset, line):
    given = line["given"]
    if not isinstance(given, dict):
        pytest.skip("a line of text has no fields of its own")
    headers = tuple((name, said.encode()) for name, said in line.get("headers", {}).items())
    message = Message(json.dumps(marked(given)).encode(), None, headers, "shop.events", 0, offset, part=0)
    event = decoder(form, MAX_EVENT_BYTES)(message).event
    assert MARK not in repr(shop_event(event, "default", Placed(1.7e9)))
