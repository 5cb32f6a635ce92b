"""Files as a source: each file is a partition, each line a message, the number of the line its offset."""

import gzip
import os
import weakref
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Generic, TypeVar, cast

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from typing_extensions import override

from operators.ingest.message_reader import FiniteReader
from operators.streaming.messages import OutputRecord, ShardBatch
from schemas.errors import DataError, SetupError
from schemas.message import Message

FileState = tuple[int, int, int, bytes]
"""Version, offset of the next line, its position (in bytes, after unpacking), state of the reader."""

FiniteReaderOf = Callable[[str, bytes | None], FiniteReader]
"""Makes the reader of a partition from its name and its snapshot."""

_CSV_HEADER: Final = b"event_time,"
_STATE_VERSION: Final = 1

S = TypeVar("S")


class FinitePartition(StatefulSourcePartition[ShardBatch | OutputRecord, S], Generic[S]):
    """A partition that ends: emits what a resume asks for, what its messages give, what its end gives."""

    def __init__(self, reader: FiniteReader, *, resumed: bool) -> None:
        self.reader = reader
        self._is_resumed = resumed
        self._has_ended = False

    @abstractmethod
    def next_messages(self) -> list[Message]:
        """Return the next messages, none at the end."""

    @override
    def next_batch(self) -> Iterable[ShardBatch | OutputRecord]:
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
    """One file, read in batches of whole lines. Raises DataError when it is shorter than before a resume."""

    def __init__(self, source: "FileSource", index: int, state: FileState | None) -> None:
        _, self._line, self._position, reader_state = state or (_STATE_VERSION, 0, 0, None)
        super().__init__(
            source.reader_of(source.list_parts()[index], reader_state), resumed=state is not None
        )
        self._source = source
        self._index = index
        self._path = path = source.paths[index]
        self._topic = path.name
        self._raw = path.open("rb")
        self._file = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw)) if path.suffix == ".gz" else self._raw
        # Bytewax does not call ``close`` on every partition of a run that fails.
        self._close_files = weakref.finalize(self, _close, self._file, self._raw)
        self._reported_bytes = 0
        with self._broken_gzip_as_data_error():
            reached = self._file.seek(self._position)
            if reached < self._position or (self._file is self._raw and path.stat().st_size < reached):
                raise DataError(f"{path} is shorter than what was read of it before")
            if self._line == 0 and ".csv" in path.suffixes[-2:]:
                self._skip_header()

    def _skip_header(self) -> None:
        line = self._file.readline()
        if line.startswith(_CSV_HEADER):
            self._line, self._position = 1, len(line)
        else:
            self._file.seek(0)

    @contextmanager
    def _broken_gzip_as_data_error(self) -> Iterator[None]:
        try:
            yield
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{self._path} must be gzip from end to end; got: {error}") from None

    @override
    def next_messages(self) -> list[Message]:
        """Return the next lines without their line ends; DataError where a gzip file is broken."""
        messages: list[Message] = []
        topic, partition, offset, start = self._topic, self._index, self._line, self._position
        position = start
        with self._broken_gzip_as_data_error():
            for line in self._file:
                position += len(line)
                messages.append(Message(_without_line_end(line), None, (), topic, partition, offset))
                offset += 1
                if len(messages) == self._source.batch or position - start >= self._source.batch_bytes:
                    break
        self._line, self._position = offset, position
        self._report_progress()
        return messages

    def _report_progress(self) -> None:
        reached = self._position if self._file is self._raw else self._raw.tell()
        self._source.progress(reached - self._reported_bytes)
        self._reported_bytes = reached

    @override
    def snapshot(self) -> FileState:
        """Return where to read on and the state of the reader."""
        return (_STATE_VERSION, self._line, self._position, self.reader.snapshot())

    @override
    def close(self) -> None:
        """Close the file."""
        self._close_files()


def _close(*files: BinaryIO) -> None:
    for file in files:
        file.close()


def _without_line_end(line: bytes) -> bytes:
    if line.endswith(b"\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith(b"\n") else line


class FileSource(FixedPartitionedSource[ShardBatch | OutputRecord, FileState]):
    """JSON lines or REES46 CSV (its header is skipped), plain or gzipped.

    A batch ends after ``batch`` lines, or with the line that makes it longer than ``batch_bytes``, so that
    long lines do not pile up. ``reader_of`` makes the reader of a partition from its name,
    ``file name/0000``, and its snapshot. ``progress`` is called with the number of bytes of the file read
    since its last call; ``size_bytes`` is their total. Raises SetupError for a path that is not a readable
    file.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        reader_of: FiniteReaderOf,
        *,
        batch: int = 1000,
        batch_bytes: int = 4 << 20,
        progress: Callable[[int], object] = lambda _bytes: None,
    ) -> None:
        for path in paths:
            if not (path.is_file() and os.access(path, os.R_OK)):
                raise SetupError(f"the input must be a file that can be read; got {str(path)!r}")
        self.paths = tuple(paths)
        self.reader_of = reader_of
        self.batch = batch
        self.batch_bytes = batch_bytes
        self.progress = progress
        self.size_bytes = sum(path.stat().st_size for path in paths)

    @override
    def list_parts(self) -> list[str]:
        """Return the names of the partitions, one a file, in the order in which the files were given."""
        return [f"{path.name}/{index:04d}" for index, path in enumerate(self.paths)]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: FileState | None) -> FilePartition:
        """Return a file that is read on where its snapshot ended."""
        return FilePartition(self, self.list_parts().index(for_part), resume_state)
