"""Values in Avro as JSON: types as readers expect them, and no payload that stops the worker."""

import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import fastavro
import pytest

from flows.kafka.schema_registry.avro import UnusableSchemaError, avro_reader
from schemas.rejected import InvalidEvent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINKED = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}


def written(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def read(schema, payload, named=None):
    return avro_reader(schema, named or {})(payload)


def logical(kind, logical_type, **more):
    return {"type": kind, "logicalType": logical_type} | more


def decimals(scale):
    return logical("bytes", "decimal", precision=12, scale=scale)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (logical("long", "timestamp-millis"), NOON, "2026-03-01T12:00:00Z"),
        (logical("long", "timestamp-micros"), NOON.replace(microsecond=5), "2026-03-01T12:00:00.000005Z"),
        (logical("long", "timestamp-nanos"), 1_772_366_400_250_000_999, "2026-03-01T12:00:00.250000Z"),
        (logical("long", "local-timestamp-millis"), NOON.replace(tzinfo=None), "2026-03-01T12:00:00"),
        (logical("int", "date"), date(2026, 3, 1), "2026-03-01"),
        (logical("int", "time-millis"), time(12, 30), "12:30:00"),
        (decimals(2), Decimal("19.90"), 19.9),
        (decimals(2), Decimal("2.00"), 2),
        (logical("fixed", "decimal", name="D", size=8, precision=12, scale=2), Decimal("-0.05"), -0.05),
        (logical("string", "uuid"), UUID(int=7), str(UUID(int=7))),
        (logical("fixed", "uuid", name="U", size=16), UUID(int=7).bytes, str(UUID(int=7))),
        ("bytes", b"A-7", "A-7"),
        ("bytes", b"\xff\xfe", "//4="),
        ({"type": "fixed", "name": "F", "size": 2}, b"de", "de"),
        ("float", 19.9, 19.9),
        ({"type": "float"}, 0.1, 0.1),
        (["null", "float"], 59.9, 59.9),
        ({"type": "array", "items": "float"}, [0.1, 0.2], [0.1, 0.2]),
        ({"type": "map", "values": "float"}, {"a": 0.1}, {"a": 0.1}),
        ("float", float("nan"), None),
        ("double", 0.1, 0.1),
        ("long", 2**63 - 1, 2**63 - 1),
        ("boolean", True, True),
        ({"type": "enum", "name": "E", "symbols": ["mobile", "desktop"]}, "desktop", "desktop"),
        (["null", {**LINKED, "name": "R", "fields": [{"name": "a", "type": "int"}]}], {"a": 1}, {"a": 1}),
        (["null", "string"], None, None),
        ({"type": {"type": "string", "avro.java.string": "String"}}, "x", "x"),
    ],
)  # fmt: skip
def test_types_become_what_readers_of_json_expect(kind, value, expected):
    schema = {"type": "record", "name": "Event", "fields": [{"name": "it", "type": kind}]}
    if kind == {"type": {"type": "string", "avro.java.string": "String"}}:
        schema["fields"] = [{"name": "it", **kind}]
    assert json.loads(read(schema, written(schema, {"it": value}))) == {"it": expected}


def test_a_value_that_is_text_or_bytes_is_taken_for_json():
    assert read("string", written("string", '{"a": 1}')) == b'{"a": 1}'
    for schema in ("bytes", {"type": "bytes"}):  # serializers write them without a length
        assert read(schema, b'{"a": 1}') == b'{"a": 1}'


def test_schemas_may_refer_to_others_by_their_full_names():
    item = {
        "type": "record",
        "name": "Item",
        "namespace": "shop",
        "fields": [{"name": "price", "type": "float"}],
    }
    root = {
        "type": "record",
        "name": "Cart",
        "fields": [{"name": "items", "type": {"type": "array", "items": "shop.Item"}}],
    }
    alone = {**root, "fields": [{"name": "items", "type": {"type": "array", "items": item}}]}
    payload = written(alone, {"items": [{"price": 9.9}, {"price": 0.1}]})
    assert json.loads(read(root, payload, {"shop.Item": item})) == {"items": [{"price": 9.9}, {"price": 0.1}]}
    with pytest.raises(UnusableSchemaError, match="it is no Avro schema: UnknownType"):
        avro_reader(root, {})


def test_a_type_may_contain_itself_and_deep_nesting_is_rejected():
    assert json.loads(read(LINKED, b"\x02\x02\x00")) == {"next": {"next": {"next": None}}}
    for depth in (300, 100_000):  # the compiled reader of fastavro ends the process at the second
        with pytest.raises(InvalidEvent, match="too_deep: nested too deeply"):
            read(LINKED, b"\x02" * depth + b"\x00")
    endless = {"type": "record", "name": "Z", "fields": [{"name": "z", "type": "Z"}]}
    with pytest.raises(InvalidEvent, match="too_deep"):
        read(endless, b"")


def test_a_cycle_over_two_types_is_one_too():
    b = {"type": "record", "name": "B", "fields": [{"name": "a", "type": ["null", "A"]}]}
    a = {"type": "record", "name": "A", "fields": [{"name": "b", "type": b}, {"name": "c", "type": "B"}]}
    with pytest.raises(InvalidEvent, match="too_deep"):
        read(a, b"\x02" * 100_000)


@pytest.mark.parametrize(
    "items",
    ["null", {"type": "record", "name": "E", "fields": []}, {"type": "fixed", "name": "F", "size": 0}],
)
def test_arrays_whose_items_have_no_bytes_are_refused(items):
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "a", "type": {"type": "array", "items": items}}],
    }
    with pytest.raises(UnusableSchemaError, match="a few bytes may hold any number"):
        avro_reader(schema, {})


@pytest.mark.parametrize("payload", [b"", b"\x02", b"\xff" * 20, b"\x80\x80", b"\x04\xff\xff"])
def test_a_payload_that_does_not_fit_its_schema_is_rejected(payload):
    with pytest.raises(InvalidEvent, match="schema: the payload does not fit its Avro schema: "):
        read({"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}, payload)


@pytest.mark.parametrize("schema", [None, 7, {}, "Nothing", {"type": "record"}])
def test_what_is_no_schema_is_refused(schema):
    with pytest.raises(UnusableSchemaError, match="it is no Avro schema: "):
        avro_reader(schema, {})
