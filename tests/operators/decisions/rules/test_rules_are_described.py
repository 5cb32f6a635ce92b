"""What the documents say of rules: every reason, every key, every field of an expression."""

import importlib
import re
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.audience import FIELDS
from operators.decisions.rules import build_rules
from operators.state.rows import StateRows
from schemas.limits import Cap
from schemas.rules import Rules

REFERENCE = Path(__file__).parents[4] / "docs" / "reference"
RULES, AUDIENCE = ((REFERENCE / name).read_text() for name in ("rules.md", "audience.md"))
REASON = re.compile(r"^[a-z]+(_[a-z]+)*$")


def described(text):
    return set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", text))))


def reasons():
    """The reasons of all rules: the constants of their modules that are one word in snake case."""
    for rule in build_rules(MemoryLedger(), StateRows()):
        module = importlib.import_module(type(rule).__module__)
        yield from (
            value
            for name, value in vars(module).items()
            if name in module.__annotations__ and isinstance(value, str) and REASON.match(value)
        )


def keys(model):
    for name, field in model.model_fields.items():
        yield name
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from keys(kind)


def test_every_reason_is_described():
    found = set(reasons())
    assert len(found) > 15
    assert found <= described(RULES)


def test_every_key_of_rules_and_caps_is_described():
    assert {*keys(Rules), *keys(Cap)} <= described(RULES)


def test_every_field_of_an_expression_is_described_with_its_type():
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", AUDIENCE, re.MULTILINE)
    shown = {
        field: kind.replace("&lt;", "<").replace("&gt;", ">")
        for fields, kind in rows
        for field in re.findall(r"`([^`]+)`", fields)
    }
    assert shown == FIELDS
