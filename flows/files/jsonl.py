"""JSON lines as a sink: which record goes into which file, and in which order its lines stand in the end."""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from typing_extensions import override

from operators.streaming.messages import OutputRecord
from schemas.errors import SetupError
from schemas.rejected import RejectedRecord, rejected_line
from schemas.topics import OUTPUTS

FILES: Final[Mapping[str, tuple[str, ...]]] = {
    row.name: tuple(dict.fromkeys(row.files.values())) for row in OUTPUTS
}
"""The files (without ``.jsonl``) that each stream is written to."""

_FILE_OF: Final[Mapping[str, str]] = {kind: name for row in OUTPUTS for kind, name in row.files.items()}

JsonlState = tuple[int, dict[str, int]]
"""Version, size of each file in bytes."""

_VERSION: Final = 1


class LineFiles:
    """The files of one stream, first cut to ``sizes``, one that is not named there to nothing.

    None is kept open, so what a crash leaves behind writes nothing more. Raises SetupError for a file that is
    shorter than its size.
    """

    def __init__(self, directory: Path, stream: str, sizes: Mapping[str, int] | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._paths = {name: directory / f"{name}.jsonl" for name in FILES[stream]}
        self._sizes = {name: (sizes or {}).get(name, 0) for name in self._paths}
        self._unsafe: set[str] = set()
        for name, path in self._paths.items():
            with path.open("ab") as file:
                if file.tell() < self._sizes[name]:
                    raise SetupError(f"{path} must still have the {self._sizes[name]} bytes written before")
                file.truncate(self._sizes[name])

    def write(self, records: Iterable[OutputRecord]) -> None:
        """Append a line for each record."""
        lines: dict[str, list[bytes]] = {}
        for said in records:
            lines.setdefault(_file_of(said), []).append(_line_of(said))
        for name, each in lines.items():
            with self._paths[name].open("ab") as file:
                self._sizes[name] += file.write(b"".join(each))
        self._unsafe.update(lines)

    def sizes(self) -> dict[str, int]:
        """Return the size of each file, all of which is on the disk."""
        for name in self._unsafe:
            with self._paths[name].open("ab") as file:
                os.fsync(file.fileno())
        self._unsafe.clear()
        return dict(self._sizes)


def _file_of(said: OutputRecord) -> str:
    return _FILE_OF[said.type]


def _line_of(said: OutputRecord) -> bytes:
    if said.stream != "rejected":
        return said.value + b"\n"
    line = rejected_line(RejectedRecord(said.id, said.value, said.headers))
    return line.model_dump_json(exclude_none=True).encode() + b"\n"


def fresh(directory: Path) -> None:
    """Make the directory that was asked for with ``--out``; SetupError where it cannot be or is not empty."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        is_empty = not any(directory.iterdir())
    except OSError:
        is_empty = False
    if not is_empty:
        raise SetupError(f"--out must be a new or empty directory; got {str(directory)!r}")


class JsonlPart(StatefulSinkPartition[OutputRecord, JsonlState]):
    """The one part of a stream: all its files."""

    def __init__(self, files: LineFiles) -> None:
        self._files = files

    @override
    def write_batch(self, items: list[OutputRecord]) -> None:
        """Append a line for each record."""
        self._files.write(items)

    @override
    def snapshot(self) -> JsonlState:
        """Return how long the files are; what is in them survives the loss of power."""
        return (_VERSION, self._files.sizes())


class JsonlSink(FixedPartitionedSink[OutputRecord, JsonlState]):
    """The files of one stream (offers, decisions, rejected) in a directory, written in the order of arrival.

    A resumed run cuts them to what they were at its snapshot, a fresh one begins them anew.
    """

    def __init__(self, directory: Path, stream: str) -> None:
        self._directory = directory
        self._stream = stream

    @override
    def list_parts(self) -> list[str]:
        """Return the one part there is."""
        return [self._stream]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: JsonlState | None) -> JsonlPart:
        """Return the files, each as long as at the snapshot."""
        return JsonlPart(LineFiles(self._directory, for_part, resume_state[1] if resume_state else None))


class _Stamp(msgspec.Struct):
    """What lines are sorted by: when, then the place in a topic, then the id."""

    at: datetime | None = None
    time: datetime | None = None
    topic: str = ""
    partition: int = 0
    offset: int = 0
    id: str = ""
    reward_id: str = ""
    drift_id: str = ""
    outcome_id: str = ""
    decision_id: str | None = None
    moment_id: str | None = None

    def order(self) -> tuple[Any, ...]:
        at = self.at if self.at is not None else self.time
        place = (self.topic, self.partition, self.offset)
        of_others = self.outcome_id or self.decision_id or self.moment_id
        own_id = self.id or self.reward_id or self.drift_id or of_others
        return (at.timestamp() if at is not None else 0.0, place, own_id)


def settle(directory: Path) -> None:
    """Sort the lines of every file by time and id, rejected ones by where they came from.

    Then files are equal wherever the same was said, in whatever order it arrived. A stream on which nothing
    was said is not opened by Bytewax: its files are made here, empty. Holds one key a line.
    """
    for names in FILES.values():
        for name in names:
            path = directory / f"{name}.jsonl"
            path.touch()
            _sort(path)


def _sort(path: Path) -> None:
    decode = msgspec.json.Decoder(_Stamp).decode
    keyed: list[tuple[tuple[Any, ...], int, int]] = []
    position = 0
    with path.open("rb") as lines:
        for line in lines:
            keyed.append((decode(line).order(), position, len(line)))
            position += len(line)
        keyed.sort()
        if all(earlier[1] < later[1] for earlier, later in pairwise(keyed)):
            return
        fresh = path.with_suffix(".sorting")
        with fresh.open("wb") as ordered:
            for _, start, length in keyed:
                lines.seek(start)
                ordered.write(lines.read(length))
    fresh.replace(path)
