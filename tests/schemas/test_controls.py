"""The records of controls: what is taken, the words for what is not, and their keys."""

import json
import re
from pathlib import Path

import jsonschema
import orjson
import pytest

from schemas.controls import CONTROLS, TYPES, Consent, control_key, read_control
from schemas.json_schemas import json_schemas

GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parent / "golden" / "controls.jsonl").read_text().splitlines()
]

AT = "2026-11-30T12:00:00Z"


def written(type_="change", **fields):
    of_type = {
        "change": {"id": "c-1", "set": {"markets.uk.holdout": 0.1}, "by": "ann", "at": AT},
        "approval": {"change": "c-1", "by": "bob", "at": AT},
        "consent": {"user_id": "u-1", "consent": {"email": False}, "at": AT},
    }[type_]
    given = {"type": type_, **of_type, **fields}
    return orjson.dumps({name: value for name, value in given.items() if value is not ...})


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: line["key"])
def test_every_record_is_read_and_keyed_as_was_promised(line):
    record = read_control(orjson.dumps(line["record"]))
    assert CONTROLS.dump_python(record, mode="json", exclude_defaults=True) == line["record"]
    assert control_key(record) == line["key"]
    jsonschema.Draft202012Validator(json_schemas()["control.json"]).validate(line["record"])


def test_every_type_has_a_golden_line():
    assert {line["record"]["type"] for line in GOLDEN} == set(TYPES)


def test_a_change_sets_paths_to_any_json():
    offer = {"kind": "points", "attributes": {"campaign": "winter"}}
    read = read_control(written(set={"offers.two": offer, "killed": None}))
    assert read.set == {"offers.two": offer, "killed": None}
    assert not read.proposed


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"{", "must be JSON: EOF while parsing"),
        (b"{}", "type must be one of change, approval, withdrawal, consent"),
        (written(by=...), "by must be given; it is missing"),
        (written(by=" "), "by must match"),
        (written(at="yesterday"), "at must be a valid datetime"),
        (written(at="2026-11-30T12:00:00"), "at must have timezone info"),
        (written(set={}), "set must have at least 1 item"),
        (written(set={"a b": 1}), "set must have paths like markets.uk.holdout; got 'a b'"),
        (written(set={"a": [{"b": 7}]}).replace(b"7", b"7" * 30), "a must have numbers of at most 15 digits"),
        (written().replace(b"0.1", b"1e999"), "must have numbers of at most 15 digits; got inf"),
        (written(propose=True), "propose must not be there; the key is unknown"),
        (written("approval", change=...), "change must be given; it is missing"),
        (written("consent", user_id=...), "visitor_id or user_id must be given"),
        (written("consent", consent={"sms": True}), "must be 'on_site', 'email' or 'app'; got 'sms'"),
        (written("consent", consent={"email": "no"}), "consent.email must be a valid boolean; got 'no'"),
    ],
)
def test_what_is_wrong_with_a_record_is_said_with_its_field(value, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        read_control(value)


def test_a_consent_is_keyed_by_the_person_and_the_channels():
    def key(**fields):
        return control_key(read_control(written("consent", **fields)))

    assert key() == "consent/default/user:u-1/email"
    assert key(visitor_id="v-1", market="uk") == "consent/uk/visitor:v-1/email"
    assert key(consent={"email": True, "app": True}) == "consent/default/user:u-1/app,email"


def test_every_change_and_approval_has_a_key_of_its_own():
    assert control_key(read_control(written())) == "change/c-1"
    assert control_key(read_control(written("approval"))) == "approval/c-1/bob"


def test_a_consent_may_name_visitor_and_user():
    read = read_control(written("consent", visitor_id="v-1"))
    assert isinstance(read, Consent)
    assert (read.visitor_id, read.user_id, read.market) == ("v-1", "u-1", "default")
