"""The JSON Schemas of everything that goes in, comes out or is configured, for people without Python."""

import json
from typing import Any, Final

from pydantic import TypeAdapter

from schemas.catalog import PRODUCTS
from schemas.controls import CONTROLS
from schemas.decisions import DECISION_RECORDS
from schemas.events import EVENTS
from schemas.explanation import Explanation
from schemas.flat_offers import flat_schema
from schemas.offers import OFFER_RECORDS
from schemas.records import json_schema
from schemas.redriven import NOTES
from schemas.rejected import Rejected
from schemas.shop import Shop

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, dict[str, Any]]:
    """One JSON Schema for each kind of record, by file name."""
    written = output_schemas()
    schemas = {
        "event.json": EVENTS.json_schema() | {"title": "Event"},
        "offer.json": written["offers"],
        "offer_flat.json": written["offers_flat"],
        **{f"{name}.json": json_schema(kind) for name, kind in DECISION_RECORDS.items()},
        **{f"{name}.json": json_schema(kind) for name, kind in NOTES.items()},
        "explanation.json": json_schema(Explanation),
        "product.json": PRODUCTS.json_schema() | {"title": "Product"},
        "control.json": CONTROLS.json_schema() | {"title": "Control record"},
        "rejected.json": TypeAdapter(Rejected).json_schema() | {"title": "Rejected"},
        "offers_file.json": TypeAdapter(Shop).json_schema() | {"title": "offers.toml"},
    }
    return {name: {"$schema": DIALECT} | schema for name, schema in schemas.items()}


def output_schemas() -> dict[str, dict[str, Any]]:
    """One JSON Schema for each row of the output topics whose values are JSON: of all records in it."""
    schemas = {
        "offers": json_schema(*OFFER_RECORDS.values()) | {"title": "Offer record"},
        "offers_flat": flat_schema() | {"title": "Offer record, flat"},
        "decisions": json_schema(*DECISION_RECORDS.values()) | {"title": "Decision record"},
    }
    return {name: {"$schema": DIALECT} | schema for name, schema in schemas.items()}


def schema_files() -> dict[str, str]:
    """The text of each schema file, by file name, as it is kept in the documentation."""
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in json_schemas().items()}
