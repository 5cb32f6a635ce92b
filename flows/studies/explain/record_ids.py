"""By what a decision can be asked for."""

from typing import Final

ENDINGS: Final = ("-decided", "-ended", "-window")


def decision_id_of(name: str) -> str:
    """Return the id of a decision from its own, that of its offer, or that of one of their records.

    >>> decision_id_of("dda7873c0e884161b23b5c63-decided")
    'dda7873c0e884161b23b5c63'
    """
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name.strip()
