"""Files as a source: each file is a partition, each record a message, its number in the file the offset."""

import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO, Final, Generic, TypeVar

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from typing_extensions import override

from flows.files.input_file import InputFile, read_errors
from operators.ingest.message_reader import FiniteReader
from operators.streaming.messages import ReaderOutput
from schemas.errors import DataError
from schemas.message import Message

FileState = tuple[int, int, int, bytes]
"""Version, offset of the next record, its position (in bytes, after unpacking), state of the reader."""

FiniteReaderOf = Callable[[str, bytes | None], FiniteReader]
"""Makes the reader of a partition from its name and its snapshot."""

_STATE_VERSION: Final = 1

S = TypeVar("S")


class FinitePartition(StatefulSourcePartition[ReaderOutput, S], Generic[S]):
    """A partition that ends: emits what a resume asks for, what its messages give, what its end gives."""

    def __init__(self, reader: FiniteReader, *, resumed: bool) -> None:
        self.reader = reader
        self._is_resumed = resumed
        self._has_ended = False

    @abstractmethod
    def next_messages(self) -> list[Message]:
        """Return the next messages, none at the end."""

    @override
    def next_batch(self) -> Iterable[ReaderOutput]:
        """Return what follows from the next messages, or from their end."""
        if self._is_resumed:
            self._is_resumed = False
            return self.reader.resumed()
        if self._has_ended:
            raise StopIteration
        if messages := self.next_messages():
            return self.reader.read(messages, None)
        self._has_ended = True
        return self.reader.end()


class FilePartition(FinitePartition[FileState]):
    """One file, read in batches of whole records; DataError when it is shorter than before a resume."""

    def __init__(self, source: "FileSource", index: int, state: FileState | None) -> None:
        self._input = file = source.files[index]
        first = (_STATE_VERSION, file.first_offset, file.first_position, None)
        _, offset, position, reader_state = state or first
        super().__init__(
            source.reader_of(source.list_parts()[index], reader_state), resumed=state is not None
        )
        self._source = source
        self._index = index
        self._raw, unpacked = file.open()
        # Bytewax does not call ``close`` on every partition of a run that fails.
        self._close_files = weakref.finalize(self, _close, unpacked, self._raw)
        self._reported_bytes = 0
        with read_errors(file.path):
            reached = unpacked.seek(position)
        if reached < position or (not file.is_gzip and file.path.stat().st_size < reached):
            raise DataError(f"{file.path} is shorter than what was read of it before")
        self._records = file.records(unpacked, offset, position)
        self._unread = iter(self._records)

    @override
    def next_messages(self) -> list[Message]:
        """Return the next records; DataError where a gzip file is broken."""
        messages: list[Message] = []
        records, batch = self._records, self._source.batch
        headers, topic, partition = self._input.headers, self._input.name, self._index
        full = records.position + self._source.batch_bytes
        with read_errors(self._input.path):
            for offset, value in self._unread:
                messages.append(Message(value, None, headers, topic, partition, offset))
                if len(messages) == batch or records.position >= full:
                    break
        self._report_progress()
        return messages

    def _report_progress(self) -> None:
        reached = self._raw.tell()
        self._source.progress(reached - self._reported_bytes)
        self._reported_bytes = reached

    @override
    def snapshot(self) -> FileState:
        """Return where to read on and the state of the reader."""
        return (_STATE_VERSION, self._records.offset, self._records.position, self.reader.snapshot())

    @override
    def close(self) -> None:
        """Close the file."""
        self._close_files()


def _close(*files: BinaryIO) -> None:
    for file in files:
        file.close()


class FileSource(FixedPartitionedSource[ReaderOutput, FileState]):
    """Files of events, as ``examine`` found them.

    A batch ends after ``batch`` records, or with the one that makes it longer than ``batch_bytes``, so that
    long records do not pile up. ``reader_of`` makes the reader of a partition from its name,
    ``file name/0000``, and its snapshot. ``progress`` is called with the number of bytes of the file read
    since its last call; ``size_bytes`` is their total.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        reader_of: FiniteReaderOf,
        *,
        batch: int = 1000,
        batch_bytes: int = 4 << 20,
        progress: Callable[[int], object] = lambda _bytes: None,
    ) -> None:
        self.files = tuple(files)
        self.reader_of = reader_of
        self.batch = batch
        self.batch_bytes = batch_bytes
        self.progress = progress
        self.size_bytes = sum(file.path.stat().st_size for file in files)

    @override
    def list_parts(self) -> list[str]:
        """Return the names of the partitions, one a file, in the order in which the files were given."""
        return [f"{file.name}/{index:04d}" for index, file in enumerate(self.files)]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: FileState | None) -> FilePartition:
        """Return a file that is read on where its snapshot ended."""
        return FilePartition(self, self.list_parts().index(for_part), resume_state)
