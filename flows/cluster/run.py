"""The run of one process of several."""

import logging
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bytewax.outputs import Sink
from bytewax.recovery import RecoveryConfig
from bytewax.testing import cluster_main

from flows.cluster import wire
from flows.cluster.fatal import FatalSink, FatalSource, Guard, end_now, end_with, fatal_machines
from flows.cluster.membership import Member
from flows.dataflow import Edges, Stations, build_dataflow
from flows.local.batched_sink import BatchedSink
from flows.observability.log_events import LogEvent, tell
from flows.worker.state_failures import state_error
from schemas.errors import RestartNeededError

log = logging.getLogger("offerstream")


def run_member(member: Member, edges: Edges, stations: Stations, *, epoch: timedelta, state: Path) -> None:
    """Run the dataflow with the other processes until all of them have ended it.

    ``state`` is the state directory, with a prepared recovery store. An error here, or in another process,
    ends this one at once.
    """
    fatal = Guard(state)
    guarded = edges._replace(
        source=FatalSource(edges.source, fatal),
        outputs={name: _guarded(sink, fatal) for name, sink in edges.outputs.items()},
        features=FatalSink(edges.features, fatal),
        figures=FatalSink(edges.figures, fatal),
        pace=None if edges.pace is None else FatalSink(edges.pace, fatal),
    )
    flow = build_dataflow(guarded, stations, partial(fatal_machines, fatal=fatal))
    wire.register()
    try:
        cluster_main(
            flow,
            list(member.addresses),
            member.index,
            epoch_interval=epoch,
            recovery_config=RecoveryConfig(state / "recovery"),
        )
    except BaseException as error:  # noqa: BLE001  Bytewax's panics are no Exception
        if state_error(error, state) is not None:
            end_with(error, state)
        first_line = str(error).partition("\n")[0]
        tell(log, LogEvent.PROCESS_FOLLOWED, reason=first_line)
        end_now(RestartNeededError.exit_code)


def _guarded(sink: Sink[Any], fatal: Guard) -> Sink[Any]:
    if isinstance(sink, BatchedSink):
        return BatchedSink(FatalSink(sink.sink, fatal), sink.partitions)
    return FatalSink(sink, fatal)
