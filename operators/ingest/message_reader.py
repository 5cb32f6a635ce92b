"""The reader of one partition, as sources see it: messages in, batches and rejected records out."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from operators.ingest.counts import Counts
from operators.streaming.messages import ReaderOutput
from schemas.message import Message


class MessageReader(Protocol):
    """Validates the messages of one partition. Its state outlives the process as a snapshot."""

    def read(self, messages: Sequence[Message], now_s: float | None) -> Iterable[ReaderOutput]:
        """Return what follows from these messages, read at this wall clock (None: recorded ones)."""

    def resumed(self) -> Iterable[ReaderOutput]:
        """Return what must be emitted again after a resume."""

    def snapshot(self) -> bytes:
        """Return the state."""


class LiveReader(MessageReader, Protocol):
    """The reader of a partition that keeps growing."""

    @property
    def next_offset(self) -> int | None:
        """The offset to read next, None if nothing was read yet."""

    @property
    def event_time_s(self) -> float:
        """How far event time has come, minus infinity before that is known."""

    @property
    def greatest_s(self) -> float:
        """The greatest event time read, minus infinity before any."""

    def idle(self, now_s: float) -> Iterable[ReaderOutput]:
        """Return what follows from having reached the end of the partition at this wall clock."""


class FiniteReader(MessageReader, Protocol):
    """The reader of a partition that ends."""

    def end(self) -> Iterable[ReaderOutput]:
        """Return what follows from the end of the partition."""


class SourceReader(LiveReader, FiniteReader, Protocol):
    """The reader of a partition of either kind, with what it reports about itself.

    ``rejects`` counts by class and ``dropped`` by field since it was made.
    """

    partition: str
    counts: Counts
    rejects: dict[str, int]
    dropped: dict[str, int]
    watermark_s: float
