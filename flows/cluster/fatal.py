"""The end of one process of several, when something fails in it: at once, for Bytewax would hang or hide why.

In a cluster Bytewax waits for ever after an execution was aborted, and what a callback raises is lost among
the panics of its threads. Ending at once is what a crash does: no epoch is sealed, and a restart resumes.
"""

import logging
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

from bytewax.inputs import FixedPartitionedSource, Source, StatefulSourcePartition
from bytewax.outputs import FixedPartitionedSink, Sink, StatefulSinkPartition
from typing_extensions import override

from flows.observability.log_events import LogEvent, tell
from flows.worker.state_failures import state_error
from operators.streaming.bytewax_logic import Machine, MachineFactory
from schemas.errors import expected_error

DEFECT: Final = 1
log = logging.getLogger("offerstream")
P = ParamSpec("P")
R = TypeVar("R")


def end_with(error: BaseException, state: Path) -> NoReturn:
    """End this process with what an error says, and the exit code that one process alone would end with.

    ``state`` is the state directory, which the error may be about.
    """
    said = expected_error(error) or state_error(error, state)
    if said is None:
        tell(log, LogEvent.PROCESS_FAILED, error=error)
        end_now(DEFECT)
    sys.stderr.write(f"offerstream live: {said}\n")
    end_now(said.exit_code)


def end_now(code: int) -> NoReturn:
    """End this process at once."""
    sys.stderr.flush()
    os._exit(code)


class Guard:
    """Makes errors end this process; that a partition is over is none."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def __call__(self, call: Callable[P, R]) -> Callable[P, R]:
        """Return the same function, whose errors end this process."""

        @wraps(call)
        def guarded(*args: P.args, **given: P.kwargs) -> R:
            try:
                return call(*args, **given)
            except StopIteration:
                raise
            except Exception as error:  # noqa: BLE001  whatever it is, Bytewax would hide it
                end_with(error, self._state)

        return guarded


class _SourcePartition(StatefulSourcePartition[Any, Any]):
    def __init__(self, partition: StatefulSourcePartition[Any, Any], fatal: Guard) -> None:
        self.next_batch = fatal(partition.next_batch)  # type: ignore[method-assign]
        self.snapshot = fatal(partition.snapshot)  # type: ignore[method-assign]
        self.next_awake = fatal(partition.next_awake)  # type: ignore[method-assign]
        self.close = fatal(partition.close)  # type: ignore[method-assign]

    @override
    def next_batch(self) -> Any:
        raise NotImplementedError

    @override
    def snapshot(self) -> Any:
        raise NotImplementedError


class FatalSource(FixedPartitionedSource[Any, Any]):
    """A source whose errors end this process."""

    def __init__(self, source: Source[Any], fatal: Guard) -> None:
        if not isinstance(source, FixedPartitionedSource):
            raise TypeError(f"the source must have fixed partitions; got {type(source).__name__}")
        self._source = source
        self._fatal = fatal

    @override
    def list_parts(self) -> list[str]:
        return self._source.list_parts()

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _SourcePartition:
        built = self._fatal(self._source.build_part)(step_id, for_part, resume_state)
        return _SourcePartition(built, self._fatal)


class _SinkPartition(StatefulSinkPartition[Any, Any]):
    def __init__(self, partition: StatefulSinkPartition[Any, Any], fatal: Guard) -> None:
        self.write_batch = fatal(partition.write_batch)  # type: ignore[method-assign]
        self.snapshot = fatal(partition.snapshot)  # type: ignore[method-assign]
        self.close = fatal(partition.close)  # type: ignore[method-assign]

    @override
    def write_batch(self, values: list[Any]) -> None:
        raise NotImplementedError

    @override
    def snapshot(self) -> Any:
        raise NotImplementedError


class FatalSink(FixedPartitionedSink[Any, Any]):
    """A sink whose errors end this process."""

    def __init__(self, sink: Sink[Any], fatal: Guard) -> None:
        if not isinstance(sink, FixedPartitionedSink):
            raise TypeError(f"the sink must have fixed partitions; got {type(sink).__name__}")
        self._sink = sink
        self._fatal = fatal

    @override
    def list_parts(self) -> list[str]:
        return self._sink.list_parts()

    @override
    def part_fn(self, item_key: str) -> int:
        return self._sink.part_fn(item_key)

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _SinkPartition:
        built = self._fatal(self._sink.build_part)(step_id, for_part, resume_state)
        return _SinkPartition(built, self._fatal)


class _Machine:
    def __init__(self, machine: Machine[Any, Any], fatal: Guard) -> None:
        self.process = fatal(machine.process)
        self.snapshot = fatal(machine.snapshot)


def fatal_machines(make: MachineFactory[Any, Any], fatal: Guard) -> MachineFactory[Any, Any]:
    """Return what makes the same machines, whose errors end this process."""
    guarded = fatal(make)
    return lambda first, state: _Machine(guarded(first, state), fatal)
