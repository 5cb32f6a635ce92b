"""The one file with Bytewax's callbacks: it hands batches to machines and their bytes to snapshots."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from bytewax.operators import StatefulBatchLogic

V = TypeVar("V")
W = TypeVar("W")
V_contra = TypeVar("V_contra", contravariant=True)
W_co = TypeVar("W_co", covariant=True)


class Machine(Protocol[V_contra, W_co]):
    """What a station is: it takes a batch, says one thing, and can be written down."""

    def take(self, batch: V_contra, /) -> W_co:
        """Take a batch and return what follows."""

    def snapshot(self) -> bytes:
        """Return the state as bytes that never change."""


Make = Callable[[V | None, bytes | None], Machine[list[V], W]]
"""Builds a machine from its first value, or from the state that was written down."""


class StationLogic(StatefulBatchLogic[V, W, bytes]):
    """One machine behind one key. It is built by the first value of its key, or by its state."""

    def __init__(self, make: Make[V, W], state: bytes | None) -> None:
        self._make = make
        self._machine = None if state is None else make(None, state)

    def on_batch(self, values: list[V]) -> tuple[list[W], bool]:
        """Hand a batch to the machine; it is kept for ever: keys are shards and markets, which are few."""
        if self._machine is None:
            self._machine = self._make(values[0], None)
        return [self._machine.take(values)], StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        """Return the machine's state."""
        if self._machine is None:
            raise RuntimeError("a station is written down only after its first batch")
        return self._machine.snapshot()


def station(make: Make[V, W]) -> Callable[[bytes | None], StationLogic[V, W]]:
    """Return the builder that Bytewax wants for a keyed step."""
    return lambda state: StationLogic(make, state)
