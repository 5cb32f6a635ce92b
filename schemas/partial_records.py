"""Some fields of a declared record, for readers of long logs who need no more: a shape is declared once."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec

from schemas.records import Record, decoder

R = TypeVar("R", bound=Record)


def partial_decoder(kind: type[R], *names: str, constrained: bool = True) -> Callable[[bytes | str], R]:
    """Return what reads these fields of records of a kind, several times as fast as all of them.

    They have the types and constraints of the declared record, and its check of several fields where all of
    these are read; without ``constrained`` they have the types alone, which is faster for records that were
    just written. No other attribute is there, which a type checker cannot know. It raises as ``decoder``
    does, and ValueError at once for a field that the record does not have.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    types = {name: field.type for name, field in fields.items()}
    unknown = [name for name in names if name not in types]
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {', '.join(unknown)}")
    check = getattr(kind, "__post_init__", None)
    if check is not None and not types.keys() & set(check.__code__.co_names) <= set(names):
        check = None
    config = kind.__struct_config__
    shape = msgspec.defstruct(
        kind.__name__,
        [_declared(fields[name], constrained=constrained) for name in names],
        namespace=None if check is None else {"__post_init__": check},
        tag=config.tag,
        tag_field=config.tag_field,
        frozen=True,
        kw_only=True,
        gc=False,
    )
    return decoder(cast("type[R]", shape))


def _declared(field: msgspec.structs.FieldInfo, *, constrained: bool) -> tuple[Any, ...]:
    """Return name, type and, where there is one, default: a field that was added later has one."""
    type_ = field.type if constrained else _without_constraints(field.type)
    if field.default_factory is not msgspec.NODEFAULT:
        return field.name, type_, msgspec.field(default_factory=field.default_factory)
    return (field.name, type_) if field.default is msgspec.NODEFAULT else (field.name, type_, field.default)


def _without_constraints(type_: Any) -> Any:  # noqa: ANN401  types of types have no type
    return get_args(type_)[0] if get_origin(type_) is Annotated else type_
