"""Any JSON, by a file that says where it has the native fields: ``generic:house.toml``."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from schemas.adapters.batches import Parts, in_arrays, json_of
from schemas.adapters.decoded import Decoded, event_of
from schemas.adapters.generic_file import WITHIN, EventRule, GenericFile, Paths, fields_of, load_generic
from schemas.adapters.json_fields import Json, object_of, stable_id, text_id
from schemas.adapters.json_paths import JsonPath, path_of
from schemas.adapters.mending import KINDS
from schemas.adapters.numbers import amount_of
from schemas.adapters.values import MAX_NAME, locale_of
from schemas.errors import SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent

IDS: Final = {
    "id",
    "sku",
    *(name for kind in KINDS.values() for name in kind.model_fields if name[-3:] == "_id"),
}
LISTS: Final = ("offer_ids", "discount_codes")
PER_SECOND: Final = {"s": 1.0, "ms": 1e3, "us": 1e6}
SHORT: Final = 16

Read = Callable[[Message], Decoded]
Find = Callable[[Json], Any]


class _Rule(NamedTuple):
    """A rule of the file, ready to be applied.

    ``has_id_of_record``: the id stands outside of what a record has several of.
    """

    conditions: tuple[tuple[JsonPath, tuple[object, ...]], ...]
    constants: Json
    fields: tuple[tuple[str, Find], ...]
    lines: Callable[[Json], object] | None
    has_id_of_record: bool

    def matches(self, record: Json) -> bool:
        return all(path.find(record) in wanted for path, wanted in self.conditions)

    def fields_of(self, record: Json) -> Json:
        found: Json = {}
        for name, value in self.constants.items():
            _put(found, name, value)
        for name, find in self.fields:
            value = find(record)
            if value is not None:
                _put(found, name, value)
        if self.lines is not None:
            found["items"] = self.lines(record)
        return found


def _put(fields: Json, name: str, value: object) -> None:
    """Add a field, or a field within one."""
    outer, dot, inner = name.partition(WITHIN)
    if not dot:
        fields[name] = value
        return
    held = fields.get(outer)
    fields[outer] = (held if isinstance(held, dict) else {}) | {inner: value}


def read(_: Message) -> Decoded:
    """Nothing can be read before a file says how: raises SetupError."""
    raise SetupError("format generic must name its file, as in `generic:house.toml`")


def opened(path: Path) -> tuple[Read, Parts]:
    """What reads messages by the file at this path, and what their parts are; raises SetupError."""
    file = load_generic(path)
    rules = [_rule(file, rule) for rule in file.events]
    fallback = EventRule(type="activity") if file.unmatched == "activity" else None
    other = None if fallback is None else _rule(file, fallback)

    def read_one(message: Message) -> Decoded:
        record = object_of(message, "a record")
        rule = next((each for each in rules if each.matches(record)), other)
        if rule is None:
            raise InvalidEvent("unknown_type", f"no event in {path.name} matches the record")
        fields = rule.fields_of(record)
        if "id" not in fields:
            fields["id"] = stable_id(message.value or b"")
        elif rule.has_id_of_record and file.each is not None and file.each.find(record) is not None:
            # What several events have in common is the id of none of them.
            fields["id"] = f"{fields['id']}/{stable_id(message.value or b'')[:SHORT]}"
        return event_of(fields)

    def parts(message: Message) -> Sequence[Message] | None:
        if file.each is None:
            return None
        record = object_of(message, "a record")
        found = file.each.find(record)
        if not isinstance(found, list):
            return None
        return [replace(message, value=_with(record, file.each.names, each)) for each in found]

    return read_one, in_arrays(parts)


def _with(record: Json, names: tuple[str, ...], value: object) -> bytes:
    """The record as JSON with another value at this place."""
    return json_of(_replaced(record, names, value))


def _replaced(outer: Any, names: tuple[str, ...], value: object) -> Any:  # noqa: ANN401  JSON is anything
    if not names:
        return value
    copy = outer.copy()
    name = int(names[0]) if isinstance(copy, list) else names[0]
    copy[name] = _replaced(copy[name], names[1:], value)
    return copy


def _rule(file: GenericFile, rule: EventRule) -> _Rule:
    own = fields_of(rule.type)
    constants = {name: value for name, value in file.constants.items() if name in own} | rule.constants
    paths = {name: each for name, each in file.fields.items() if name in own} | rule.fields
    return _Rule(
        tuple(
            (path_of(path), wanted if isinstance(wanted, tuple) else (wanted,))
            for path, wanted in rule.when.items()
        ),
        {"type": rule.type} | constants,
        tuple((name, _find(name, each, file)) for name, each in paths.items()),
        None if rule.items is None else _lines(rule.items, file),
        file.each is not None
        and not any(path.names[: len(file.each.names)] == file.each.names for path in paths.get("id", ())),
    )


def _find(name: str, paths: Paths, file: GenericFile) -> Find:
    """What finds a field of this name, as it is written in native events."""
    convert: Callable[[Any], Any] | None = None
    if name == "time":
        convert = _time_of(file)
    elif name in IDS:
        convert = _id
    elif name in LISTS:
        convert = _codes if name == "discount_codes" else _listed
    elif name == "name":
        convert = _name
    elif name == "locale":
        convert = locale_of

    def find(record: Json) -> Any:  # noqa: ANN401  JSON is anything
        for path in paths:
            value = path.find(record)
            if value is not None and value != "":
                return value if convert is None else convert(value)
        return None

    return find


def _id(value: object) -> object:
    return text_id(value) or value


def _name(value: object) -> object:
    return value[:MAX_NAME] if isinstance(value, str) else value


def _listed(value: object) -> object:
    return [_id(each) for each in value] if isinstance(value, list) else [_id(value)]


def _codes(value: object) -> object:
    each = value if isinstance(value, list) else [value]
    return [code if isinstance(code, dict) else {"code": _id(code)} for code in each]


def _time_of(file: GenericFile) -> Callable[[Any], Any]:
    zone = None if file.time_zone is None else ZoneInfo(file.time_zone)
    if file.time_unit == "iso":
        return lambda value: _with_zone(value, zone)
    per_second = PER_SECOND[file.time_unit]

    def since_1970(value: object) -> datetime:
        amount = amount_of(value)
        try:
            if amount is not None:
                return datetime.fromtimestamp(amount / per_second, UTC)
        except (OverflowError, OSError, ValueError):
            pass
        raise InvalidEvent("invalid", f"time should be a number of {file.time_unit} since 1970")

    return since_1970


def _with_zone(value: object, zone: ZoneInfo | None) -> object:
    """A time as it is written, in the zone of the file where it has none."""
    if zone is None or not isinstance(value, str):
        return value
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


def _lines(items: dict[str, Paths], file: GenericFile) -> Callable[[Json], object]:
    found_in = items.get("from")
    fields = [(name, _find(name, paths, file)) for name, paths in items.items() if name != "from"]

    def line(given: object) -> Json:
        if not isinstance(given, dict):
            return {}
        values = {name: find(given) for name, find in fields}
        # A line without a sku is no product, and says so.
        return {name: value for name, value in values.items() if value is not None or name == "sku"}

    def lines(record: Json) -> object:
        if found_in is None:
            return [line(record)]
        for path in found_in:
            value = path.find(record)
            if value is not None:
                return [line(each) for each in (value if isinstance(value, list) else [value])]
        return None

    return lines
