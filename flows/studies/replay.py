"""Recorded events from files through the dataflow in ordered mode, into files: the same bytes every time."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from bytewax.testing import run_main
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from flows.assembly import reader_of, stations_of
from flows.dataflow import Edges, build_dataflow
from flows.files.jsonl import FILES, JsonlSink, make_output_directory
from flows.files.sorting import sort_files
from flows.files.source import FileSource
from flows.files.time_order import input_files
from flows.local.callback_sink import CallbackSink, DiscardSink
from flows.settings import Settings
from flows.stores.ledger import Ledgers
from flows.studies.interrupts import interrupts_at_batches
from flows.studies.summary import RunSummary
from flows.worker.source_errors import errors_after_run
from schemas.shop import Shop


def replay(
    inputs: Sequence[Path], format_: str, out: Path, settings: Settings, shop: Shop | None = None
) -> dict[str, Any]:
    """Replay files of a format into the directory ``out`` and return the summary that is written there.

    ``shop`` is that of the settings unless given. Raises SetupError where an input is no file or ``out`` is
    not empty, DataError where an input is broken.
    """
    shop = settings.shop() if shop is None else shop
    summary = RunSummary()
    make = reader_of(settings, shop, lambda _topic: format_, None, ordered=True)
    columns = (TextColumn("replay"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    ordered = input_files(
        inputs, format_, lateness=settings.lateness, max_event_bytes=settings.max_event_bytes
    )
    with (
        ordered as files,
        Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
        interrupts_at_batches() as interrupts,
    ):
        task = progress.add_task("replay", total=None)

        def advance(size_bytes: int) -> None:
            interrupts.check()
            progress.advance(task, size_bytes)

        source = FileSource(files, lambda part, state: summary.include(make(part, state)), progress=advance)
        make_output_directory(out)
        progress.update(task, total=source.size_bytes)
        stations = stations_of(settings, shop, source.list_parts(), Ledgers().of, ordered=True)
        with errors_after_run(source) as guarded:
            edges = Edges(
                guarded,
                {name: JsonlSink(out, name) for name in FILES},
                DiscardSink(),
                CallbackSink(summary.measure),
            )
            run_main(build_dataflow(edges, stations), epoch_interval=timedelta(seconds=10))
    sort_files(out)
    return summary.write(out, shop)
