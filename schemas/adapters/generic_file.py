"""The file of the format ``generic``: which native fields are where in the JSON of a house format."""

import tomllib
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from schemas.adapters.json_paths import JsonPath, path_of
from schemas.adapters.mending import KINDS
from schemas.errors import SetupError, setup_message
from schemas.events import ChannelConsent, Item, RemovedItem
from schemas.rules import FileModel

WITHIN: Final = "."
"""What stands between a field that is an object and a field of it, ``consent.email``."""


def fields_of(kind: str) -> set[str]:
    """Return the names that a file may have the fields of a kind of event under."""
    return set(KINDS[kind].model_fields) - {"type", "items"} | {
        f"consent{WITHIN}{channel}" for channel in ChannelConsent.model_fields
    }


ALL_FIELDS: Final = {name for kind in KINDS for name in fields_of(kind)}
LINES: Final = {
    kind: RemovedItem if kind in ("cart_item_removed", "order_refunded") else Item
    for kind, model in KINDS.items()
    if "items" in model.model_fields
}

Constant = str | int | float | bool


def _path(written: object) -> object:
    if not isinstance(written, str):
        raise ValueError(f"must be a path like `basket.lines`; got {written!r}")  # noqa: TRY004  pydantic's words
    return path_of(written)


def _paths(written: object) -> object:
    return [written] if isinstance(written, str) else written


def _flat(written: object) -> object:
    """The table without tables in it: TOML reads ``consent.email`` as one."""
    if not isinstance(written, dict):
        return written
    flat: dict[object, object] = {}
    for name, value in written.items():
        if isinstance(value, dict):
            flat |= {f"{name}{WITHIN}{inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    return flat


OnePath = Annotated[JsonPath, BeforeValidator(_path)]
Paths = Annotated[tuple[OnePath, ...], BeforeValidator(_paths), Field(min_length=1)]
"""One path, or several of which the first counts that leads to a value."""
FieldPaths = Annotated[dict[str, Paths], BeforeValidator(_flat)]
Constants = Annotated[dict[str, Constant], BeforeValidator(_flat)]


class EventRule(FileModel):
    """One kind of event: which records it is, and where they have its fields.

    ``items`` are the fields of a line by their paths within it. ``from`` among them is where the lines are,
    a list or one object; without it the record itself is the line.
    """

    type: str
    when: dict[str, Constant | tuple[Constant, ...]] = Field(default_factory=dict)
    fields: FieldPaths = Field(default_factory=dict)
    constants: Constants = Field(default_factory=dict)
    items: dict[str, Paths] | None = None

    @field_validator("type")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"must be one of {', '.join(KINDS)}; got {kind!r}")
        return kind

    @field_validator("when")
    @classmethod
    def _when_paths(cls, when: dict[str, Any]) -> dict[str, Any]:
        for written in when:
            path_of(written)
        return when

    @model_validator(mode="after")
    def _fields_known(self) -> Self:
        own = fields_of(self.type)
        for name in (*self.fields, *self.constants):
            if name not in own:
                raise ValueError(_unknown(self.type, name, own))
        if self.items is not None:
            if self.type not in LINES:
                raise ValueError(f"{self.type} has no items")
            line = LINES[self.type].model_fields
            for name in self.items:
                if name not in line and name != "from":
                    raise ValueError(_unknown(f"a line of {self.type}", name, {*line, "from"}))
            missing = [name for name, each in line.items() if each.is_required() and name not in self.items]
            if missing:
                raise ValueError(f"a line of {self.type} must have {', '.join(missing)}")
        return self


class GenericFile(FileModel):
    """The whole file. ``fields`` and ``constants`` above the events are those of every kind that has them.

    ``each`` is where a record has a list of events: it is read as often, each time with one of them in place
    of the list. Records that no event matches become activity, or are rejected.
    """

    time_unit: Literal["iso", "s", "ms", "us"] = "iso"
    time_zone: str | None = None
    unmatched: Literal["activity", "reject"] = "activity"
    each: OnePath | None = None
    fields: FieldPaths = Field(default_factory=dict)
    constants: Constants = Field(default_factory=dict)
    events: Annotated[tuple[EventRule, ...], Field(min_length=1)]

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else zoneinfo.ZoneInfo(name).key
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"must be an IANA time zone like Europe/Berlin; got {name!r}") from None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in (*self.fields, *self.constants):
            if name not in ALL_FIELDS:
                raise ValueError(_unknown("an event", name, ALL_FIELDS))
        shared = {*self.fields, *self.constants}
        for number, rule in enumerate(self.events, start=1):
            told = shared | {*rule.fields, *rule.constants} | ({"items"} if rule.items else set())
            if missing := _missing(rule.type, told):
                raise ValueError(f"events.#{number}: {rule.type} must have {', '.join(missing)}")
        if self.unmatched == "activity" and (missing := _missing("activity", shared)):
            raise ValueError(f"fields must have {', '.join(missing)} for activity, or unmatched be `reject`")
        return self


def _missing(kind: str, told: set[str]) -> list[str]:
    """The required fields that are not told; an id can be made."""
    required = [name for name, each in KINDS[kind].model_fields.items() if each.is_required()]
    return [name for name in required if name not in told | {"id", "type"}]


def _unknown(what: str, name: str, known: set[str]) -> str:
    return f"{what} has no field {name!r}; it has {', '.join(sorted(known))}"


def load_generic(path: Path) -> GenericFile:
    """What the file says; raises SetupError that names the place."""
    try:
        return GenericFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SetupError(f"{path} must be a readable file; got: {error.strerror}") from None
    except ValidationError as error:
        raise SetupError(f"{path}: {setup_message(error)}") from None
    except ValueError as error:
        raise SetupError(f"{path} must be TOML in UTF-8; got: {error}") from None
