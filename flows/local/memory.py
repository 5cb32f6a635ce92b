"""Lists in place of files and brokers: what a test gives to the page, and what it gets back."""

from collections.abc import Mapping, Sequence
from typing import Any

from bytewax.inputs import AbortExecution, FixedPartitionedSource
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from typing_extensions import override

from flows.files.source import FinitePartition, FiniteReaderOf
from operators.streaming.messages import ReaderOutput
from schemas.message import Message

ListState = tuple[int, bytes]
"""How many messages were read, what the judge remembers."""


class ListPart(FinitePartition[ListState]):
    """One list of messages, read in batches."""

    def __init__(self, source: "ListSource", name: str, state: ListState | None) -> None:
        self._next, remembered = state if state is not None else (0, None)
        super().__init__(source.judge(name, remembered), resumed=state is not None)
        self._source = source
        self._messages = source.messages[name]

    @override
    def next_messages(self) -> list[Message]:
        """Return the next messages; AbortExecution when it is time to crash."""
        self._source.before_batch()
        taken = list(self._messages[self._next : self._next + self._source.batch])
        self._next += len(taken)
        return taken

    @override
    def snapshot(self) -> ListState:
        """Return how far the list was read and what the judge remembers."""
        return (self._next, self.reader.snapshot())


class ListSource(FixedPartitionedSource[ReaderOutput, ListState]):
    """Lists of messages, by the name of their part, as a source of the page.

    With ``crash_after`` the dataflow is aborted, as a crash would, after so many batches of all parts; once.
    """

    def __init__(
        self,
        messages: Mapping[str, Sequence[Message]],
        judge: FiniteReaderOf,
        *,
        batch: int = 1000,
        crash_after: int | None = None,
    ) -> None:
        self.messages = messages
        self.judge = judge
        self.batch = batch
        self._left = crash_after

    def before_batch(self) -> None:
        """Count a batch; AbortExecution instead of the one after the last."""
        if self._left is None:
            return
        if self._left == 0:
            self._left = None
            raise AbortExecution
        self._left -= 1

    @override
    def list_parts(self) -> list[str]:
        """Return the names of the lists."""
        return sorted(self.messages)

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: ListState | None) -> ListPart:
        """Return a list that is read on where its snapshot ended."""
        return ListPart(self, for_part, resume_state)


class CollectPart(StatefulSinkPartition[Any, int]):
    """The end of a stream in a list."""

    def __init__(self, items: list[Any], length: int) -> None:
        self._items = items
        del items[length:]

    @override
    def write_batch(self, items: list[Any]) -> None:
        """Append them."""
        self._items += items

    @override
    def snapshot(self) -> int:
        """Return how long the list is."""
        return len(self._items)


class CollectSink(FixedPartitionedSink[Any, int]):
    """A list as a sink of the page: ``items`` without their keys, each once, also when a run is resumed."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    @override
    def list_parts(self) -> list[str]:
        """Return the one part there is."""
        return ["list"]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> CollectPart:
        """Return the list, cut to what was in it at the snapshot."""
        return CollectPart(self.items, resume_state or 0)
