"""What live visitors cost when an epoch is sealed, in time, bytes and memory."""

import pickle
import statistics
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from flows.assembly import reader_of, rules_of
from flows.bench.load import page_settings, recorded
from flows.bench.memory import forget_peak, rss_bytes
from flows.collector import quiet_collector
from flows.ledger_store import Ledgers
from flows.page import Rules
from flows.plain import PlainPage
from operators.facts import RANK, Fact, Parcel
from operators.markets import MarketStation
from operators.sessions import Live
from operators.shards import Shard, shard_in
from operators.ticks import NEVER
from schemas.message import Message

PART: Final = "load/0000"
SHARDS_FILE: Final = "shards"
MARKET_FILE: Final = "market"


def build(directory: str, events: int, visitors: int, copies: int) -> dict[str, Any]:
    """Write down the state after so many events, every visitor ``copies`` times under other names."""
    settings = page_settings(Path())
    rules = _rules()
    read = reader_of(settings, rules.shop, lambda _topic: "native", None, ordered=False)(PART, None).read
    page = PlainPage(rules)
    shards: dict[int, Shard] = {}
    batch: list[Message] = []

    def take() -> None:
        parcels = [item for item in read(batch, None) if isinstance(item, Parcel)]
        batch.clear()
        page.take(parcels)
        for parcel in parcels:
            shard = shards.get(parcel.shard)
            if shard is None:
                shard = shards[parcel.shard] = Shard(parcel.shard, rules.parts, rules.visits)
            for copy in range(1, copies):
                facts = tuple(
                    msgspec.structs.replace(fact, visitor=f"{fact.visitor}.{copy}") for fact in parcel.facts
                )
                shard.take([msgspec.structs.replace(parcel, facts=facts, tick_s=NEVER)])
            shard.take([parcel])

    for offset, load in enumerate(recorded(events, visitors)):
        batch.append(Message(load.value, None, (), "load", 0, offset))
        if len(batch) == 1000:
            take()
    take()
    quiet_collector()
    found = [shard.snapshot() for shard in shards.values()]
    Path(directory, SHARDS_FILE).write_bytes(msgspec.msgpack.encode(found))
    Path(directory, MARKET_FILE).write_bytes(page.markets["default"].snapshot())
    return {"visitors": sum(len(_live(state).visits) for state in found)}


def seal(directory: str, repeats: int) -> dict[str, Any]:
    """Take up a state and write it down again and again, all of it changed in between."""
    rules = _rules()
    states = msgspec.msgpack.decode(Path(directory, SHARDS_FILE).read_bytes(), type=list[bytes])
    visitors = sum(len(_live(state).visits) for state in states)
    quiet_collector()
    empty = rss_bytes()
    shards = []
    while states:
        state = states.pop()
        shards.append(Shard(shard_in(state), rules.parts, rules.visits, state=state))
    del state
    market = MarketStation(
        rules.shop.markets["default"],
        rules.shop.arms("default"),
        Ledgers().of("default"),
        rules.markets,
        Path(directory, MARKET_FILE).read_bytes(),
    )
    forget_peak()
    quiet_collector()
    seals_ms, pickles_ms, size, pickled = [], [], 0, 0
    for repeat in range(repeats):
        for shard in shards:
            shard.take([_change(shard.shard, repeat)])
        written = []
        began_s = time.process_time()
        written = [shard.snapshot() for shard in shards]
        written.append(market.snapshot())
        seals_ms.append((time.process_time() - began_s) * 1000)
    peak = rss_bytes(peak=True)
    lives = [_live(state) for state in written[:-1]]
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
    names = [field.name for field in msgspec.structs.fields(Live)]
    states = msgspec.msgpack.decode(Path(directory, SHARDS_FILE).read_bytes(), type=list[bytes])
    visitors = sum(len(_live(state).visits) for state in states)
    quiet_collector()
    empty = rss_bytes()
    held = []
    while states:
        live = _live(states.pop())
        plain = {name: getattr(live, name) for name in names}
        plain["visits"] = [
            {f: msgspec.to_builtins(getattr(visit, f)) for f in visit.__struct_fields__}
            for visit in live.visits
        ]
        held.append(plain)
        del live
    return {"rss": (rss_bytes() - empty) / visitors}


def _rules() -> Rules:
    settings = page_settings(Path())
    return rules_of(settings, settings.shop(), [PART], Ledgers().of, ordered=False)


def _live(state: bytes) -> Live:
    return msgspec.msgpack.decode(msgspec.msgpack.decode(state)[-1], type=Live)


def _change(shard: int, repeat: int) -> Parcel:
    fact = Fact(
        time.time(), RANK["page_viewed"], f"bench-{shard}", f"bench-{repeat}", "default", "page_viewed"
    )
    return Parcel(shard, PART, (fact,), NEVER)
