"""Readers of some fields of a record read them as the record declares them."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from schemas.decisions import DECISION_RECORDS, Decision, Reward
from schemas.partial_records import partial_decoder
from schemas.records import decoder

GOLDEN = Path(__file__).parent / "golden" / "decisions.jsonl"
LINES = {json.loads(line)["type"]: line for line in GOLDEN.read_text().splitlines()}


@pytest.mark.parametrize("kind", DECISION_RECORDS.values())
def test_every_field_is_read_as_in_the_whole_record(kind):
    line = LINES[kind.__struct_config__.tag]
    whole = decoder(kind)(line)
    names = kind.__struct_fields__
    some = partial_decoder(kind, *names)(line)
    assert [getattr(some, name) for name in names] == [getattr(whole, name) for name in names]


def test_a_field_that_was_added_later_is_empty_in_an_older_log():
    line = json.loads(LINES["decision"])
    line.pop("surcharges", None)
    assert partial_decoder(Decision, "market", "surcharges")(json.dumps(line)).surcharges == {}


def test_other_fields_are_skipped_whatever_they_are():
    line = json.dumps(json.loads(LINES["decision"]) | {"features": 7, "arm": None})
    some = partial_decoder(Decision, "market", "at")(line)
    assert some.market == decoder(Decision)(LINES["decision"]).market
    with pytest.raises(AttributeError):
        some.features  # noqa: B018


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"propensity": 2.0}, "<= 1.0 - at `$.propensity`"),
        ({"at": "2026-01-01T00:00:00"}, "a time must have a zone; got '2026-01-01T00:00:00' - at `$.at`"),
        ({"type": "reward"}, "Invalid value 'reward' - at `$.type`"),
    ],
)
def test_its_fields_are_validated(changed, words):
    line = json.dumps(json.loads(LINES["decision"]) | changed)
    with pytest.raises(msgspec.ValidationError, match=re.escape(words)):
        partial_decoder(Decision, "at", "propensity")(line)


def test_the_check_of_several_fields_holds_where_all_of_them_are_read():
    line = json.dumps(json.loads(LINES["reward"]) | {"order_profits": []})
    with pytest.raises(msgspec.ValidationError, match="must be equally long"):
        partial_decoder(Reward, "orders", "ordered_at", "order_profits")(line)
    assert partial_decoder(Reward, "market", "order_profits")(line).order_profits == ()


def test_without_constraints_only_the_types_are_checked():
    line = json.dumps(json.loads(LINES["decision"]) | {"market": "Ü", "propensity": 2.0})
    some = partial_decoder(Decision, "market", "propensity", constrained=False)(line)
    assert (some.market, some.propensity) == ("Ü", 2.0)
    with pytest.raises(msgspec.ValidationError, match="Expected `float`"):
        partial_decoder(Decision, "propensity", constrained=False)(line.replace("2.0", "true"))


def test_a_field_that_was_renamed_is_found_at_once():
    with pytest.raises(ValueError, match="Decision has no field teaches"):
        partial_decoder(Decision, "arm", "teaches")
