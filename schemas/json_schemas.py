"""The JSON Schemas of everything that goes in, comes out or is configured, for people without Python."""

import json
from typing import Any, Final

from pydantic import TypeAdapter

from schemas.decisions import Decision, Drift, Outcome, Reward, Score
from schemas.events import EVENTS
from schemas.offers import OFFERS
from schemas.rejected import Rejected
from schemas.shop import Shop

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
WORDS: Final[dict[str, tuple[str, TypeAdapter[Any]]]] = {
    "event.json": ("Event", EVENTS),
    "offer.json": ("Offer record", OFFERS),
    "decision.json": ("Decision", TypeAdapter(Decision)),
    "reward.json": ("Reward", TypeAdapter(Reward)),
    "score.json": ("Score", TypeAdapter(Score)),
    "outcome.json": ("Outcome", TypeAdapter(Outcome)),
    "drift.json": ("Drift", TypeAdapter(Drift)),
    "rejected.json": ("Rejected", TypeAdapter(Rejected)),
    "offers_file.json": ("offers.toml", TypeAdapter(Shop)),
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """One JSON Schema for each kind of record, by file name."""
    return {
        name: {"$schema": DIALECT} | adapter.json_schema() | {"title": title}
        for name, (title, adapter) in WORDS.items()
    }


def schema_files() -> dict[str, str]:
    """The text of each schema file, by file name, as it is kept in the documentation."""
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in json_schemas().items()}
