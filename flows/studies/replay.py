"""Recorded events from files through the page in ordered mode, into files: twice the same bytes."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
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
from flows.worker.source_errors import errors_after_run
from operators.ingest.partition_reader import Counts, PartitionReader
from schemas.shop import Shop
from schemas.topics import OUTPUTS

SUMMARY = "summary.json"


class Replayed:
    """What is known of a replay when it has ended."""

    def __init__(self) -> None:
        self.readers: list[PartitionReader] = []
        self.figures: dict[str, dict[str, float]] = {}

    def measure(self, items: list[tuple[str, dict[str, float]]]) -> None:
        """Keep the latest figures of every station."""
        self.figures.update(items)

    def summary(self, markets: Sequence[str]) -> dict[str, Any]:
        """Return what became of the input, and how good and how big everything is at the end."""
        counts = Counts()
        rejects: dict[str, int] = {}
        for reader in self.readers:
            for name in Counts.__struct_fields__:
                setattr(counts, name, getattr(counts, name) + getattr(reader.counts, name))
            for class_, number in reader.rejects.items():
                rejects[class_] = rejects.get(class_, 0) + number
        return {
            "input": msgspec.structs.asdict(counts),
            "rejects": rejects,
            "markets": {name: self.figures.get(name, {}) for name in markets},
        }


def write_summary(out: Path, done: Replayed, shop: Shop) -> dict[str, Any]:
    """Return the summary of a run that wrote its files into ``out``, and write it there too."""
    holdout = {name: market.holdout for name, market in shop.markets.items()}
    summary = done.summary(list(shop.markets)) | {"holdout": holdout} | _said(out)
    (out / SUMMARY).write_bytes(
        orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
    return summary


def replay(inputs: Sequence[Path], form: str, out: Path, settings: Settings) -> dict[str, Any]:
    """Replay files of a format into the directory ``out`` and return the summary that is written there.

    Raises SetupError where an input is not a file or ``out`` has something in it, DataError where an input
    is broken.
    """
    shop = settings.shop()
    make_output_directory(out)
    done = Replayed()
    make = reader_of(settings, shop, lambda _topic: form, None, ordered=True)

    def judge(part: str, state: bytes | None) -> PartitionReader:
        reader = make(part, state)
        done.readers.append(reader)
        return reader

    columns = (TextColumn("replay"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    given = input_files(inputs, form, lateness=settings.lateness, max_event_bytes=settings.max_event_bytes)
    with (
        given as files,
        Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
    ):
        task = progress.add_task("replay", total=None)
        source = FileSource(files, judge, progress=lambda size: progress.advance(task, size))
        progress.update(task, total=source.size_bytes)
        stations = stations_of(settings, shop, source.list_parts(), Ledgers().of, ordered=True)
        with errors_after_run(source) as guarded:
            edges = Edges(
                guarded,
                {row.name: JsonlSink(out, row.name) for row in OUTPUTS},
                DiscardSink(),
                CallbackSink(done.measure),
            )
            run_main(build_dataflow(edges, stations), epoch_interval=timedelta(seconds=10))
    sort_files(out)
    return write_summary(out, done, shop)


def _said(out: Path) -> dict[str, Any]:
    """Return how many records of each kind there are, and decisions and rewards by arm."""
    records: dict[str, int] = {}
    arms: dict[str, dict[str, float]] = {}
    for name in (name for names in FILES.values() for name in names):
        records[name] = 0
        with (out / f"{name}.jsonl").open("rb") as lines:
            for line in lines:
                records[name] += 1
                if name in ("decisions", "rewards"):
                    _count(arms, name, orjson.loads(line))
    return {"records": records, "arms": arms}


def _count(arms: dict[str, dict[str, float]], name: str, record: dict[str, Any]) -> None:
    arm = arms.setdefault(record["arm"], {"decisions": 0, "rewards": 0, "orders": 0, "profit": 0.0})
    arm[name] += 1
    if name == "rewards":
        arm["orders"] += len(record["orders"])
        arm["profit"] += record["profit"]
