"""The order of lines in finished files: equal records give equal files, in whatever order they arrived."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from flows.files.jsonl import FILES


class _SortKey(msgspec.Struct):
    """What lines are sorted by: time, then the position in a topic (rejected records), then the id."""

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

    def comparable(self) -> tuple[Any, ...]:
        at = self.at if self.at is not None else self.time
        position = (self.topic, self.partition, self.offset)
        of_others = self.outcome_id or self.decision_id or self.moment_id
        own_id = self.id or self.reward_id or self.drift_id or of_others
        return (at.timestamp() if at is not None else 0.0, position, own_id)


def sort_files(directory: Path) -> None:
    """Sort the lines of every output file by time and id, rejected ones by their position in the input.

    Bytewax does not open the sink of a stream without records: its files are created here, empty. Holds one
    key for each line of one file in memory.
    """
    for names in FILES.values():
        for name in names:
            path = directory / f"{name}.jsonl"
            path.touch()
            _sort(path)


def _sort(path: Path) -> None:
    decode = msgspec.json.Decoder(_SortKey).decode
    keyed: list[tuple[tuple[Any, ...], int, int]] = []
    position = 0
    with path.open("rb") as lines:
        for line in lines:
            keyed.append((decode(line).comparable(), position, len(line)))
            position += len(line)
        keyed.sort()
        if all(earlier[1] < later[1] for earlier, later in pairwise(keyed)):
            return
        sorted_path = path.with_suffix(".sorting")
        with sorted_path.open("wb") as ordered:
            for _, start, length in keyed:
                lines.seek(start)
                ordered.write(lines.read(length))
    sorted_path.replace(path)
