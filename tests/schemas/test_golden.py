"""Golden lines of every kind and adapter: a change to them is a change of contract."""

import json
from pathlib import Path
from typing import get_args

import pytest

from schemas.adapters import decoder
from schemas.decisions import DECISIONS
from schemas.events import EVENTS, Event
from schemas.message import Message
from schemas.offers import OFFERS
from schemas.rejected import Rejected

GOLDEN = Path(__file__).parent / "golden"
KINDS = {kind.model_fields["type"].annotation.__args__[0] for kind in get_args(get_args(Event)[0])}


def lines(name):
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


def told(form, offset, line):
    given = line["given"]
    value = given if isinstance(given, str) else json.dumps(given)
    headers = tuple((name, said.encode()) for name, said in line.get("headers", {}).items())
    message = Message(value.encode(), None, headers, "shop.events", 0, offset)
    return decoder(form, frozenset({"default", "uk"}))(message)


CASES = [
    pytest.param(form, offset, line, id=f"{name}-{offset}")
    for name, form in {
        "native": "native",
        "cloudevents": "native",
        "segment": "segment",
        "rees46": "rees46",
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


@pytest.mark.parametrize(
    ("name", "validate", "dump", "types"),
    [
        (
            "offers",
            OFFERS.validate_json,
            OFFERS.dump_json,
            {"offer.decided", "offer.revoked", "offer.expired"},
        ),
        (
            "decisions",
            DECISIONS.validate_json,
            DECISIONS.dump_json,
            {"decision", "reward", "score", "outcome", "drift"},
        ),
        ("rejected", Rejected.model_validate_json, Rejected.model_dump_json, {None}),
    ],
)
def test_what_the_worker_says_is_what_was_promised(name, validate, dump, types):
    for line in lines(name):
        again = json.loads(dump(validate(json.dumps(line))))
        assert again == json.loads(json.dumps(line).replace(".000000Z", "Z"))
    assert {line.get("type") for line in lines(name)} == types


@pytest.mark.parametrize("name", ["offers", "decisions"])
def test_the_worker_says_nothing_that_was_not_promised(name):
    adapter = {"offers": OFFERS, "decisions": DECISIONS}[name]
    for line in lines(name):
        with pytest.raises(ValueError, match="Extra inputs are not permitted"):
            adapter.validate_json(json.dumps(line | {"extra": 1}))
