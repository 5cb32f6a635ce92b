"""The JSON Schemas in the documentation are those of the code and agree with what the code takes."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from schemas.json_schemas import json_schemas, schema_files

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "docs" / "schemas"
GOLDEN = Path(__file__).parent / "golden"
RECORD_TYPES = ("decision", "reward", "score", "outcome")


def lines(name):
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


def test_the_schemas_in_the_documentation_are_not_stale():
    kept = {path.name: path.read_text() for path in KEPT.iterdir()}
    assert kept == schema_files(), "run `offerstream schemas` to write them anew"


@pytest.mark.parametrize("name", json_schemas())
def test_a_schema_is_one(name):
    jsonschema.Draft202012Validator.check_schema(json_schemas()[name])


@pytest.mark.parametrize(
    ("name", "records"),
    [
        ("event.json", [line["given"] for line in lines("native")]),
        ("offer.json", lines("offers")),
        ("rejected.json", lines("rejected")),
        *(
            (f"{kind}.json", [line for line in lines("decisions") if line["type"] == kind])
            for kind in RECORD_TYPES
        ),
    ],
)
def test_the_golden_lines_satisfy_the_published_schemas(name, records):
    validator = jsonschema.Draft202012Validator(json_schemas()[name])
    assert records
    for record in records:
        validator.validate(record)


@pytest.mark.parametrize("field", ["type", "id", "time", "visitor_id"])
def test_a_field_that_the_worker_demands_is_demanded_by_the_schema(field):
    event = {name: value for name, value in lines("native")[0]["given"].items() if name != field}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json_schemas()["event.json"]).validate(event)


def test_the_example_of_offers_satisfies_its_schema():
    example = tomllib.loads((ROOT / "schemas" / "example_offers.toml").read_text())
    jsonschema.Draft202012Validator(json_schemas()["offers_file.json"]).validate(example)
