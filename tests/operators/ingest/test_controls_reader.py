"""Records of controls, read in offset order: what markets are told, and what is rejected."""

import msgspec
import orjson
import pytest

from operators.controls.cause import read_cause
from operators.ingest.controls_reader import ControlRecords
from operators.ingest.market_reader import MarketReader
from operators.streaming.messages import ConsentKnown, ControlsChange, MarketBatch, OutputRecord
from schemas.dead_letters import class_and_reason
from schemas.message import Message
from schemas.shop import Shop
from tests.builders import T0, at_text, ingest_settings

PART = "shop.controls/0000"
FILE = Shop.model_validate(
    {
        "markets": {"default": {}, "uk": {"currency": "GBP"}},
        "offers": [
            {
                "name": "ten",
                "kind": "percent_off",
                "value": 10,
                "channel": "email",
                "expires_after": "1h",
                "reward_window": "2h",
            }
        ],
    }
)


def accepted(_shop):
    """A check that has nothing against any shop."""


def record(at, type_="change", **fields):
    given = {"id": f"c-{at}", "set": {"killed": True}, "by": "ann"} if type_ == "change" else {}
    return orjson.dumps({"type": type_, "at": at_text(at), **given, **fields})


class Controls:
    """A reader of controls, and what it has emitted."""

    def __init__(self, state=None, file=FILE):
        self.reader = MarketReader(PART, ingest_settings(file), ControlRecords(file, accepted), state)
        self.offset = 0
        self.rejected = []
        self.inputs = []

    def reads(self, *values):
        messages = []
        for value in values:
            messages.append(
                Message(value, topic="shop.controls", partition=0, offset=self.offset, timestamp_s=T0 + 9999)
            )
            self.offset += 1
        return self.emitted(self.reader.read(messages, T0 + 9999))

    def emitted(self, items):
        inputs = []
        for item in items:
            if isinstance(item, OutputRecord):
                self.rejected.append(class_and_reason(item.headers))
            elif isinstance(item, MarketBatch):
                inputs += item.events
        self.inputs += inputs
        return inputs


def test_a_change_goes_to_every_market_with_all_that_is_set():
    controls = Controls()
    controls.reads(record(1, set={"markets.uk.holdout": 0.1}))
    inputs = controls.reads(record(2, comment="enough"))
    assert [(each.market, each.version, each.at_s) for each in inputs] == [
        ("default", 2, T0 + 2),
        ("uk", 2, T0 + 2),
    ]
    assert [tuple(each) for each in map(msgspec.structs.astuple, inputs[0].settings)] == [
        ("markets.uk.holdout", b"0.1"),
        ("killed", b"true"),
    ]
    cause = read_cause(inputs[0].cause)
    assert (cause.change, cause.set, cause.before) == ("c-2", {"killed": True}, {"killed": False})
    assert (cause.by, cause.approved_by, cause.comment) == ("ann", None, "enough")


@pytest.mark.parametrize(
    ("value", "class_", "reason"),
    [
        (b"{}", "control", "type must be one of change, approval, withdrawal, consent"),
        (record(2, set={"markets.uk.holdout": 2}), "control", "markets.uk.holdout must be less than"),
        (record(2, "approval", change="x", by="bob"), "control", "change must be one of the open proposals"),
        (record(2, "consent", user_id="u", consent={"app": True}, market="fr"), "unknown_market", "'fr'"),
        (record(2, comment="x" * 200_000), "too_large", "at most 100000 are taken"),
    ],
)
def test_an_invalid_record_is_rejected_and_the_last_valid_one_stays(value, class_, reason):
    controls = Controls()
    controls.reads(record(1))
    assert controls.reads(value) == []
    ((found_class, found_reason),) = controls.rejected
    assert found_class == class_
    assert reason in found_reason
    assert [
        each.version for each in Controls(controls.reader.snapshot()).emitted(controls.reader.resumed())
    ] == [
        1,
        1,
    ]


def test_a_proposal_reaches_no_market_before_it_is_approved():
    controls = Controls()
    assert controls.reads(record(1, proposed=True)) == []
    inputs = controls.reads(record(2, "approval", change="c-1", by="bob"))
    assert {each.version for each in inputs} == {2}
    assert read_cause(inputs[0].cause).approved_by == "bob"


def test_a_consent_goes_to_its_market_alone():
    controls = Controls()
    (known,) = controls.reads(record(1, "consent", user_id="u-1", consent={"email": False}, market="uk"))
    assert isinstance(known, ConsentKnown)
    assert (known.market, known.visitor, known.user) == ("uk", "", "u-1")
    assert (known.consent, known.source) == ({"email": False}, "controls")
    assert (known.at_s, known.happened_s) == (T0 + 1, None)


def test_a_consent_that_is_told_late_keeps_the_time_at_which_it_was_given():
    controls = Controls()
    controls.reads(record(50))
    (known,) = controls.reads(record(1, "consent", user_id="u-1", consent={"email": False}))
    assert (known.at_s, known.happened_s) == (T0 + 50, T0 + 1)


def test_a_record_without_a_value_says_nothing():
    controls = Controls()
    assert controls.reads(None) == []
    assert controls.rejected == []


def test_after_a_resume_a_market_that_is_new_in_the_file_hears_what_is_in_force():
    controls = Controls()
    controls.reads(record(1))
    file = Shop.model_validate({**FILE.document, "markets": {**FILE.document["markets"], "fr": {}}})
    resumed = Controls(controls.reader.snapshot(), file)
    told = resumed.emitted(resumed.reader.resumed())
    assert [(each.market, each.version, each.cause) for each in told] == [
        ("default", 1, None),
        ("fr", 1, None),
        ("uk", 1, None),
    ]
    assert all(isinstance(each, ControlsChange) for each in told)
    assert resumed.reads(record(2, set={"killed": None}))[0].settings == ()
