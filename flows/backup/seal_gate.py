"""Where seals wait while the state is copied."""

import threading
from typing import Final

MOST_S: Final = 60.0
"""Whoever closes the gate opens it sooner; nobody waits for longer."""


class SealGate:
    """Open until it is closed: no epoch begins to be sealed until it is opened again."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self._is_open.set()

    def close(self) -> None:
        """Let seals wait from now on; one that has begun goes on, as far as it has begun."""
        self._is_open.clear()

    def open(self) -> None:
        """Let seals begin."""
        self._is_open.set()

    def wait(self) -> None:
        """Wait until it is open, or for as long as anybody waits."""
        self._is_open.wait(MOST_S)
