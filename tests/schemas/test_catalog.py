"""The records of the catalog's topic."""

import json
from pathlib import Path

import jsonschema
import pytest

from schemas.catalog import PRODUCTS, ReadProduct, Removal, read_product
from schemas.json_schemas import json_schemas
from schemas.message import Message
from schemas.rejected import InvalidEvent

LINES = [
    json.loads(line)
    for line in (Path(__file__).parent / "golden" / "products.jsonl").read_text().splitlines()
]


def read(value, key=b"A-7", headers=()):
    return read_product(Message(value, key, headers), 1000)


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_a_product_is_read_as_ever(line):
    found = read(json.dumps(line["given"]).encode())
    assert PRODUCTS.dump_python(found.product, mode="json", exclude_defaults=True) == line["product"]
    assert list(found.dropped) == line.get("dropped", [])


def test_the_golden_lines_without_an_odd_field_satisfy_the_published_schema():
    validator = jsonschema.Draft202012Validator(json_schemas()["product.json"])
    assert [validator.is_valid(line["given"]) for line in LINES] == ["dropped" not in line for line in LINES]


def test_a_record_without_a_value_removes_the_product_of_its_key():
    assert read(None, b"A-7") == Removal("A-7")


@pytest.mark.parametrize(
    ("value", "key", "class_", "words"),
    [
        (b"", b"A-7", "empty", "a removal has none at all"),
        (None, None, "empty_key", "a removal must have the product's key"),
        (None, b"\xff", "encoding", "the key of a removal is not UTF-8"),
        (b"x" * 1001, b"A-7", "too_large", "1001 bytes; a product has at most 1000"),
        (b"{", b"A-7", "not_json", "not JSON"),
        (b'["A-7"]', b"A-7", "invalid", "a product must be a JSON object"),
        (b'{"price": 1}', b"A-7", "invalid", "sku is missing"),
        (b'{"sku": 7}', b"A-7", "invalid", "sku should be a valid string; got 7"),
        (b'{"sku": "A-7", "market": "D E"}', b"A-7", "unknown_market", "market should match pattern"),
        (b'{"sku": "A-7", "currency": "euro"}', b"A-7", "currency", "currency 'euro' is no code like EUR"),
        (b'{"sku": "\\ud800"}', b"A-7", "invalid", "sku should be a valid string"),
        (b"\x00\x00\x00\x00\x07\x0eAvro", b"A-7", "schema", "a Schema Registry frame with schema 7"),
    ],
)
def test_a_record_that_cannot_be_taken_is_refused_with_words(value, key, class_, words):
    with pytest.raises(InvalidEvent) as refused:
        read(value, key)
    assert refused.value.class_ == class_
    assert words in refused.value.reason


def test_a_text_that_is_none_costs_its_field_alone():
    found = read(b'{"sku": "A-7", "title": "\\ud800", "stock": 3, "\\ud800": 1}')
    assert (found.product.title, found.product.stock, found.dropped) == (None, 3, ("title",))


def test_a_value_in_a_registrys_frame_is_read():
    found = read(b'\x00\x00\x00\x00\x07{"sku": "A-7"}')
    assert isinstance(found, ReadProduct)
