"""What live visitors cost when an epoch is sealed: time, bytes and memory."""

import pickle
import statistics
import time
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
from flows.worker.gc_tuning import tune_gc
from operators.decisions.decision_machine import MarketConfig
from operators.decisions.market import MarketStation
from operators.sessions.session_machine import SessionState
from operators.sessions.shard import Shard, shard_in
from operators.sessions.visit import Visit
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
    return {"visitors": sum(len(_sessions(state).visits) for state in states)}


def seal(directory: str, repeats: int) -> dict[str, Any]:
    """Restore a state and snapshot it repeatedly, with the events of an epoch in between."""
    stations = _stations()
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
    names = [field.name for field in msgspec.structs.fields(SessionState)]
    states = msgspec.msgpack.decode(Path(directory, SHARDS_FILE).read_bytes(), type=list[bytes])
    visitors = sum(len(_sessions(state).visits) for state in states)
    tune_gc()
    empty = rss_bytes()
    kept = []
    while states:
        sessions = _sessions(states.pop())
        plain = {name: getattr(sessions, name) for name in names}
        plain["visits"] = [
            {f: msgspec.to_builtins(getattr(visit, f)) for f in visit.__struct_fields__}
            for visit in (msgspec.msgpack.decode(row, type=Visit) for row in sessions.visits)
        ]
        kept.append(plain)
        del sessions
    return {"rss": (rss_bytes() - empty) / visitors}


def _stations() -> Stations:
    settings = worker_settings(Path())
    return stations_of(settings, settings.shop(), [PARTITION], Ledgers().of, ordered=False)


def _shard(number: int, stations: Stations, state: bytes | None = None) -> Shard:
    return Shard(number, stations.partitions, stations.sessions, ordered=False, state=state)


def _sessions(state: bytes) -> SessionState:
    return msgspec.msgpack.decode(msgspec.msgpack.decode(state)[-1], type=SessionState)


def _visits(state: bytes) -> list[Visit]:
    return [msgspec.msgpack.decode(row, type=Visit) for row in _sessions(state).visits]
