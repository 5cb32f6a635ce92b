"""The AsyncAPI document is that of the code, is one by the official schema, and describes what is written."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from flows.reference.asyncapi import asyncapi
from flows.reference.yaml_text import yaml_text
from schemas.flat_offers import flat
from schemas.json_schemas import output_schemas
from schemas.offers import read_offer_record
from schemas.topics import INPUTS, OUTPUTS

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/schemas/golden"
DOCUMENT = asyncapi()
OFFICIAL = jsonschema.Draft7Validator(json.loads((ROOT / "tests/asyncapi/3.0.0.json").read_text()))


def test_the_document_is_not_stale():
    kept = (ROOT / "docs/asyncapi.yaml").read_text()
    assert kept == yaml_text(DOCUMENT), "run: python -m flows.reference.generate"
    assert yaml.safe_load(kept) == DOCUMENT


def test_the_document_is_one_by_the_official_schema():
    OFFICIAL.validate(DOCUMENT)
    wrong = copy.deepcopy(DOCUMENT)
    wrong["operations"]["send_offers"]["action"] = "shout"
    assert not OFFICIAL.is_valid(wrong)


def test_every_topic_is_a_channel_that_is_read_or_written():
    assert {name: each["address"] for name, each in DOCUMENT["channels"].items()} == {
        row.name: row.topic for row in (*INPUTS, *OUTPUTS)
    }
    actions = {each["channel"]["$ref"]: each["action"] for each in DOCUMENT["operations"].values()}
    assert actions == {
        **{f"#/channels/{row.name}": "receive" for row in INPUTS},
        **{f"#/channels/{row.name}": "send" for row in OUTPUTS},
    }


def references(part):
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else ())
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def test_every_reference_leads_somewhere():
    for target in set(references(DOCUMENT)):
        found = DOCUMENT
        for name in target.removeprefix("#/").split("/"):
            found = found[name]


def lines(name):
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


RECORDS = {
    "offers": lines("offers"),
    "offers_flat": [flat(read_offer_record(json.dumps(line))) for line in lines("offers")],
    "decisions": lines("decisions"),
    "events": [line["given"] for line in lines("native")],
}


@pytest.mark.parametrize("channel", RECORDS)
def test_every_golden_line_is_a_message_of_its_channel(channel):
    messages = [
        each["$ref"].rpartition("/")[2] for each in DOCUMENT["channels"][channel]["messages"].values()
    ]
    for record in RECORDS[channel]:
        fits = [
            name
            for name in messages
            if jsonschema.Draft7Validator(
                {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
            ).is_valid(record)
        ]
        assert len(fits) == 1, record


@pytest.mark.parametrize("name", output_schemas())
def test_every_record_written_has_an_id_a_type_and_may_have_a_trace(name):
    for each in DOCUMENT["channels"][name]["messages"].values():
        message = DOCUMENT["components"]["messages"][each["$ref"].rpartition("/")[2]]
        assert message["headers"]["required"] == ["ce_id", "ce_type"]
        assert {"traceparent", "tracestate"} < message["headers"]["properties"].keys()
        assert message["bindings"]["kafka"]["key"]["description"]


@pytest.mark.parametrize(
    "value",
    [
        {"yes": "no", "n": "null", "x": "1.5", "empty": "", "colon": "a: b", "hash": "a #b", "dash": "- a"},
        {"nested": [[1, [2]], {"a": {}}, {"b": []}], "none": None, "off": True, "text": 'ä "quoted"\n'},
        [],
        "2026-01-01",
    ],
)
def test_yaml_is_read_back_as_it_was(value):
    assert yaml.safe_load(yaml_text(value)) == value
