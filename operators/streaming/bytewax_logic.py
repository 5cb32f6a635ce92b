"""The one file with Bytewax's callbacks: it hands batches to machines and their bytes to snapshots."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from bytewax.operators import StatefulBatchLogic

V = TypeVar("V")
W = TypeVar("W")
V_contra = TypeVar("V_contra", contravariant=True)
W_co = TypeVar("W_co", covariant=True)


class Machine(Protocol[V_contra, W_co]):
    """What a station is: it processes a batch, returns what follows, and can be written down."""

    def process(self, batch: V_contra, /) -> W_co:
        """Process a batch and return what follows."""

    def snapshot(self) -> bytes:
        """Return the state as bytes that never change."""


MachineFactory = Callable[[V | None, bytes | None], Machine[list[V], W]]
"""Builds a machine from its first value, or from its snapshot."""


class StationLogic(StatefulBatchLogic[V, W, bytes]):
    """One machine behind one key. It is built from the first value of its key, or from its snapshot."""

    def __init__(self, make: MachineFactory[V, W], state: bytes | None) -> None:
        self._make = make
        self._machine = None if state is None else make(None, state)

    def on_batch(self, values: list[V]) -> tuple[list[W], bool]:
        """Hand a batch to the machine, which is never discarded: shards and markets are few."""
        if self._machine is None:
            self._machine = self._make(values[0], None)
        return [self._machine.process(values)], StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        """Return the machine's state."""
        if self._machine is None:
            raise RuntimeError("a station has no snapshot before its first batch")
        return self._machine.snapshot()


def station(make: MachineFactory[V, W]) -> Callable[[bytes | None], StationLogic[V, W]]:
    """Return the builder that Bytewax wants for a keyed step."""
    return lambda state: StationLogic(make, state)
