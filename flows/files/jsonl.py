"""JSON lines as a sink: each stream's records go to its files in the order of their arrival."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from msgspec import UNSET
from typing_extensions import override

from operators.streaming.messages import OutputRecord
from schemas.errors import DataError, SetupError
from schemas.rejected import RejectedRecord, rejected_line
from schemas.topics import OUTPUTS

FILES: Final[Mapping[str, tuple[str, ...]]] = {
    row.name: tuple(dict.fromkeys(row.files.values())) for row in OUTPUTS if row.files
}
"""The files (without ``.jsonl``) that each stream is written to."""

_FILE_OF: Final[Mapping[str, str]] = {kind: name for row in OUTPUTS for kind, name in row.files.items()}

JsonlState = tuple[int, dict[str, int]]
"""Version, size of each file in bytes."""

_STATE_VERSION: Final = 1


def make_output_directory(directory: Path) -> None:
    """Make a directory for output files; SetupError where it cannot be made or is not empty."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        reason = "files in it" if any(directory.iterdir()) else None
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise SetupError(f"the output directory {directory} must be new or empty; got: {reason}")


class LineFiles:
    """The files of one stream, cut to ``sizes`` at first; one that is not named there is emptied.

    No file is kept open, so that a partition that a crash left behind writes nothing more. Raises DataError
    for a file that is shorter than its size.
    """

    def __init__(self, directory: Path, stream: str, sizes: Mapping[str, int] | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._paths = {name: directory / f"{name}.jsonl" for name in FILES[stream]}
        self._sizes = {name: (sizes or {}).get(name, 0) for name in self._paths}
        self._not_synced: set[str] = set()
        for name, path in self._paths.items():
            with path.open("ab") as file:
                if file.tell() < self._sizes[name]:
                    raise DataError(f"{path} must still have the {self._sizes[name]} bytes written before")
                file.truncate(self._sizes[name])

    def write(self, records: Iterable[OutputRecord]) -> None:
        """Append a line for each record."""
        lines: dict[str, list[bytes]] = {}
        for record in records:
            lines.setdefault(_file_of(record), []).append(_line_of(record))
        for name, each in lines.items():
            with self._paths[name].open("ab") as file:
                self._sizes[name] += file.write(b"".join(each))
        self._not_synced.update(lines)

    def sync(self) -> dict[str, int]:
        """Flush all files to the disk and return their sizes."""
        for name in self._not_synced:
            with self._paths[name].open("ab") as file:
                os.fsync(file.fileno())
        self._not_synced.clear()
        return dict(self._sizes)


def _file_of(record: OutputRecord) -> str:
    return _FILE_OF[record.type]


def _line_of(record: OutputRecord) -> bytes:
    if record.stream != "rejected":
        return record.value + b"\n"
    key = None if record.own_key is UNSET else record.own_key
    value = None if record.is_null else record.value
    line = rejected_line(RejectedRecord(record.id, value, record.headers, key))
    return line.model_dump_json(exclude_none=True).encode() + b"\n"


class JsonlSinkPartition(StatefulSinkPartition[OutputRecord, JsonlState]):
    """The one partition of a stream: all its files."""

    def __init__(self, files: LineFiles) -> None:
        self._files = files

    @override
    def write_batch(self, items: list[OutputRecord]) -> None:
        """Append a line for each record."""
        self._files.write(items)

    @override
    def snapshot(self) -> JsonlState:
        """Return the sizes of the files, whose contents survive a power failure."""
        return (_STATE_VERSION, self._files.sync())


class JsonlSink(FixedPartitionedSink[OutputRecord, JsonlState]):
    """The files of one stream (offers, decisions, rejected) in a directory.

    A resumed run cuts them to their sizes at its snapshot, a new run empties them.
    """

    def __init__(self, directory: Path, stream: str) -> None:
        self._directory = directory
        self._stream = stream

    @override
    def list_parts(self) -> list[str]:
        """Return the name of the one partition."""
        return [self._stream]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: JsonlState | None) -> JsonlSinkPartition:
        """Return the files, each as long as at the snapshot."""
        return JsonlSinkPartition(
            LineFiles(self._directory, for_part, resume_state[1] if resume_state else None)
        )
