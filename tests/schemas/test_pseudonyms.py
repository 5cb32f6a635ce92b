"""Pseudonyms: nobody's id goes beyond the decoder, and the key before still erases."""

import orjson
import pytest

from flows.assembly import reader_of
from flows.settings import read_settings
from schemas.adapters.pseudonyms import Pseudonyms, read_keys
from schemas.errors import SetupError
from schemas.message import Message
from tests.builders import shop

NEW, OLD = "n" * 32, "o" * 40
IDS = ("visitor-1042", "user-77", "session-5")
VIEWED = {
    "type": "page_viewed",
    "id": "e-1",
    "time": "2026-03-01T12:00:00Z",
    "visitor_id": IDS[0],
    "user_id": IDS[1],
    "session_id": IDS[2],
}


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{NEW}\n{OLD}\n")
    return path


def read(key_file, *events):
    settings = read_settings(None, pseudonym_key_file=key_file)
    reader = reader_of(settings, shop(), lambda _topic: "native", None, ordered=True)("log/0000", None)
    messages = [
        Message(value if isinstance(value, bytes) else orjson.dumps(value), key=IDS[0].encode(), offset=n)
        for n, value in enumerate(events)
    ]
    return reader.read(messages, None), reader


def events_in(output):
    return [event for batch in output for event in batch.events]


def test_visitors_users_and_sessions_have_other_names(key_file):
    output, reader = read(key_file, VIEWED)
    [event] = events_in(output)
    keys = Pseudonyms((NEW.encode(), OLD.encode()))
    assert event.visitor == keys.of("visitor", IDS[0])
    assert event.user == keys.of("user", IDS[1])
    assert event.session == keys.of("session", IDS[2])
    assert not any(id_ in repr(output) or id_.encode() in reader.snapshot() for id_ in IDS)


def test_what_needs_the_models_is_named_alike(key_file):
    odd = VIEWED | {"id": "e-2", "device": 7}
    first, second = events_in(read(key_file, VIEWED, odd)[0])
    assert (first.visitor, first.user) == (second.visitor, second.user)


def test_a_rejected_record_keeps_its_place_and_reason_alone(key_file):
    output, _ = read(key_file, VIEWED | {"time": "never"}, b"{" + IDS[0].encode())
    assert [each.type for each in output if hasattr(each, "type")] == ["rejected", "rejected"]
    assert not any(id_ in repr(output) for id_ in IDS)


def test_an_erasure_erases_under_the_key_before_too(key_file):
    erased = {"type": "visitor_erased", "id": "e-3", "time": "2026-03-01T12:00:00Z", "visitor_id": IDS[0]}
    keys = read_keys(key_file)
    assert [each.visitor for each in events_in(read(key_file, erased)[0])] == [*keys.every("visitor", IDS[0])]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one or two lines of 32 to 64 characters"),
        ("short", "one or two lines of 32 to 64 characters"),
        ("\n".join([NEW] * 3), "one or two lines"),
        ("ä" * 32, "keys of ASCII characters"),
    ],
)
def test_a_file_without_a_key_is_refused(tmp_path, text, words):
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(SetupError, match=words):
        read_keys(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SetupError, match="PSEUDONYM_KEY_FILE must be a file that can be read"):
        read_keys(tmp_path / "none")
