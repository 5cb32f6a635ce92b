"""Errors of a source, raised where the dataflow was started and without Bytewax's panic output."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bytewax.inputs import AbortExecution, FixedPartitionedSource, StatefulSourcePartition
from typing_extensions import override

from schemas.errors import OfferstreamError


class _AbortingPartition(StatefulSourcePartition[Any, Any]):
    def __init__(self, source: "_AbortingSource", partition: StatefulSourcePartition[Any, Any]) -> None:
        self._source = source
        self._partition = partition

    @override
    def next_batch(self) -> Iterable[Any]:
        try:
            return self._partition.next_batch()
        except OfferstreamError as error:
            self._source.error = self._source.error or error
            raise AbortExecution from error

    @override
    def next_awake(self) -> datetime | None:
        return self._partition.next_awake()

    @override
    def snapshot(self) -> Any:
        return self._partition.snapshot()

    @override
    def close(self) -> None:
        self._partition.close()


class _AbortingSource(FixedPartitionedSource[Any, Any]):
    def __init__(self, source: FixedPartitionedSource[Any, Any]) -> None:
        self.error: OfferstreamError | None = None
        self._source = source

    @override
    def list_parts(self) -> list[str]:
        return self._source.list_parts()

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _AbortingPartition:
        return _AbortingPartition(self, self._source.build_part(step_id, for_part, resume_state))


@contextmanager
def errors_after_run(
    source: FixedPartitionedSource[Any, Any],
) -> Iterator[FixedPartitionedSource[Any, Any]]:
    """Yield the source for a dataflow that runs within the block; its first error is raised after the block.

    An error that leaves ``next_batch`` makes Bytewax print a panic. Here it aborts the execution instead,
    which seals nothing and prints nothing. Only OfferstreamError is treated so: anything else is a defect.
    """
    aborting = _AbortingSource(source)
    yield aborting
    if aborting.error is not None:
        raise aborting.error
