"""What live visitors cost when an epoch is sealed: time, bytes and memory."""

import pickle
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from flows.assembly import reader_of, stations_of
from flows.bench.epoch_load import PARTITION, EpochLoad
from flows.bench.load import recorded_load, worker_settings
from flows.bench.memory import forget_peak, rss_bytes
from flows.dataflow import Stations
from flows.local.in_process import InProcessDataflow
from flows.stores.ledger import Ledgers
from flows.stores.state_rows import ShardRows
from flows.worker.gc_tuning import tune_gc
from operators.decisions.decision_machine import MarketConfig
from operators.decisions.market import MarketStation
from operators.sessions.shard import Shard, rows_in, shard_in
from operators.sessions.visit import Visit
from operators.sessions.visit_store import VISITS
from operators.state.rows import RowStore, changes_in
from operators.streaming.messages import ShardBatch
from operators.streaming.watermark import NEVER
from schemas.message import Message

BATCH: Final = 1000
SHARDS_FILE: Final = "shards"
MARKET_FILE: Final = "market"


def build(directory: str, events: int, visitors: int, copies: int) -> dict[str, Any]:
    """Write the state after so many events, every visitor ``copies`` times under other names."""
    settings = worker_settings(Path())
    stations = _stations()
    read = reader_of(settings, stations.shop, lambda _topic: "native", None, ordered=False)(
        PARTITION, None
    ).read
    dataflow = InProcessDataflow(stations)
    shards: dict[int, Shard] = {}
    batch: list[Message] = []

    def process() -> None:
        shard_batches = [item for item in read(batch, None) if isinstance(item, ShardBatch)]
        batch.clear()
        dataflow.process(shard_batches)
        for each in shard_batches:
            shard = shards.get(each.shard)
            if shard is None:
                shard = shards[each.shard] = _shard(each.shard, stations)
            for copy in range(1, copies):
                events = tuple(
                    msgspec.structs.replace(event, visitor=f"{event.visitor}.{copy}") for event in each.events
                )
                shard.process([msgspec.structs.replace(each, events=events, watermark_s=NEVER)])
            shard.process([each])

    for offset, load in enumerate(recorded_load(events, visitors)):
        batch.append(Message(load.value, None, (), "load", 0, offset))
        if len(batch) == BATCH:
            process()
    process()
    tune_gc()
    states = [shard.snapshot() for shard in shards.values()]
    Path(directory, SHARDS_FILE).write_bytes(msgspec.msgpack.encode(states))
    Path(directory, MARKET_FILE).write_bytes(dataflow.markets["default"].snapshot())
    return {"visitors": sum(len(_visits(state)) for state in states)}


def seal(directory: str, repeats: int) -> dict[str, Any]:
    """Restore a state and snapshot it repeatedly, with the events of an epoch in between."""
    rows = ShardRows(Path(directory, "rows"))
    stations = _stations(rows.of)
    states = msgspec.msgpack.decode(Path(directory, SHARDS_FILE).read_bytes(), type=list[bytes])
    epochs = EpochLoad([visit for state in states for visit in _visits(state)])
    visitors = len(epochs.visitors)
    tune_gc()
    empty = rss_bytes()
    shards: dict[int, Shard] = {}
    while states:
        state = states.pop()
        shards[shard_in(state)] = _shard(shard_in(state), stations, state)
    del state
    shop = stations.shop
    config = MarketConfig(shop, "default", Ledgers().of("default"))
    market = MarketStation(config, stations.markets, Path(directory, MARKET_FILE).read_bytes())
    forget_peak()
    tune_gc()
    seals_ms, pickles_ms, size, pickled = [], [], 0, 0
    for _ in range(repeats):
        for each in epochs.next():
            shards[each.shard].process([each])
        written = []
        began_s = time.process_time()
        written = [shard.snapshot() for shard in shards.values()]
        written.append(market.snapshot())
        seals_ms.append((time.process_time() - began_s) * 1000)
    peak = rss_bytes(peak=True)
    visits = [_visits(state) for state in written[:-1]]
    size = sum(map(len, written[:-1]))
    for _ in range(repeats):
        began_s = time.process_time()
        pickled = sum(len(pickle.dumps(each, protocol=5)) for each in visits)
        pickles_ms.append((time.process_time() - began_s) * 1000)
    return {
        "visitors": visitors,
        "seal_ms": statistics.median(seals_ms),
        "pickle_ms": statistics.median(pickles_ms),
        "bytes": size / visitors,
        "pickled_bytes": pickled / visitors,
        "rss": (peak - empty) / visitors,
        "market_bytes": len(written[-1]),
    }


def plain_state(directory: str) -> dict[str, Any]:
    """Return the memory of a visitor as plain dicts, lists and numbers."""
    states = msgspec.msgpack.decode(Path(directory, SHARDS_FILE).read_bytes(), type=list[bytes])
    visitors = sum(len(_visits(state)) for state in states)
    tune_gc()
    empty = rss_bytes()
    kept = []
    while states:
        kept.append(
            [
                {f: msgspec.to_builtins(getattr(visit, f)) for f in visit.__struct_fields__}
                for visit in _visits(states.pop())
            ]
        )
    return {"rss": (rss_bytes() - empty) / visitors}


def _stations(rows_of: Callable[[int], RowStore | None] = lambda _shard: None) -> Stations:
    settings = worker_settings(Path())
    shop = settings.shop()
    return stations_of(settings, shop, [PARTITION], Ledgers().of, rows_of=rows_of, ordered=False)


def _shard(number: int, stations: Stations, state: bytes | None = None) -> Shard:
    rows = stations.rows_of(number)
    return Shard(number, stations.partitions, stations.sessions, ordered=False, store=rows, state=state)


def _visits(state: bytes) -> list[Visit]:
    rows = changes_in(rows_in(state))
    encoded = [row for key, row in rows.items() if key.startswith(VISITS) and row is not None]
    return [msgspec.msgpack.decode(row, type=Visit) for row in encoded]
