"""Pseudonyms: what visitors and users are called once an event is decoded, where a shop has set a key.

A pseudonym is a keyed hash (BLAKE2b, RFC 7693): the same for the same id and key, and of no use to whoever
does not have the key. Everything that follows, state, topics and logs, has the pseudonym alone.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec
from pydantic import BaseModel

from schemas.adapters.decoded import Decoded
from schemas.errors import SetupError
from schemas.events import Event, VisitorErased

KEYS: Final = 2
LEAST_CHARS: Final = 32
MOST_CHARS: Final = 64
DIGEST_BYTES: Final = 16
Kind = Literal["visitor", "user", "session"]
FIELDS: Final[tuple[tuple[str, Kind], ...]] = (
    ("visitor_id", "visitor"),
    ("user_id", "user"),
    ("session_id", "session"),
)
"""The fields of an event that say who it is about."""


class Pseudonyms(NamedTuple):
    """The keys of a shop, the current one first; the one before erases and finds what still has its names."""

    keys: tuple[bytes, ...]

    def of(self, kind: Kind, id_: str) -> str:
        """Return the pseudonym of an id.

        >>> Pseudonyms((b"k" * 32,)).of("visitor", "ann")
        'p-c1e0fb9e40249e5cdd50ebebdd1deef3'
        """
        return _pseudonym(self.keys[0], kind, id_)

    def every(self, kind: Kind, id_: str) -> tuple[str, ...]:
        """Return the pseudonyms of an id under all keys."""
        return tuple(_pseudonym(key, kind, id_) for key in self.keys)

    def applied(self, decoded: Decoded) -> Decoded:
        """Return a decoded event that names nobody; an erasure also as it was named under the key before."""
        event = decoded.event
        first, *others = [
            _named(event, key) for key in self.keys if key is self.keys[0] or _is_erasure(event)
        ]
        return msgspec.structs.replace(decoded, event=first, beside=tuple(others))


def _pseudonym(key: bytes, kind: Kind, id_: str) -> str:
    return f"p-{blake2b(f'{kind}:{id_}'.encode(), key=key, digest_size=DIGEST_BYTES).hexdigest()}"


def _is_erasure(event: Event) -> bool:
    return type(event).__name__ == VisitorErased.__name__


def _named(event: Event, key: bytes) -> Event:
    names: dict[str, Any] = {
        name: _pseudonym(key, kind, id_)
        for name, kind in FIELDS
        if (id_ := getattr(event, name, None)) is not None
    }
    if isinstance(event, BaseModel):
        return event.model_copy(update=names)
    return msgspec.structs.replace(event, **names)


def read_keys(path: Path) -> Pseudonyms:
    """Return the keys in a file, one a line, the current one first; SetupError where it has none."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            f"PSEUDONYM_KEY_FILE must be a file that can be read; got {str(path)!r}: {error}"
        ) from None
    if not 1 <= len(lines) <= KEYS or not all(LEAST_CHARS <= len(line) <= MOST_CHARS for line in lines):
        raise SetupError(
            f"PSEUDONYM_KEY_FILE must have one or two lines of {LEAST_CHARS} to {MOST_CHARS} characters, the "
            f"current key first; {str(path)!r} has something else"
        )
    if not all(line.isascii() for line in lines):
        raise SetupError(f"PSEUDONYM_KEY_FILE must have keys of ASCII characters; {str(path)!r} has others")
    return Pseudonyms(tuple(line.encode() for line in lines))
