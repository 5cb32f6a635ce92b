"""A child process and its parent: what it is told first, and that it learns when its parent is gone.

Both go through its standard input, which is a pipe that nobody but its parent has.
"""

import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO


def send(orders: tuple[Any, ...], pipe: BinaryIO) -> None:
    """Tell a child plain values, for ``received``."""
    pickle.dump(tuple(orders), pipe)
    pipe.flush()


def received(pipe: BinaryIO) -> tuple[Any, ...]:
    """Return what the parent has sent."""
    orders: tuple[Any, ...] = pickle.load(pipe)  # noqa: S301  from nobody but the parent
    return orders


def when_parent_ends(do: Callable[[], object]) -> None:
    """Call a function, on a thread of its own, once the parent is gone."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)  # not through the buffer, whose lock Python wants when it ends
        do()

    threading.Thread(target=wait, daemon=True).start()
