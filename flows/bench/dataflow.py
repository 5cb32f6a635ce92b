"""The whole dataflow from a file into lists, and the same machines in a plain loop."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from bytewax.testing import run_main

from flows.assembly import reader_of, stations_of
from flows.bench.load import worker_settings
from flows.dataflow import Edges, build_dataflow
from flows.files.input_file import examine
from flows.files.source import FileSource
from flows.local.in_process import InProcessDataflow
from flows.local.memory import CollectSink
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.ledger import Ledgers
from flows.worker.gc_tuning import tune_gc
from schemas.message import Message

BATCH: Final = 1000


class Stopwatch:
    """Wall and processor time since the first line was read."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None

    def start(self, _bytes: int = 0) -> None:
        """Start, the first time."""
        if self._began is None:
            self._began = (time.perf_counter(), time.process_time())

    def rates(self, events: int) -> dict[str, float]:
        """Return events per second and microseconds of processor time per event."""
        wall_s, cpu_s = self._began or (0.0, 0.0)
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        return {"events_per_s": events / wall_s, "cpu_us": cpu_s / events * 1e6}


def dataflow(path: str, state: str, events: int, epoch_s: float) -> dict[str, Any]:
    """Run a file through the dataflow, with everything that a worker keeps on disk."""
    settings = worker_settings(Path(state))
    shop = settings.shop()
    stopwatch = Stopwatch()
    make = reader_of(settings, shop, lambda _topic: "native", settings.state / "seen", ordered=False)
    source = FileSource([examine(Path(path))], make, batch=BATCH, progress=stopwatch.start)
    ledgers = Ledgers(settings.state / "ledger")
    stations = stations_of(settings, shop, source.list_parts(), ledgers.of, ordered=False)
    outputs = {name: CollectSink() for name in settings.output_topics}
    edges = Edges(source, outputs, features=CollectSink(), figures=CollectSink())
    store = recovery_config(settings.state / "recovery")
    flow = build_dataflow(edges, stations)
    tune_gc()
    run_main(flow, epoch_interval=timedelta(seconds=epoch_s), recovery_config=store)
    rates = stopwatch.rates(events)
    ledgers.close()
    decided = sum(record.type == "decision" for record in outputs["decisions"].items)
    return {**rates, "decided_share": decided / events}


def plain_loop(path: str, events: int) -> dict[str, Any]:
    """Run a file through reader, shards and markets without an engine, with everything in memory."""
    settings = worker_settings(Path())
    shop = settings.shop()
    name = Path(path).name
    partition = f"{name}/0000"
    reader = reader_of(settings, shop, lambda _topic: "native", None, ordered=False)(partition, None)
    process = InProcessDataflow(stations_of(settings, shop, [partition], Ledgers().of, ordered=False)).process
    stopwatch = Stopwatch()
    tune_gc()
    stopwatch.start()
    emitted: list[Any] = []
    with Path(path).open("rb") as file:
        batch: list[Message] = []
        for offset, line in enumerate(file):
            batch.append(Message(line[:-1], None, (), name, 0, offset))
            if len(batch) == BATCH:
                emitted += process(reader.read(batch, None))
                batch = []
        emitted += process(reader.read(batch, None))
    emitted += process(reader.end())
    return stopwatch.rates(events)
