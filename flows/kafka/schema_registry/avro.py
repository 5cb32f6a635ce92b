"""Values in Avro, read by the schema that they were written by, as JSON.

Logical types become what readers of JSON expect: moments RFC 3339, decimals numbers, uuids text. Bytes become
text where they are UTF-8, else base64. Unions leave no mark of which of their types it is.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any, Final
from uuid import UUID

import fastavro
import numpy as np
import orjson
from fastavro import _read_py as fastavro_in_python
from fastavro.read import LOGICAL_READERS
from fastavro.repository import AbstractSchemaRepository, SchemaRepositoryError
from fastavro.schema import load_schema

from flows.kafka.schema_registry.schema_cache import ToJson
from schemas.rejected import InvalidEvent

OURS: Final = "offerstream"
"""The logical type that a schema is given where fastavro has no reader that fits."""

OURS_FOR: Final = {("float", None), ("long", "timestamp-nanos"), ("fixed", "uuid")}
ROOT: Final = "$root"
EXACT: Final = 2**53
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Schema = Any
"""A parsed schema: the name of a type, a dict, or the list of a union."""


class UnusableSchemaError(Exception):
    """A schema by which nothing can be read, and why."""


class _Schemas(AbstractSchemaRepository):
    """The schemas that one refers to, and itself."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def load(self, name: str) -> Schema:
        if name not in self._schemas:
            raise SchemaRepositoryError(name)
        return self._schemas[name]


def avro_reader(root: Schema, named: Mapping[str, Schema]) -> ToJson:
    """Return what reads payloads of a schema; ``named`` are the schemas that it refers to, by full name.

    Raises UnusableSchemaError.
    """
    LOGICAL_READERS.update(READERS)
    if isinstance(root, str):
        root = {"type": root}
    try:
        known = {name: _with_ours(each) for name, each in {**named, ROOT: root}.items()}
        schema = load_schema(ROOT, repo=_Schemas(known))
        traits = _Traits(schema)
    except Exception as error:  # a registry may say anything
        raise UnusableSchemaError(f"it is no Avro schema: {type(error).__name__}") from error
    if traits.has_items_without_bytes:
        raise UnusableSchemaError(
            "its arrays have items without bytes, of which a few bytes may hold any number"
        )
    if isinstance(schema, dict) and schema["type"] == "bytes":
        return bytes  # serializers write them as they are, without a length
    # The compiled reader ends the process where types that contain themselves are nested deeply.
    read = fastavro_in_python.schemaless_reader if traits.is_recursive else fastavro.schemaless_reader

    def to_json(payload: bytes) -> bytes:
        try:
            value = read(BytesIO(payload), schema, None)
            if isinstance(value, str):
                return value.encode()
            return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)
        except (RecursionError, orjson.JSONEncodeError):
            raise InvalidEvent("too_deep", "nested too deeply") from None
        except Exception as error:  # noqa: BLE001  whatever the bytes of something else lead to
            raise InvalidEvent(
                "schema", f"the payload does not fit its Avro schema: {type(error).__name__}"
            ) from None

    return to_json


def _with_ours(schema: Schema) -> Schema:
    """Return a schema as it is written with our logical types in it."""
    if isinstance(schema, list):
        return [_with_ours(each) for each in schema]
    if isinstance(schema, str):
        return {"type": schema, "logicalType": OURS} if (schema, None) in OURS_FOR else schema
    changed = {name: _with_ours(schema[name]) for name in ("items", "values") if name in schema}
    kind = schema["type"]
    if not isinstance(kind, str):
        changed["type"] = _with_ours(kind)
    elif (kind, schema.get("logicalType")) in OURS_FOR:
        changed["logicalType"] = OURS
    if "fields" in schema:
        changed["fields"] = [field | {"type": _with_ours(field["type"])} for field in schema["fields"]]
    return schema | changed


class _Traits:
    """What can go wrong with a parsed schema."""

    def __init__(self, schema: Schema) -> None:
        self.is_recursive = False
        self.has_items_without_bytes = False
        self._takes_bytes: dict[str, bool] = {}
        self._within: list[str] = []
        self._visit(schema)

    def _visit(self, schema: Schema) -> bool:
        """Return whether every value takes at least a byte."""
        if isinstance(schema, list):
            for each in schema:
                self._visit(each)
            return True
        if isinstance(schema, str):
            self.is_recursive = self.is_recursive or schema in self._within
            return schema != "null" and self._takes_bytes.get(schema, True)
        kind = schema["type"]
        if not isinstance(kind, str):
            return self._visit(kind)
        takes_bytes = kind != "null" and schema.get("size") != 0
        if kind in ("record", "error"):
            self._within.append(schema["name"])
            widths = [self._visit(field["type"]) for field in schema["fields"]]
            takes_bytes = any(widths)
            self._within.pop()
        elif kind == "array" and not self._visit(schema["items"]):
            self.has_items_without_bytes = True
        elif kind == "map":
            self._visit(schema["values"])
        if "name" in schema:
            self._takes_bytes[schema["name"]] = takes_bytes
        return takes_bytes


def _plain(value: object) -> Any:  # noqa: ANN401  JSON is anything
    """Return what orjson does not know as text or number."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return b64encode(value).decode()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < EXACT else float(value)
    raise TypeError(type(value).__name__)


def _shortest(value: float, *_: object) -> float:
    """Return the number that was meant: 19.9, not 19.899999618530273."""
    return float(str(np.float32(value)))


def _moment(nanoseconds: int, *_: object) -> datetime:
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _uuid(value: bytes, *_: object) -> UUID:
    return UUID(bytes=value)


READERS: Final[dict[str, Callable[..., Any]]] = {
    f"float-{OURS}": _shortest,
    f"long-{OURS}": _moment,
    f"fixed-{OURS}": _uuid,
}
