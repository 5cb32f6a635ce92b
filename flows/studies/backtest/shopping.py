"""Simulated shoppers and the dataflow in one loop: they react to its offers, and it to what they do."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from flows.assembly import reader_of, stations_of
from flows.files.jsonl import FILES, LineFiles
from flows.files.sorting import sort_files
from flows.local.in_process import InProcessDataflow
from flows.settings import Settings
from flows.stores.ledger import Ledgers
from flows.studies.backtest.true_values import TRUTH, truth_lines
from flows.studies.summary import RunSummary
from operators.simulation import World
from operators.streaming.messages import OutputRecord, ReaderOutput
from schemas.message import Message
from schemas.shop import Shop

PARTITION: Final = "shoppers/0000"
STEP_S: Final = 30.0
"""How often, in event time, shoppers receive offers; none comes back to a cart as soon."""


def shop_in(world: World, settings: Settings, shop: Shop, out: Path) -> dict[str, Any]:
    """Let the shoppers meet the dataflow, write its records to ``out`` as a replay does; return the summary.

    ``truth.jsonl`` has a ``Truth`` beside each decision.
    """
    settings = settings.model_copy(update={"idle_time": "events"})  # simulated time is not the wall clock's
    summary = RunSummary()
    reader = reader_of(settings, shop, settings.format_of, None, ordered=True)(PARTITION, None)
    summary.include(reader)
    dataflow = InProcessDataflow(stations_of(settings, shop, [PARTITION], Ledgers().of, ordered=True))
    files = {stream: LineFiles(out, stream) for stream in FILES}

    def publish(items: Iterable[ReaderOutput]) -> None:
        records, _ = dataflow.process(items)
        for stream, file in files.items():
            file.write(record for record in records if record.stream == stream)
        truths.writelines(truth_lines(world, records))
        _deliver(world, records)

    with (out / TRUTH).open("wb") as truths:
        for messages in _batches(world, settings):
            publish(reader.read(messages, None))
            publish(reader.idle(world.now_s))
        publish(reader.end())
    sort_files(out)
    summary.measure([(name, market.figures()) for name, market in dataflow.markets.items()])
    return summary.write(out, shop)


def _batches(world: World, settings: Settings) -> Iterator[list[Message]]:
    """Return batches of events, empty ones too: carts become idle as time passes."""
    quiet_s = (settings.idle_after + 2 * settings.lateness).total_seconds() + STEP_S
    offset, busy_until_s = 0, -math.inf
    while math.isfinite(world.next_s):
        next_s = world.now_s if world.now_s < busy_until_s else world.next_s
        events = world.events_until(max(world.now_s + STEP_S, next_s))
        if events:
            busy_until_s = world.now_s + quiet_s
        yield [
            Message(orjson.dumps(event), None, (), "shoppers", 0, offset + n)
            for n, event in enumerate(events)
        ]
        offset += len(events)


def _deliver(world: World, records: Iterable[OutputRecord]) -> None:
    for record in records:
        if record.type == "offer.decided":
            world.deliver_offer(orjson.loads(record.value)["data"])
        elif record.type in ("offer.redeemed", "offer.revoked"):
            world.revoke_offer(orjson.loads(record.value)["data"]["offer_id"])
