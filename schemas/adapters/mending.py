"""One bad part costs only itself: an optional field that is invalid is dropped, and said by name."""

import copy
import re
from collections.abc import Callable
from types import NoneType
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.adapters.numbers import number_of
from schemas.events import Event
from schemas.rejected import InvalidEvent

Fields = dict[str, Any]
Place = tuple[int | str, ...]

KINDS: Final[dict[str, type[BaseModel]]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(Event)[0])
}
"""The kinds of event by their ``type``."""

KEPT: Final = frozenset({"market", "currency"})
"""Never dropped: without them an event would count where, or as what, it does not belong."""

GONE: Final = object()
"""In place of a value: it is removed."""

_NUMBER_WANTED: Final = frozenset({"float_parsing", "int_parsing"})
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class _Repair(NamedTuple):
    place: Place
    value: object


def mended(
    given: Fields, error: ValidationError, validate: Callable[[Fields], Event], *, strict: bool
) -> tuple[Event, set[str]]:
    """Return the event without what is invalid of its optional parts, and their names.

    ``error`` says what is invalid. A field may go where it has a default or may be null, an entry of a list
    always. ``null`` for a field that may not be null is no value at all, and has no name. Not ``strict``:
    money as text is read where a number is expected, and a whole number where a text is. ValidationError
    where a required field is invalid.
    """
    given = copy.deepcopy(given)
    names: set[str] = set()
    while True:
        repairs = {}
        for problem in error.errors(include_url=False):
            repair = _repair(problem, strict=strict)
            if repair is not None:
                repairs[repair.place] = repair.value
                name = _name(problem, repair)
                if name is not None:
                    names.add(name)
        if not repairs:
            raise error
        for place in sorted(repairs, reverse=True):
            _put(given, place, repairs[place])
        try:
            return validate(given), names
        except ValidationError as next_error:
            error = next_error


def with_currency(given: Fields) -> Fields:
    """Return the fields with the code of the currency as it should be; InvalidEvent for one that is none."""
    currency = given["currency"]
    if currency is None or currency == "":
        return {name: value for name, value in given.items() if name != "currency"}
    code = currency.strip().upper() if isinstance(currency, str) else ""
    if not _CURRENCY.fullmatch(code):
        raise InvalidEvent("currency", f"currency {currency!r:.30} is no code like EUR")
    return given | {"currency": code}


def _repair(problem: ErrorDetails, *, strict: bool) -> _Repair | None:
    """What to do about a problem: the innermost part around it that may go or be null, None if none may."""
    tag, *place = problem["loc"] or ("",)
    model = KINDS.get(str(tag))
    repair = None
    for depth, key in enumerate(place, 1):
        here = tuple(place[:depth])
        if isinstance(key, int):
            repair = _Repair(here, GONE)
            continue
        field = None if model is None else model.model_fields.get(key)
        if field is None:
            return None
        if key not in KEPT or problem["input"] is None:
            if not field.is_required():
                repair = _Repair(here, GONE)
            elif NoneType in get_args(field.annotation):
                repair = _Repair(here, None)
        model = _model_in(field.annotation)
    if repair is None or strict:
        return repair
    return _read(problem, repair) if repair.place == tuple(place) else repair


def _read(problem: ErrorDetails, repair: _Repair) -> _Repair:
    """What else may be done where numbers and texts are written as each other."""
    given = problem["input"]
    if problem["type"] in _NUMBER_WANTED:
        found = number_of(given)
        return repair if found is None else repair._replace(value=found.value)
    if problem["type"] == "string_type" and type(given) is int:
        return repair._replace(value=str(given))
    return repair


def _name(problem: ErrorDetails, repair: _Repair) -> str | None:
    place = problem["loc"][1:]
    if problem["input"] is None and repair.place == place and isinstance(place[-1], str):
        return None
    if isinstance(repair.value, str):
        return None
    return ".".join(each for each in place if isinstance(each, str))


def _put(given: Fields, place: Place, value: object) -> None:
    holder: Any = given
    for key in place[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model that a field holds, by itself or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each)) is not None), None)
