"""When events happened, read ahead: what the decoder says, for every format and however wrong the record."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.files import event_times
from flows.files.event_times import time_reader
from flows.files.input_file import InputFile
from flows.files.text_lines import Lines
from schemas.adapters import CSV_HEADER, FORMATS, Decoded, decode_each, decoder
from schemas.message import Message
from tests.builders import MAX_EVENT_BYTES, OFTEN, form_of

GOLDEN = Path(__file__).parents[2] / "schemas" / "golden"
FILE = InputFile(Path("events"), "events", is_gzip=False, records=Lines)


def golden(name):
    for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines():
        record = json.loads(line)
        if not record.get("headers"):
            given_ = record["given"]
            yield (given_ if isinstance(given_, str) else json.dumps(given_)).encode()


def decoded_time(form, value, headers=()):
    found = decode_each(decoder(form_of(form), MAX_EVENT_BYTES), Message(value, None, headers))
    return next((read.event.time for _, read in found if isinstance(read, Decoded)), None)


@pytest.mark.parametrize("name", [*FORMATS, "cloudevents"])
def test_the_time_is_that_of_the_decoded_event(name):
    form = "native" if name == "cloudevents" else name
    time_of = time_reader(FILE, form_of(form), MAX_EVENT_BYTES)
    values = list(golden(name))
    assert values
    for value in values:
        assert time_of(value) == decoded_time(form, value) is not None


@pytest.mark.parametrize("form", FORMATS)
def test_the_time_of_a_format_without_a_short_way_is_decoded(form, monkeypatch):
    monkeypatch.setattr(event_times, "_native_time", None)
    monkeypatch.setattr(event_times, "_segment_time", None)
    monkeypatch.setattr(event_times, "rees46_times", lambda _header: None)
    time_of = time_reader(FILE, form_of(form), MAX_EVENT_BYTES)
    for value in golden(form):
        assert time_of(value) == decoded_time(form, value) is not None


def test_the_time_of_a_record_of_several_events_is_that_of_the_first():
    events = [{"name": "page_view", "timestamp_micros": 1_772_366_400_000_000 + at} for at in (5, 0)]
    payload = json.dumps({"client_id": "9", "events": events}).encode()
    assert time_reader(FILE, "ga4", MAX_EVENT_BYTES)(payload).microsecond == 5


def test_the_time_of_a_row_is_in_the_column_that_the_header_names():
    header = b"user_id;price;event_time;product_id;event_type;note"
    row = b"5413;35.79;%s;446;view;%s"
    file = FILE._replace(headers=((CSV_HEADER, header),))
    time_of = time_reader(file, "rees46", MAX_EVENT_BYTES)
    for text in (b"2019-10-01T02:00:00+02:00", b"2019-10-01 00:00:00 UTC", b'"2019-10-01 00:00"'):
        for note in (b"", b'"a;b"'):
            value = row % (text, note)
            assert time_of(value) == decoded_time("rees46", value, file.headers) is not None


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("value", [b"{}", b"[]", b"\xff", b"1", b"," * 8, b"[" * 100_000, b'{"time": 1}'])
def test_what_is_no_event_has_no_time(form, value):
    assert time_reader(FILE, form_of(form), MAX_EVENT_BYTES)(value) is None


SAID = ["2026-01-01T00:00:00Z", "2026-01-01", "1.0", 1, None, {"time": "2025-01-01T00:00:00Z"}]


@OFTEN
@given(st.dictionaries(st.sampled_from(["time", "specversion", "id", "data"]), st.sampled_from(SAID)))
def test_a_decoded_event_happened_when_it_was_read_ahead(fields):
    event = {"type": "page_viewed", "visitor_id": "ann", "id": "1", "time": "2024-02-29T23:59:59.1234+01:00"}
    value = json.dumps(event | fields).encode()
    assert decoded_time("native", value) in (None, time_reader(FILE, "native", MAX_EVENT_BYTES)(value))
