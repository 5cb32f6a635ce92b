"""Golden lines of every kind and adapter: a change to them is a change of contract."""

import json
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from schemas.adapters import decoder
from schemas.decisions import DECISION_RECORDS, read_decision_record
from schemas.events import EVENTS, Event
from schemas.message import Message
from schemas.offers import OFFER_RECORDS, read_offer_record
from schemas.records import encode
from schemas.redriven import NOTES, read_note
from schemas.rejected import Rejected
from tests.builders import MAX_EVENT_BYTES, as_model, form_of

GOLDEN = Path(__file__).parent / "golden"
KINDS = {kind.model_fields["type"].annotation.__args__[0] for kind in get_args(get_args(Event)[0])}


def lines(name):
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


def told(form, offset, line):
    given = line["given"]
    value = given if isinstance(given, str) else json.dumps(given)
    headers = tuple((name, said.encode()) for name, said in line.get("headers", {}).items())
    message = Message(value.encode(), None, headers, "shop.events", 0, offset, part=0)
    return as_model(decoder(form, MAX_EVENT_BYTES)(message).event)


CASES = [
    pytest.param(form, offset, line, id=f"{name}-{offset}")
    for name, form in {
        "native": "native",
        "cloudevents": "native",
        "segment": "segment",
        "ga4": "ga4",
        "snowplow": "snowplow",
        "rees46": "rees46",
        "shopify": "shopify",
        "woocommerce": "woocommerce",
        "commercetools": "commercetools",
        "generic": form_of("generic"),
    }.items()
    for offset, line in enumerate(lines(name))
]


@pytest.mark.parametrize(("form", "offset", "line"), CASES)
def test_what_a_shop_sent_is_read_as_ever(form, offset, line):
    event = told(form, offset, line)
    assert EVENTS.dump_python(event, mode="json", exclude_defaults=True) == line["event"]


@pytest.mark.parametrize(("form", "kinds"), [("native", KINDS), ("segment", KINDS)])
def test_every_kind_has_a_golden_line(form, kinds):
    assert {line["event"]["type"] for line in lines(form)} == kinds


RECORDS = {
    "offers": (read_offer_record, set(OFFER_RECORDS)),
    "decisions": (read_decision_record, set(DECISION_RECORDS)),
    "notes": (read_note, set(NOTES)),
}


KINDS_OF = {"offers": OFFER_RECORDS, "decisions": DECISION_RECORDS, "notes": NOTES}


def with_default(kind):
    """Fields without which a record is read: a later version added them, or they are always the same."""
    return {each.name for each in msgspec.structs.fields(kind) if not each.required}


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_is_read_and_written_as_was_promised(name):
    read, types = RECORDS[name]
    for line in lines(name):
        assert json.loads(encode(read(json.dumps(line).encode()))) == line
    assert {line["type"] for line in lines(name)} == types


@pytest.mark.parametrize("line", lines("offers_of_earlier_versions"))
def test_an_offer_record_of_an_earlier_version_is_read(line):
    written = json.loads(encode(read_offer_record(json.dumps(line).encode())))
    assert {name: written[name] for name in line if name != "data"} == {
        name: value for name, value in line.items() if name != "data"
    }
    assert written["data"].keys() >= line["data"].keys()


def test_every_rejected_line_is_read_and_written_as_was_promised():
    for line in lines("rejected"):
        read = Rejected.model_validate_json(json.dumps(line))
        assert json.loads(read.model_dump_json(exclude_none=True)) == line


@pytest.mark.parametrize("name", RECORDS)
def test_a_reader_ignores_fields_that_a_later_version_has_added(name):
    read, _ = RECORDS[name]
    for line in lines(name):
        assert read(json.dumps(line | {"extra": 1}).encode()) == read(json.dumps(line).encode())


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_without_one_of_its_fields_is_refused(name):
    read, _ = RECORDS[name]
    for line in lines(name):
        for field in line.keys() - with_default(KINDS_OF[name][line["type"]]):
            less = {key: value for key, value in line.items() if key != field}
            with pytest.raises(msgspec.ValidationError, match=field):
                read(json.dumps(less).encode())


def test_an_offer_record_of_another_type_is_refused_with_the_types_there_are():
    with pytest.raises(
        msgspec.ValidationError, match=r"type must be one of offer\.decided, .*; got 'nonsense'"
    ):
        read_offer_record(b'{"type": "nonsense"}')
