"""Identifiers that follow from what they name, so that the same thing said twice has the same name."""

from hashlib import blake2b
from zlib import crc32

SHARDS = 256
"""Number of visitor shards; fixed by the format of the state."""


def shard_of(visitor: str) -> int:
    """Return the shard, 0 to 255, in which a visitor lives."""
    return crc32(visitor.encode()) % SHARDS


def name_of(*parts: str) -> str:
    """Return 24 hexadecimal digits that are the same for the same parts and differ for any others.

    >>> name_of("a", "bc") == name_of("ab", "c")
    False
    """
    return blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def share_of(*parts: str) -> float:
    """Return a number in [0, 1) that follows from the parts and is uniform over them."""
    return int.from_bytes(blake2b("\x1f".join(parts).encode(), digest_size=7).digest()) / 2**56
