"""From settings to what the dataflow is built with: the one place of assembly."""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from flows.cluster.placement import market_keys
from flows.dataflow import Stations
from flows.settings import Settings
from flows.stores.seen_ids import MemorySeenIds, RocksSeenIds
from operators.decisions.catalog import Catalog, NoCatalog
from operators.decisions.ledger import Ledger
from operators.decisions.settings import DecisionSettings, MarketSettings
from operators.ingest.catalog_records import CatalogRecords
from operators.ingest.controls_reader import ControlRecords
from operators.ingest.market_reader import MarketReader
from operators.ingest.message_reader import SourceReader
from operators.ingest.partition_reader import PartitionReader
from operators.ingest.settings import IngestSettings
from operators.sessions.session_machine import SessionSettings
from operators.state.rows import RowStore
from schemas.adapters import Decode, Decoded, decoder
from schemas.adapters.frames import PayloadReader
from schemas.message import Message
from schemas.shop import Shop
from schemas.topics import INPUTS

ReaderFactory = Callable[[str, bytes | None], SourceReader]
"""Makes the reader of one source partition, ``topic/number``, from its name and its snapshot."""


def stations_of(  # noqa: PLR0913  the one place of assembly needs everything
    settings: Settings,
    shop: Shop,
    partitions: Iterable[str],
    ledger_of: Callable[[str], Ledger],
    catalog_of: Callable[[str], Catalog] = lambda _market: NoCatalog(),
    *,
    rows_of: Callable[[int], RowStore | None] = lambda _shard: None,
    relearned_of: Callable[[str], bytes | None] = lambda _market: None,
    ordered: bool,
    emit_after_s: float = float("-inf"),
    markets_known: Iterable[str] = (),
) -> Stations:
    """Return what the stations are made with, from the settings and the names of all source partitions.

    ``markets_known`` are those of an earlier start, in the order in which they first appeared.
    """
    of_events: list[str] = []
    of_markets: list[str] = []
    for each in partitions:
        (of_markets if topic_of(each) in settings.market_topics else of_events).append(each)
    sessions = SessionSettings(
        timezones={name: ZoneInfo(market.timezone) for name, market in shop.markets.items()},
        session_gap_s=settings.session_gap.total_seconds(),
        idle_s=settings.idle_after.total_seconds(),
        recovery_s=settings.cart_recovery.total_seconds(),
        lateness_s=settings.lateness.total_seconds(),
    )
    # An abandoned cart is known a session gap after its last event; half a gap more is for the visit up to
    # there. Live nothing ends, and an incident is better reported within minutes.
    label_delay_s = 1.5 * settings.session_gap.total_seconds() if ordered else 0.0
    markets = MarketSettings(
        decisions=decision_settings(settings, emit_after_s),
        model=settings.model,
        on_drift=settings.on_drift,
        label_delay_s=label_delay_s,
        ordered=ordered,
        partitions=tuple(of_markets),
    )
    keys = market_keys(dict.fromkeys((*markets_known, *shop.markets)))
    places = (ledger_of, catalog_of, rows_of)
    return Stations(shop, tuple(of_events), sessions, markets, *places, keys, relearned_of)


def decision_settings(settings: Settings, emit_after_s: float) -> DecisionSettings:
    """Return what leads to a decision; no moment before ``emit_after_s`` does."""
    return DecisionSettings(
        triggers=frozenset(settings.triggers),
        policy=settings.policy,
        seed=settings.seed,
        correction_s=settings.correction.total_seconds(),
        emit_after_s=emit_after_s,
        shadow=settings.shadow,
        contributions=settings.contributions,
    )


def reader_of(  # noqa: PLR0913  one option for each of what a reader is made of
    settings: Settings,
    shop: Shop,
    format_of: Callable[[str], str],
    seen_in: Path | None,
    *,
    ordered: bool,
    payloads: PayloadReader | None = None,
    watch: Callable[[Decoded], object] | None = None,
    has_catalog: bool = False,
) -> ReaderFactory:
    """Return what makes the reader of a partition; ``seen_in`` is where ids are remembered, None: in memory.

    ``payloads`` reads values whose schemas are in a Schema Registry, None: only those in JSON are read.
    What has no broker's timestamp may be no later than now. ``watch`` is called with every event that is
    decoded, before it is accepted or not. With a catalog orders need no unit costs: they have those of it.
    """
    priced = (name for name, market in shop.markets.items() if has_catalog or market.margin_rate is not None)
    ingest = IngestSettings(
        markets=frozenset(shop.markets),
        without_unit_costs=frozenset(priced),
        currencies={name: market.currency for name, market in shop.markets.items()},
        rates={name: market.rates for name, market in shop.markets.items()},
        lateness_s=settings.lateness.total_seconds(),
        max_late_s=settings.max_late.total_seconds(),
        watermark_visitors=settings.watermark_visitors,
        clock_skew_s=settings.clock_skew.total_seconds(),
        latest_s=time.time() if settings.idle_time == "wall" else math.inf,
        ordered=ordered,
        wall=settings.idle_time == "wall",
    )

    def shop_events(partition: str, state: bytes | None) -> PartitionReader:
        decode = decoder(
            format_of(topic_of(partition)),
            settings.max_event_bytes,
            settings.format_options,
            payloads=payloads,
        )
        decode = _watched(decode, watch)
        seen = MemorySeenIds() if seen_in is None else RocksSeenIds(seen_in / partition.replace("/", "-"))
        return PartitionReader(partition, ingest, decode, seen, state)

    def products(partition: str, state: bytes | None) -> MarketReader:
        records = CatalogRecords(ingest, settings.max_event_bytes, payloads)
        return MarketReader(partition, ingest, records, state)

    def controls(partition: str, state: bytes | None) -> MarketReader:
        return MarketReader(partition, ingest, ControlRecords(shop, settings.check_shop), state)

    handlers: Final[dict[str, ReaderFactory]] = {
        "shop_event": shop_events,
        "product": products,
        "control": controls,
    }
    by_topic = {settings.topic_of(row.name): handlers[row.records] for row in INPUTS}

    def make(partition: str, state: bytes | None) -> SourceReader:
        return by_topic.get(topic_of(partition), shop_events)(partition, state)

    return make


def topic_of(partition: str) -> str:
    """Return the topic in the name of a partition, or the file.

    >>> topic_of("shop.events/0003")
    'shop.events'
    """
    return partition.rpartition("/")[0]


def _watched(decode: Decode, watch: Callable[[Decoded], object] | None) -> Decode:
    if watch is None:
        return decode

    def decode_and_tell(message: Message) -> Decoded:
        decoded = decode(message)
        watch(decoded)
        return decoded

    return decode_and_tell
