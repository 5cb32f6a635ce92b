"""Dictionaries in order of time, from whose front goes what is over."""

from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V")


def drop_from_front(items: dict[str, V], is_over: Callable[[V], bool]) -> None:
    """Drop items from the front of a dictionary as long as they are over.

    >>> ends_s = {"ann": 1.0, "bob": 5.0, "cid": 2.0}
    >>> drop_from_front(ends_s, lambda end_s: end_s < 3.0); ends_s
    {'bob': 5.0, 'cid': 2.0}
    """
    while items:
        first = next(iter(items))
        if not is_over(items[first]):
            return
        del items[first]
