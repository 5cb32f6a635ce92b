"""Identifiers that follow from what they name, so that the same thing has the same id whenever it is made."""

from hashlib import blake2b
from zlib import crc32

SHARDS = 64
"""Number of visitor shards; fixed by the format of the state."""


def check_format(what: str, found: int, known: int) -> None:
    """Raise ValueError where a snapshot has a format that this version does not read."""
    if found != known:
        raise ValueError(f"the state of {what} must be of format {known}; got {found}")


def hash_of(visitor: str) -> int:
    """Return the hash of a visitor; modulo ``SHARDS`` it is the shard."""
    return crc32(visitor.encode())


def shard_of(visitor: str) -> int:
    """Return the shard, 0 to 63, that holds a visitor."""
    return hash_of(visitor) % SHARDS


def name_of(*parts: str) -> str:
    """Return 24 hexadecimal digits that are the same for the same parts and differ for any others.

    >>> name_of("a", "bc") == name_of("ab", "c")
    False
    """
    return blake2b(_joined(parts), digest_size=12).hexdigest()


def share_of(*parts: str) -> float:
    """Return a number in [0, 1) that follows from the parts and is uniform over them."""
    return int.from_bytes(blake2b(_joined(parts), digest_size=7).digest()) / 2**56


def _joined(parts: tuple[str, ...]) -> bytes:
    joined = "\x1f".join(parts)
    if joined.count("\x1f") >= len(parts):  # no separator is safe from visitors who choose their id
        joined = repr(parts)
    return joined.encode()
