"""Controls: what people change while the worker runs, as JSON on ``shop.controls``, tagged by ``type``.

Types are strict and unknown fields are refused: a misspelt ``proposed`` must not put a change in force. Each
record has a key of its own, so that a compacted topic keeps the whole history; of consents it keeps the
latest of a person for the same channels.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.errors import setup_message
from schemas.events import Id, Label, Name, Time
from schemas.rules import Channel

MAX_PATHS: Final = 100
"""The most settings of one change: what people can look over before they approve it."""

MAX_NUMBER: Final = 1e15

Person = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
SettingPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", max_length=300)]


class ControlModel(BaseModel):
    """What all records have in common: frozen, strict, unknown fields are refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Change(ControlModel):
    """Somebody changes settings of the offers file, or proposes to; all of them, or none.

    ``set`` has values by path: ``markets.uk.holdout``, ``offers.ten_percent.paused``. An offer is named by
    its name; set whole, it is added or replaced. Null takes back what was set: the file holds again.
    ``proposed``: it takes effect once another name approves it.
    """

    type: Literal["change"]
    id: Id
    set: Annotated[dict[SettingPath, JsonValue], Field(min_length=1, max_length=MAX_PATHS)]
    by: Person
    at: Time
    comment: Label | None = None
    proposed: bool = False

    @field_validator("set")
    @classmethod
    def _plain(cls, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for path, value in given.items():
            if not _is_plain(value):
                raise ValueError(f"{path} must have numbers of at most 15 digits; got {value!r}")
        return given


class Approval(ControlModel):
    """Somebody agrees to a change that another one has proposed: it takes effect."""

    type: Literal["approval"]
    change: Id
    by: Person
    at: Time
    comment: Label | None = None


class Withdrawal(ControlModel):
    """Somebody takes a proposed change back, or refuses it: nobody can approve it any more."""

    type: Literal["withdrawal"]
    change: Id
    by: Person
    at: Time
    comment: Label | None = None


class Consent(ControlModel):
    """A visitor or a user has granted or denied consent for some channels."""

    type: Literal["consent"]
    market: Name = "default"
    visitor_id: Id | None = None
    user_id: Id | None = None
    consent: Annotated[dict[Channel, bool], Field(min_length=1)]
    at: Time
    source: Label | None = None

    @model_validator(mode="after")
    def _of_somebody(self) -> Self:
        if self.visitor_id is None and self.user_id is None:
            raise ValueError("visitor_id or user_id must be given")
        return self


ControlRecord = Annotated[Change | Approval | Withdrawal | Consent, Field(discriminator="type")]
TYPES: Final = ("change", "approval", "withdrawal", "consent")
CONTROLS: Final[TypeAdapter[Change | Approval | Withdrawal | Consent]] = TypeAdapter(ControlRecord)


def read_control(value: bytes) -> Change | Approval | Withdrawal | Consent:
    """Return the record in some bytes; raises ValueError that names the field."""
    try:
        return CONTROLS.validate_json(value)
    except ValidationError as error:
        raise ValueError(_words(error)) from None


def _words(error: ValidationError) -> str:
    """Return what is wrong with a record: which field, without the type that leads to it."""
    first = error.errors(include_url=False)[0]
    if first["type"].startswith("union_tag"):
        return f"type must be one of {', '.join(TYPES)}"
    if first["type"] == "json_invalid":
        return f"must be JSON: {first['ctx']['error']}"
    if first["type"] == "string_pattern_mismatch" and first["loc"][1:2] == ("set",):
        return f"set must have paths like markets.uk.holdout; got {first['input']!r}"
    words = setup_message(error)
    return words.removeprefix(str(first["loc"][0])).lstrip(". ") if first["loc"] else words


def _is_plain(value: JsonValue) -> bool:
    """Return whether other readers of JSON read the same numbers."""
    match value:
        case dict():
            return all(_is_plain(each) for each in value.values())
        case list():
            return all(_is_plain(each) for each in value)
        case int() | float():
            return abs(value) < MAX_NUMBER
        case _:
            return True


def control_key(record: Change | Approval | Withdrawal | Consent) -> str:
    """Return the key of a record: of its own, but for the consents of a person for the same channels.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 11, 30, tzinfo=UTC)
    >>> control_key(Approval(type="approval", change="c-1", by="bob", at=at))
    'approval/c-1/bob'
    """
    match record:
        case Change():
            return f"change/{record.id}"
        case Approval() | Withdrawal():
            return f"{record.type}/{record.change}/{record.by}"
        case Consent():
            person = f"user:{record.user_id}" if record.visitor_id is None else f"visitor:{record.visitor_id}"
            return f"consent/{record.market}/{person}/{','.join(sorted(record.consent))}"
