"""The topics with their messages, keys and headers as an AsyncAPI 3.0 document."""

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import metadata, version
from typing import Any, Final

from flows.settings import Settings
from schemas.json_schemas import json_schemas, output_schemas
from schemas.topics import INPUTS, OUTPUTS, InputTopic, OutputTopic

Json = dict[str, Any]
FILES: Final = {"shop_event": "event"}
"""The schema of the records of an input, where it is not called as they are."""
KAFKA: Final = "0.5.0"
TRACE: Final[Json] = {
    "traceparent": {"type": "string", "description": "W3C trace context"},
    "tracestate": {"type": "string", "description": "W3C trace context"},
}
INPUT_HEADERS: Final[Json] = {"type": "object", "properties": TRACE}
OUTPUT_HEADERS: Final[Json] = {
    "type": "object",
    "required": ["ce_id", "ce_type"],
    "properties": {
        "ce_id": {"type": "string", "description": "the id of the record"},
        "ce_type": {"type": "string", "description": "its type"},
        **TRACE,
    },
}
REJECTED: Final[Json] = {
    "name": "rejected",
    "summary": "A message as it came, with what is wrong in headers.",
    "contentType": "application/octet-stream",
    "headers": {
        "type": "object",
        "required": ["ce_id", "ce_type", "offerstream.class", "offerstream.reason"],
        "properties": {
            name: {"type": "string"}
            for name in ("ce_id", "ce_type", "offerstream.class", "offerstream.reason")
        },
    },
}


def asyncapi() -> Json:
    """Return the document."""
    document: Json = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "offerstream",
            "version": version("offerstream"),
            "description": metadata("offerstream")["Summary"],
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": Settings().bootstrap, "protocol": "kafka"}},
        "channels": {},
        "operations": {},
        "components": {"messages": {}, "schemas": {}},
    }
    known = json_schemas()
    for row in INPUTS:
        name = FILES.get(row.records, row.records)
        messages = _messages(document, name, known[f"{name}.json"], INPUT_HEADERS, "chosen by the producer")
        _add_channel(document, row, "receive", messages)
    written = output_schemas()
    for out in OUTPUTS:
        if out.name in written:
            messages = _messages(document, out.name, written[out.name], OUTPUT_HEADERS, out.key)
        else:
            document["components"]["messages"][out.name] = REJECTED
            messages = [out.name]
        _add_channel(document, out, "send", messages)
    return document


def _add_channel(document: Json, row: InputTopic | OutputTopic, action: str, messages: list[str]) -> None:
    only_with = getattr(row, "setting", None)
    told = row.description if only_with is None else f"{row.description}; only with {only_with}"
    document["channels"][row.name] = {
        "address": row.topic,
        "description": told,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": row.topic, "bindingVersion": KAFKA}},
    }
    document["operations"][f"{action}_{row.name}"] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{row.name}"},
        "messages": [{"$ref": f"#/channels/{row.name}/messages/{name}"} for name in messages],
    }


def _messages(document: Json, of: str, schema: Json, headers: Json, key: str) -> list[str]:
    """Add a message for each kind of record of a schema; return what they are called."""
    parts = dict(schema.get("$defs", {}))
    kinds = [each["$ref"].rpartition("/")[2] for each in schema.get("oneOf", ())]
    if not kinds:
        title = re.sub(r"\W", "", schema["title"])
        parts[title] = {name: part for name, part in schema.items() if name not in ("$defs", "$schema")}
        kinds = [title]
    for name, part in parts.items():
        document["components"]["schemas"][f"{of}.{name}"] = _moved(part, of)
    for name in kinds:
        document["components"]["messages"][f"{of}.{name}"] = {
            "name": ", ".join(_types(parts[name])) or name,
            "summary": parts[name].get("description", "").partition("\n")[0].replace("``", "`"),
            "headers": headers,
            "payload": {"$ref": f"#/components/schemas/{of}.{name}"},
            "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": KAFKA}},
        }
    return [f"{of}.{name}" for name in kinds]


def _types(part: Mapping[str, Any]) -> Iterator[str]:
    """Return what ``type`` says in records of a kind."""
    properties = part.get("properties", {})
    said = properties.get("type", properties.get("event_type", {}))
    yield from [said["const"]] if "const" in said else said.get("enum", [])


def _moved(part: Any, of: str) -> Any:  # noqa: ANN401  JSON is anything
    """Return a part of a schema that finds the others where they stand in the document."""
    if isinstance(part, list):
        return [_moved(each, of) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: f"#/components/schemas/{of}.{each.rpartition('/')[2]}" if name == "$ref" else _moved(each, of)
        for name, each in part.items()
        if not (name == "discriminator" and isinstance(each, dict) and "propertyName" in each)
    }
