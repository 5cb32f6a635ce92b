"""Files as a source: each is one partition, each of its lines one message, its number the offset."""

import gzip
import weakref
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Generic, Protocol, TypeVar, cast

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from typing_extensions import override

from operators.streaming.messages import OutputRecord, ShardBatch
from schemas.errors import SetupError
from schemas.message import Message

_AT_ONCE_BYTES: Final = 4 << 20
"""A batch ends with the line that makes it longer than this, so that long lines do not pile up."""

_CSV_HEADER: Final = b"event_time,"
_VERSION: Final = 1

FileState = tuple[int, int, int, bytes]
"""Version, offset of the next line, where it begins (bytes, after unpacking), what the judge remembers."""

S = TypeVar("S")


class MessageReader(Protocol):
    """What judges the messages of one part that has an end: the reader of the page."""

    def read(self, messages: Sequence[Message], now_s: float | None) -> Iterable[ShardBatch | OutputRecord]:
        """Return what these messages say."""

    def resumed(self) -> Iterable[ShardBatch | OutputRecord]:
        """Return what is to be said again after a resume."""

    def end(self) -> Iterable[ShardBatch | OutputRecord]:
        """Return what is to be said after the last message."""

    def snapshot(self) -> bytes:
        """Return its state."""


MessageReaderOf = Callable[[str, bytes | None], MessageReader]


class EndingPart(StatefulSourcePartition[ShardBatch | OutputRecord, S], Generic[S]):
    """A part that says again what a resume asks for, then what its messages say, then that it has ended."""

    def __init__(self, judge: MessageReader, *, resumed: bool) -> None:
        self.judge = judge
        self._to_say_again = resumed
        self._ended = False

    @abstractmethod
    def take(self) -> list[Message]:
        """Return the next messages, none at the end."""

    @override
    def next_batch(self) -> Iterable[ShardBatch | OutputRecord]:
        """Return what the next messages say, or what their end says."""
        if self._to_say_again:
            self._to_say_again = False
            return self.judge.resumed()
        if self._ended:
            raise StopIteration
        if messages := self.take():
            return self.judge.read(messages, None)
        self._ended = True
        return self.judge.end()


class FilePart(EndingPart[FileState]):
    """One file, read in batches of whole lines."""

    def __init__(self, source: "FileSource", index: int, state: FileState | None) -> None:
        _, self._line, self._position, remembered = state if state is not None else (_VERSION, 0, 0, None)
        super().__init__(source.judge(source.list_parts()[index], remembered), resumed=state is not None)
        self._source = source
        self._index = index
        path = source.paths[index]
        self._topic = path.name
        self._raw = path.open("rb")
        self._file = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw)) if path.suffix == ".gz" else self._raw
        # A run that is aborted calls no ``close``.
        self._closed = weakref.finalize(self, _close, self._file, self._raw)
        self._told = 0
        reached = self._file.seek(self._position)
        if reached < self._position or (self._file is self._raw and path.stat().st_size < reached):
            raise SetupError(f"{path} is shorter than what was read of it before")
        if self._line == 0 and ".csv" in path.suffixes[-2:]:
            self._skip_header()

    def _skip_header(self) -> None:
        line = self._file.readline()
        if line.startswith(_CSV_HEADER):
            self._line, self._position = 1, len(line)
        else:
            self._file.seek(0)

    @override
    def take(self) -> list[Message]:
        """Return the next lines without their ends; SetupError where a packed file is broken."""
        try:
            return self._take()
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            path = self._source.paths[self._index]
            raise SetupError(f"INPUT must be gzip from end to end; {path}: {error}") from None

    def _take(self) -> list[Message]:
        taken: list[Message] = []
        topic, partition, offset, start = self._topic, self._index, self._line, self._position
        position = start
        for line in self._file:
            position += len(line)
            taken.append(Message(_bare(line), None, (), topic, partition, offset))
            offset += 1
            if len(taken) == self._source.batch or position - start >= _AT_ONCE_BYTES:
                break
        self._line, self._position = offset, position
        self._tell()
        return taken

    def _tell(self) -> None:
        reached = self._position if self._file is self._raw else self._raw.tell()
        self._source.progress(reached - self._told)
        self._told = reached

    @override
    def snapshot(self) -> FileState:
        """Return where to read on and what the judge remembers."""
        return (_VERSION, self._line, self._position, self.judge.snapshot())

    @override
    def close(self) -> None:
        """Close the file."""
        self._closed()


def _close(*files: BinaryIO) -> None:
    for file in files:
        file.close()


def _bare(line: bytes) -> bytes:
    if line.endswith(b"\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith(b"\n") else line


class FileSource(FixedPartitionedSource[ShardBatch | OutputRecord, FileState]):
    """JSON lines or REES46 CSV (its header is skipped), plain or gzipped, as a source of the page.

    ``judge`` makes the reader of a part from its name, ``file name/0000``, and its snapshot. ``progress`` is
    told how many bytes of the files were read since it was last told; ``size_bytes`` is all there is.
    Raises SetupError for a path that is not a file.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        judge: MessageReaderOf,
        *,
        batch: int = 1000,
        progress: Callable[[int], object] = lambda _bytes: None,
    ) -> None:
        for path in paths:
            if not path.is_file():
                raise SetupError(f"INPUT must be a file that can be read; got {str(path)!r}")
        self.paths = tuple(paths)
        self.judge = judge
        self.batch = batch
        self.progress = progress
        self.size_bytes = sum(path.stat().st_size for path in paths)

    @override
    def list_parts(self) -> list[str]:
        """Return the names of the parts, one a file, in the order in which the files were given."""
        return [f"{path.name}/{index:04d}" for index, path in enumerate(self.paths)]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: FileState | None) -> FilePart:
        """Return a file that is read on where its snapshot ended."""
        return FilePart(self, self.list_parts().index(for_part), resume_state)
