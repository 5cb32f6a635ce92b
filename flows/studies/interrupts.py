"""Ctrl-C during a dataflow: Bytewax prints a panic for an exception that leaves one of its callbacks."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import OfferstreamError


class _InterruptedError(OfferstreamError):
    """The way out of a source that ``errors_after_run`` guards."""


class Interrupts:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.is_requested = False

    def request(self, *_signal: object) -> None:
        """Note Ctrl-C; raise KeyboardInterrupt for the second one."""
        if self.is_requested:
            raise KeyboardInterrupt
        self.is_requested = True

    def check(self) -> None:
        """Leave the run if Ctrl-C was pressed; call this where the guarded source reads."""
        if self.is_requested:
            raise _InterruptedError("interrupted")


@contextmanager
def interrupts_at_batches() -> Iterator[Interrupts]:
    """Turn Ctrl-C into an error of the source's next batch, and that into KeyboardInterrupt after the block.

    Only the main thread receives signals; in another one nothing changes.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, interrupts.request)
    try:
        yield interrupts
    except _InterruptedError:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)
