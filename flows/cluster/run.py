"""The run of one process of several."""

import logging
from datetime import timedelta
from pathlib import Path

from bytewax.recovery import RecoveryConfig
from bytewax.testing import cluster_main

from flows.cluster import wire
from flows.cluster.fatal import FatalSink, FatalSource, end_now, fatal_machines
from flows.cluster.membership import Member
from flows.dataflow import Edges, Stations, build_dataflow
from schemas.errors import RestartNeededError

log = logging.getLogger("offerstream")


def run_member(member: Member, edges: Edges, stations: Stations, *, epoch: timedelta, store: Path) -> None:
    """Run the dataflow with the other processes until all of them have ended it.

    ``store`` is the prepared recovery store. An error here, or in another process, ends this one at once.
    """
    guarded = edges._replace(
        source=FatalSource(edges.source),
        outputs={name: FatalSink(sink) for name, sink in edges.outputs.items()},
        features=FatalSink(edges.features),
        figures=FatalSink(edges.figures),
        pace=None if edges.pace is None else FatalSink(edges.pace),
    )
    flow = build_dataflow(guarded, stations, fatal_machines)
    wire.register()
    try:
        cluster_main(
            flow,
            list(member.addresses),
            member.index,
            epoch_interval=epoch,
            recovery_config=RecoveryConfig(store),
        )
    except BaseException as error:  # noqa: BLE001  Bytewax's panics are no Exception
        log.error("another process has ended, so this one ends too (%s)", str(error).partition("\n")[0])  # noqa: TRY400
        end_now(RestartNeededError.exit_code)
