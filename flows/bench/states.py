"""What live visitors cost when an epoch is sealed, in time, bytes and memory."""

import pickle
import statistics
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from flows.assembly import reader_of, stations_of
from flows.bench.load import page_settings, recorded
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
from operators.streaming.ids import SHARDS, shard_of
from operators.streaming.messages import AnyShopEvent, PageView, ShardBatch
from operators.streaming.watermark import NEVER
from schemas.message import Message

PART: Final = "load/0000"
RATE: Final = 5000.0
EPOCH_S: Final = 10.0
"""Events a second, and seconds of an epoch, between two seals."""
SHARDS_FILE: Final = "shards"
MARKET_FILE: Final = "market"


def build(directory: str, events: int, visitors: int, copies: int) -> dict[str, Any]:
    """Write down the state after so many events, every visitor ``copies`` times under other names."""
    settings = page_settings(Path())
    stations = _stations()
    read = reader_of(settings, stations.shop, lambda _topic: "native", None, ordered=False)(PART, None).read
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

    for offset, load in enumerate(recorded(events, visitors)):
        batch.append(Message(load.value, None, (), "load", 0, offset))
        if len(batch) == 1000:
            process()
    process()
    tune_gc()
    found = [shard.snapshot() for shard in shards.values()]
    Path(directory, SHARDS_FILE).write_bytes(msgspec.msgpack.encode(found))
    Path(directory, MARKET_FILE).write_bytes(dataflow.markets["default"].snapshot())
    return {"visitors": sum(len(_live(state).visits) for state in found)}


def seal(directory: str, repeats: int) -> dict[str, Any]:
    """Take up a state and write it down again and again, after the events of an epoch in between."""
    stations = _stations()
    states = msgspec.msgpack.decode(Path(directory, SHARDS_FILE).read_bytes(), type=list[bytes])
    epochs = _Epochs(states)
    visitors = len(epochs.visitors)
    tune_gc()
    empty = rss_bytes()
    shards: dict[int, Shard] = {}
    while states:
        state = states.pop()
        shards[shard_in(state)] = _shard(shard_in(state), stations, state)
    del state
    shop = stations.shop
    config = MarketConfig(shop.markets["default"], shop.arms("default"), Ledgers().of("default"))
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
    lives = [_visits(state) for state in written[:-1]]
    size = sum(map(len, written[:-1]))
    for _ in range(repeats):
        began_s = time.process_time()
        pickled = sum(len(pickle.dumps(live, protocol=5)) for live in lives)
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
    """Return the memory a visitor takes as plain dicts, lists and numbers."""
    names = [field.name for field in msgspec.structs.fields(SessionState)]
    states = msgspec.msgpack.decode(Path(directory, SHARDS_FILE).read_bytes(), type=list[bytes])
    visitors = sum(len(_live(state).visits) for state in states)
    tune_gc()
    empty = rss_bytes()
    held = []
    while states:
        live = _live(states.pop())
        plain = {name: getattr(live, name) for name in names}
        plain["visits"] = [
            {f: msgspec.to_builtins(getattr(visit, f)) for f in visit.__struct_fields__}
            for visit in (msgspec.msgpack.decode(row, type=Visit) for row in live.visits)
        ]
        held.append(plain)
        del live
    return {"rss": (rss_bytes() - empty) / visitors}


def _stations() -> Stations:
    settings = page_settings(Path())
    return stations_of(settings, settings.shop(), [PART], Ledgers().of, ordered=False)


def _shard(number: int, stations: Stations, state: bytes | None = None) -> Shard:
    return Shard(number, stations.partitions, stations.sessions, ordered=False, state=state)


class _Epochs:
    """The events of one epoch after the other, dealt to the visitors in turn."""

    def __init__(self, states: list[bytes]) -> None:
        visits = [visit for state in states for visit in _visits(state)]
        self.visitors = [visit.visitor for visit in visits]
        self._time_s = max(visit.last_s for visit in visits)
        self._events = 0

    def next(self) -> list[ShardBatch]:
        """Return the events of the next epoch and its watermarks, a batch for each shard."""
        self._time_s += EPOCH_S
        events: dict[int, list[AnyShopEvent]] = {shard: [] for shard in range(SHARDS)}
        for _ in range(int(RATE * EPOCH_S)):
            self._events += 1
            visitor = self.visitors[self._events % len(self.visitors)]
            event = PageView(self._time_s, visitor, f"bench-{self._events}", "default")
            events[shard_of(visitor)].append(event)
        return [ShardBatch(shard, PART, tuple(each), self._time_s) for shard, each in events.items()]


def _live(state: bytes) -> SessionState:
    return msgspec.msgpack.decode(msgspec.msgpack.decode(state)[-1], type=SessionState)


def _visits(state: bytes) -> list[Visit]:
    return [msgspec.msgpack.decode(row, type=Visit) for row in _live(state).visits]
