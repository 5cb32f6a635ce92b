"""The connectors that the documentation configures have only keys that exist, and fields that we write."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from schemas.flat_offers import FlatItem, FlatOfferDecided, FlatOfferEnded
from schemas.offers import OFFER_RECORDS
from schemas.topics import TOPICS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/how-to/send-offers.md").read_text()
HTTP_KEYS = set((ROOT / "tests/connect/http_connector_0.9_keys.txt").read_text().split())
CONNECT_KEYS = {
    *("name", "connector.class", "tasks.max", "topics", "transforms"),
    *("key.converter", "value.converter", "value.converter.schemas.enable"),
}
TRANSFORM_KEYS = {
    "TimestampConverter": {"field", "format", "target.type", "unix.precision"},
    "ReplaceField": {"include", "exclude", "renames"},
}


def connectors() -> list:
    """The topic of each configuration, its properties, and what is said to be sent."""
    found = []
    pattern = r"<!-- connector: (\S+) -->\n```properties\n(.*?)```.*?```jsonc\n(.*?)```"
    for topic, properties, sent in re.findall(pattern, TEXT, re.DOTALL):
        given = dict(line.split("=", 1) for line in properties.splitlines())
        found.append(pytest.param(topic, given, json.loads(sent), id=given["name"]))
    return found


def fields_written(topic):
    if topic == TOPICS["offers"]:
        return {name for kind in OFFER_RECORDS.values() for name in kind.__struct_fields__}
    items = {f"item_{n}_{name}" for n in range(1, 11) for name in FlatItem.__struct_fields__}
    return {name for kind in (FlatOfferDecided, FlatOfferEnded) for name in kind.__struct_fields__} | items


each_connector = pytest.mark.parametrize(("topic", "given", "sent"), connectors())


@each_connector
def test_every_key_is_one_of_the_connector_or_of_kafka_connect(topic, given, sent):
    del topic, sent
    known = {
        f"transforms.{name}.{key}"
        for name in given["transforms"].split(",")
        for key in {"type"} | TRANSFORM_KEYS[re.search(r"(\w+)\$Value$", given[f"transforms.{name}.type"])[1]]
    }
    assert given.keys() <= HTTP_KEYS | CONNECT_KEYS | known


@each_connector
def test_every_field_that_a_connector_takes_is_one_that_is_written(topic, given, sent):
    (names,) = (value for key, value in given.items() if key.endswith(".include"))
    (renames,) = (value for key, value in given.items() if key.endswith(".renames"))
    assert given["topics"] == topic
    taken, renamed = set(names.split(",")), dict(each.split(":") for each in renames.split(","))
    assert taken <= fields_written(topic)
    assert renamed.keys() <= taken
    told = {renamed.get(name, name) for name in taken}
    assert all(each.keys() <= told for each in sent.get("items", [sent]))


def test_fewer_properties_than_klaviyo_takes_are_sent():
    fields = sum(len(msgspec.structs.fields(kind)) for kind in (FlatOfferDecided, FlatOfferEnded))
    assert fields + 10 * len(msgspec.structs.fields(FlatItem)) < 400
