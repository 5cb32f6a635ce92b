"""What every outgoing record has in common: its shape is declared once, to write and to read it."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from inspect import cleandoc
from typing import Annotated, Any, Final, TypeVar

import msgspec

from schemas.events import MAX_ID, NAME_PATTERN

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)]
Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
Probability = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Money = Annotated[float, msgspec.Meta(ge=0.0)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


_FULL_S: Final = 59.999999
"""What is more may be a full minute once it is rounded to microseconds."""


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


@lru_cache(maxsize=1000)
def _minute_text(minute: float) -> str:
    return _text(minute * 60.0)[:17]


class Timestamp:
    """A moment as records carry it: RFC 3339 in UTC with microseconds; ``seconds`` since 1970 in code.

    >>> str(Timestamp(1.5))
    '1970-01-01T00:00:01.500000Z'
    """

    __slots__ = ("_text", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._text: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Timestamp":
        """Return the moment a text names; raises ValueError for one that is no time or has no zone."""
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError(f"a time must have a zone; got {text!r}")
        return cls(at.timestamp())

    def __str__(self) -> str:
        """Return the text that records carry."""
        if self._text is None:  # the records of a moment share its time
            minute, rest_s = divmod(self.seconds, 60.0)
            if rest_s < _FULL_S:
                self._text = f"{_minute_text(minute)}{rest_s:09.6f}Z"
            else:
                self._text = _text(self.seconds)[:-6] + "Z"
        return self._text

    def __repr__(self) -> str:
        """Return the seconds, for people who debug."""
        return f"Timestamp({self.seconds!r})"

    def __eq__(self, other: object) -> bool:
        """Return whether the other one names the same moment."""
        return isinstance(other, Timestamp) and self.seconds == other.seconds

    def __hash__(self) -> int:
        """Return the hash of the seconds."""
        return hash(self.seconds)


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The base of all outgoing records; who reads one ignores fields that a later version has added."""


R = TypeVar("R")


def _written(value: object) -> str:
    if isinstance(value, Timestamp):
        return value._text or value.__str__()  # noqa: SLF001  most were written before
    raise NotImplementedError(f"a record cannot hold {type(value).__name__}")


def _read(kind: type, value: object) -> object:
    if kind is Timestamp and isinstance(value, str):
        return Timestamp.parse(value)
    raise ValueError(f"expected an RFC 3339 time; got {value!r}")


encode: Final[Callable[[Record], bytes]] = msgspec.json.Encoder(enc_hook=_written).encode
"""Return a record as the bytes that are published."""


def decoder(kind: type[R]) -> Callable[[bytes | str], R]:
    """Return what reads records of a kind, or of a union of kinds tagged by ``type``.

    It raises ``msgspec.DecodeError`` for bytes that are not JSON, and ``msgspec.ValidationError`` with the
    field's path for a record that is not of the kind.
    """
    return msgspec.json.Decoder(kind, dec_hook=_read).decode


def json_schema(*kinds: type[Record]) -> dict[str, Any]:
    """Return the JSON Schema of a record that is of one of these kinds; every field is written, always."""
    schemas, parts = msgspec.json.schema_components(
        kinds, schema_hook=_schema_of, ref_template="#/$defs/{name}"
    )
    for part in parts.values():
        part |= {"description": cleandoc(part["description"]), "required": list(part["properties"])}
    if len(schemas) > 1:
        return {"oneOf": list(schemas), "$defs": parts}
    own = parts.pop(kinds[0].__name__)
    return {**own, "$defs": parts} if parts else own


def _schema_of(kind: type) -> dict[str, Any]:
    if kind is Timestamp:
        return {"type": "string", "format": "date-time"}
    raise NotImplementedError(f"a record cannot hold {kind.__name__}")
