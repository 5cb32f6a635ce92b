"""The HTTP client of a Schema Registry: from the id of a schema to what reads payloads by it."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError

from flows.kafka.schema_registry.avro import UnusableSchemaError, avro_reader
from flows.kafka.schema_registry.schema_cache import RefusedSchemaError, ToJson
from schemas.adapters.frames import SchemaId
from schemas.errors import RegistryError, SetupError

DEFAULTS: Final = {"timeout": 5, "max.retries": 0}
NUMBERS: Final = frozenset({"timeout", "max.retries", "retries.wait.ms", "retries.max.wait.ms"})
"""Settings that the client takes as numbers only."""

UNKNOWN: Final = frozenset({40401, 40402, 40403})
"""The registry's own words for a subject, a version, a schema that it does not have."""

MAX_REFERENCES: Final = 1000
REASON_CHARS: Final = 200
HTTP_LOGS: Final = ("httpx", "httpx2")

T = TypeVar("T")


class RegistryClient:
    """Asks a registry, whose name in all words is ``url``; ``settings`` are the client's own."""

    def __init__(self, url: str, settings: Mapping[str, str]) -> None:
        self._url = url
        for name in HTTP_LOGS:  # at level info they have a line for every request
            logging.getLogger(name).setLevel(logging.WARNING)
        numbers = {name: _number(name, settings[name]) for name in NUMBERS & settings.keys()}
        try:
            self._client = SchemaRegistryClient({**DEFAULTS, **settings, **numbers, "url": url})
        except (ValueError, TypeError, OSError) as error:
            raise SetupError(f"the Schema Registry's client refuses the settings: {error}") from None

    def check(self) -> None:
        """Raise SetupError unless the registry answers."""
        try:
            self._asked(partial(self._client.get_subjects, limit=1))
        except (RegistryError, RefusedSchemaError) as error:
            raise SetupError(f"SCHEMA_REGISTRY must be one that answers; got {self._url}: {error}") from None

    def register(self, subject: str, schema: str) -> None:
        """Make a JSON Schema known under a subject; SetupError where the registry refuses it."""
        made = Schema(schema, "JSON")
        try:
            self._asked(partial(self._client.register_schema, subject, made))
        except (RegistryError, RefusedSchemaError) as error:
            raise SetupError(
                f"REGISTER_SCHEMAS must be off, or {self._url} must take the schema of {subject}: {error}"
            ) from None

    def fetch(self, schema: SchemaId) -> ToJson:
        """Return what reads payloads of a schema.

        Raises RefusedSchemaError where waiting does not help, and RegistryError where it may.
        """
        if isinstance(schema, UUID):
            found = self._asked(partial(self._client.get_schema_by_guid, str(schema)))
        else:
            found = self._asked(partial(self._client.get_schema, schema))
        kind = found.schema_type or "AVRO"
        if kind == "JSON":
            return bytes
        if kind != "AVRO":
            raise RefusedSchemaError(f"{kind.capitalize()} is not read, only Avro and JSON are")
        named = self._referenced(found)
        try:
            return avro_reader(_parsed(found), named)
        except UnusableSchemaError as error:
            raise RefusedSchemaError(str(error)) from None

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _referenced(self, schema: Schema) -> dict[str, Any]:
        """Return what a schema refers to, and what that refers to, by full name."""
        named: dict[str, Any] = {}
        asked: set[tuple[str, int]] = set()
        to_ask = [*(schema.references or ())]
        while to_ask:
            reference = to_ask.pop()
            subject, version = reference.subject or "", reference.version or 0
            if (subject, version) in asked:
                continue
            asked.add((subject, version))
            if len(asked) > MAX_REFERENCES:
                raise RefusedSchemaError(f"it refers to more than {MAX_REFERENCES} others")
            found = self._asked(partial(self._client.get_version, subject, version, deleted=True))
            parsed = _parsed(found.schema)
            named |= dict.fromkeys((reference.name or "", _full_name(parsed)), parsed)
            to_ask += found.schema.references or ()
        return named

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except SchemaRegistryError as error:
            words = str(error)[:REASON_CHARS]
            if error.error_code in UNKNOWN:
                raise RefusedSchemaError(f"the Schema Registry does not know it: {words}") from None
            raise RegistryError(f"the Schema Registry refuses: {words}") from None
        except Exception as error:  # noqa: BLE001  the client lets through whatever HTTP, JSON or a login raises
            is_http = type(error).__module__.startswith("httpx")  # others may hold what logs in
            words = f": {error}"[:REASON_CHARS] if is_http else ""
            raise RegistryError(
                f"the Schema Registry does not answer: {type(error).__name__}{words}"
            ) from None
        finally:
            self._client.clear_caches()  # they have no bound


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SetupError(f"SCHEMA_REGISTRY_CLIENT {name} must be a number; got {text!r}") from None


def _parsed(schema: Schema) -> Any:  # noqa: ANN401  JSON is anything
    try:
        return orjson.loads(schema.schema_str or "")
    except orjson.JSONDecodeError:
        raise RefusedSchemaError("it is no Avro schema: not JSON") from None


def _full_name(schema: Any) -> str:  # noqa: ANN401  JSON is anything
    if not isinstance(schema, dict):
        return ""
    name, namespace = str(schema.get("name", "")), schema.get("namespace")
    return f"{namespace}.{name}" if namespace and "." not in name else name
