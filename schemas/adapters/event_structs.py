"""Native events decoded into structs, at a quarter to a half of what a validated model costs.

The models of ``schemas.events`` are the contract: the structs are made of them, field by field, and take
nothing that they refuse. What the structs refuse, or cannot judge, is for the models to judge and to name.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from schemas.adapters.mending import KINDS
from schemas.events import EARLIEST, Event, EventBase, known_zone

SHALLOW_BYTES: Final = 256
MAX_BRACKETS: Final = 64
"""Longer values with more brackets than this are for the models, which do not nest without bounds."""

_PLAIN: Final = frozenset({str, int, float, bool, NoneType})
_CONSTRAINTS: Final = {Ge: "ge", Le: "le", MinLen: "min_length", MaxLen: "max_length"}


ENVELOPE: Final = ("specversion", msgspec.UnsetType, msgspec.UNSET)
"""The mark of an envelope must not be there: what is in one is for ``native.read`` to find."""


def _struct_of(model: type[BaseModel]) -> type[msgspec.Struct]:
    """Return a struct with the fields of a part of an event; it has the same attributes."""
    return msgspec.defstruct(model.__name__, _fields(model), frozen=True, kw_only=True, gc=False)


def _event_struct_of(model: type[BaseModel], tag: str) -> type[msgspec.Struct]:
    """Return a struct with the fields of an event."""
    fields = [*_fields(model), ENVELOPE]
    return msgspec.defstruct(
        model.__name__, fields, tag=tag, tag_field="type", frozen=True, kw_only=True, gc=False
    )


def _fields(model: type[BaseModel]) -> list[tuple[Any, ...]]:
    return [_field(name, field) for name, field in model.model_fields.items() if name != "type"]


def _field(name: str, field: FieldInfo) -> tuple[Any, ...]:
    type_ = _type_of(field.annotation, field.metadata)
    return (name, type_) if field.is_required() else (name, type_, field.default)


def _type_of(annotation: Any, metadata: list[Any]) -> Any:  # noqa: ANN401  types are anything
    """Return an annotation of the models as the structs have it."""
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        metadata = [*metadata, *more]
    if annotation is AwareDatetime:
        return Annotated[datetime, msgspec.Meta(tz=True)]
    given: dict[str, Any] = {}
    for each in _flat(metadata):
        if type(each) in _CONSTRAINTS and annotation is not datetime:
            name = _CONSTRAINTS[type(each)]
            bound = getattr(each, name)
            given[name] = float(bound) if annotation is float else bound
        elif (pattern := getattr(each, "pattern", None)) is not None:
            given["pattern"] = pattern.removesuffix("$") + r"\Z"  # `$` would let a line break through
    bare = _bare(annotation)
    return Annotated[bare, msgspec.Meta(**given)] if given else bare


def _flat(metadata: list[Any]) -> list[Any]:
    """Return the constraints one by one: pydantic keeps those of a ``Field`` together."""
    return [part for each in metadata for part in (each.metadata if isinstance(each, FieldInfo) else (each,))]


def _bare(annotation: Any) -> Any:  # noqa: ANN401  types are anything
    """Return an annotation without constraints of its own, its parts with theirs."""
    origin = get_origin(annotation)
    if origin is Literal or annotation in _PLAIN:
        return annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _PARTS.setdefault(annotation, _struct_of(annotation))
    parts = [each if each is Ellipsis else _type_of(each, []) for each in get_args(annotation)]
    if origin in (Union, UnionType):
        return Union[tuple(parts)]  # noqa: UP007  made at run time
    return tuple.__class_getitem__(tuple(parts))


_PARTS: Final[dict[type[BaseModel], type[msgspec.Struct]]] = {}
STRUCTS: Final = {model: _event_struct_of(model, tag) for tag, model in KINDS.items()}
"""The struct of each kind of event."""


def in_all_forms(kinds: Iterable[type[EventBase]]) -> frozenset[type]:
    """Return the classes that an event of these kinds may have: the model, and the struct."""
    return frozenset(form for kind in kinds for form in (kind, STRUCTS[kind]))


_ANY: Any = Union[tuple(STRUCTS.values())]  # noqa: UP007  made at run time
_DECODE: Final[Callable[[bytes], Event]] = msgspec.json.Decoder(_ANY).decode


def decoded_event(value: bytes) -> Event | None:
    """Return the event in a value, as a struct with the attributes of its model; None: ask the models."""
    try:
        event = _DECODE(value)
        if not value.isascii():
            value.decode()
        if event.timezone is not None:
            known_zone(event.timezone)
    except (ValueError, RecursionError):
        return None
    if event.time.year <= EARLIEST.year:
        return None
    if len(value) > SHALLOW_BYTES and value.count(b"[") + value.count(b"{") > MAX_BRACKETS:
        return None
    return event
