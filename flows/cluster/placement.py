"""The keys of shards and markets, chosen so that Bytewax deals them out evenly to any number of processes.

Bytewax puts a key where its hash says, so a key is a name with a suffix that gives it the wanted place on a
round of twelve: with ``n`` processes, ``n`` a divisor of twelve, place ``p`` is in process ``p % n``. Markets
take the places one after the other. The first one is always in process 0, and so often the only one, and it
is much work: shards leave two places out, so that process 0 has two fifths of them with two processes and a
fifth with three or four.
"""

from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Final

from flows.cluster.key_hash import key_hash
from operators.streaming.ids import SHARDS

ROUND: Final = 12
OF_SHARDS: Final = tuple(place for place in range(ROUND) if place not in (0, ROUND // 2))


def placed_key(name: str, place: int) -> str:
    """Return the key of what has a name, at a place of the round.

    >>> key_hash(placed_key("default", 0)) % 12
    0
    """
    keys = (name if number == 0 else f"{name}~{number}" for number in count())
    return next(key for key in keys if key_hash(key) % ROUND == place)


def name_in(key: str) -> str:
    """Return the name in a key.

    >>> name_in(placed_key("default", 0))
    'default'
    """
    return key.partition("~")[0]


@cache
def shard_keys() -> tuple[str, ...]:
    """Return the keys of all shards, by their number."""
    return tuple(placed_key(f"{shard:03d}", OF_SHARDS[shard % len(OF_SHARDS)]) for shard in range(SHARDS))


def market_keys(markets: Iterable[str]) -> dict[str, str]:
    """Return the keys of markets, which are given in the order in which they first appeared."""
    return {name: placed_key(name, at % ROUND) for at, name in enumerate(markets)}


def owner_of_key(key: str, processes: int) -> int:
    """Return the process in which a key lives."""
    return key_hash(key) % processes
