"""The dataflow: what happens to an event, drawn once, for live, replay, demo and tests alike."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from flows.cluster.membership import ALONE, Member, slot_of
from flows.cluster.pace import PaceNote, noted
from flows.cluster.placement import name_in, shard_keys
from flows.local.batched_sink import BatchedSink
from flows.observability.log_events import LogEvent, tell
from operators.bandits.spec import spec_string
from operators.decisions.catalog import Catalog
from operators.decisions.decision_machine import DecisionMachine, MarketConfig
from operators.decisions.flat_offer import FLAT_OFFERS, flat_offer
from operators.decisions.ledger import ErasableLedger
from operators.decisions.market import MarketStation, market_in
from operators.decisions.settings import MarketSettings
from operators.sessions.session_machine import SessionSettings
from operators.sessions.shard import Shard, shard_in
from operators.state.rows import RowStore
from operators.streaming.bytewax_logic import MachineFactory, station
from operators.streaming.ids import shard_of
from operators.streaming.messages import (
    FeatureRow,
    MarketBatch,
    MarketEvent,
    MarketOutput,
    OutputRecord,
    ReaderOutput,
    ShardBatch,
    ShardOutput,
)
from schemas.shop import Shop

log = logging.getLogger("offerstream")
Factory = MachineFactory[Any, Any]
Streams = list[tuple[str, list[OutputRecord]]]
"""Records by the name of their stream."""


class Edges(NamedTuple):
    """Where the dataflow begins and where each of its streams ends.

    The source gives ``ReaderOutput``. ``outputs`` are sinks by the name of their row in
    ``schemas.topics.OUTPUTS`` and take ``(key, OutputRecord)``, a ``BatchedSink`` those of a partition
    together; ``features`` takes ``(shard key, list of FeatureRow)``, ``figures`` takes ``(slot of the
    process, (station, dict of numbers))``. Where there are several processes, ``pace`` takes their notes,
    each for the others; ``member`` is the one that runs this.
    """

    source: Source[Any]
    outputs: Mapping[str, Sink[Any]]
    features: Sink[Any]
    figures: Sink[Any]
    pace: Sink[Any] | None = None
    member: Member = ALONE


class Stations(NamedTuple):
    """What the stations are made with: the shop, the partitions of visitors' events, settings, stores.

    ``market_keys`` are the keys of the markets by their names. ``relearned_of`` returns the state with which
    a market begins that was rebuilt, None where it begins anew.
    """

    shop: Shop
    partitions: tuple[str, ...]
    sessions: SessionSettings
    markets: MarketSettings
    ledger_of: Callable[[str], ErasableLedger]
    catalog_of: Callable[[str], Catalog]
    rows_of: Callable[[int], RowStore | None]
    market_keys: Mapping[str, str]
    relearned_of: Callable[[str], bytes | None] = lambda _market: None


def build_dataflow(
    edges: Edges, stations: Stations, made: Callable[[Factory], Factory] = lambda make: make
) -> Dataflow:
    """Return the dataflow: ingest, follow sessions, decide, publish; every stream ends in a sink.

    ``made`` may put something around the machines that are made.
    """
    flow = Dataflow("offerstream")
    ingested = op.input("ingest", flow, edges.source)
    batches = op.flat_map_batch("by_shard", ingested, _by_shard(shard_keys()))
    sessions = op.stateful_batch("sessions", batches, station(made(shard_factory(stations))))
    events = op.flat_map_batch("by_market", sessions, _keyed_by_market(stations))
    inputs = op.merge(
        "market_inputs", op.flat_map_batch("to_markets", ingested, _to_markets(stations.market_keys)), events
    )
    markets = op.stateful_batch("markets", inputs, station(made(market_factory(stations))))
    rejected = op.flat_map_batch("rejects", ingested, _rejects)
    records = op.merge("records", op.flat_map_batch("emitted", markets, _emitted), rejected)
    for name, sink in edges.outputs.items():
        op.output(name, op.flat_map_batch(f"only_{name}", records, _only(name, sink)), sink)
    kept = op.merge("kept", sessions, markets)
    op.output(
        "features", op.flat_map_batch("feature_rows", kept, _feature_rows(shard_keys())), edges.features
    )
    op.output("figures", op.flat_map_batch("measured", kept, _measured(edges.member)), edges.figures)
    if edges.pace is not None:
        op.output("pace", op.flat_map_batch("notes", ingested, _notes(edges.member)), edges.pace)
    return flow


def shard_factory(stations: Stations) -> Callable[[ShardBatch | None, bytes | None], Shard]:
    """Return what makes a shard, from its first batch or from its snapshot."""
    ordered = stations.markets.ordered

    def make(first: ShardBatch | None, state: bytes | None) -> Shard:
        shard = shard_in(state) if state is not None else first.shard  # type: ignore[union-attr]
        rows = stations.rows_of(shard)
        return Shard(shard, stations.partitions, stations.sessions, ordered=ordered, store=rows, state=state)

    return make


def market_factory(stations: Stations) -> Callable[[MarketBatch | None, bytes | None], MarketStation]:
    """Return what makes a market, from its first batch or from its snapshot."""

    def make(first: MarketBatch | None, state: bytes | None) -> MarketStation:
        name = market_in(state) if state is not None else first.market  # type: ignore[union-attr]
        state = stations.relearned_of(name) if state is None else state
        shop = stations.shop
        config = MarketConfig(shop, name, stations.ledger_of(name), stations.catalog_of(name))
        made = MarketStation(config, stations.markets, state)
        if state is not None:
            _log_policy(name, made.decisions)
            _log_controls(name, made.decisions)
        return made

    return make


def _log_policy(market: str, decisions: DecisionMachine) -> None:
    spec, updates = spec_string(decisions.policy), decisions.policy.updates
    replaced = decisions.replaced_policy
    if replaced is None:
        tell(log, LogEvent.POLICY_RESUMED, market=market, policy=spec, updates=updates)
    else:
        tell(log, LogEvent.POLICY_REPLACED, market=market, policy=spec, replaced=replaced)


def _log_controls(market: str, decisions: DecisionMachine) -> None:
    controls = decisions.controls
    if controls.version:
        tell(log, LogEvent.CONTROLS_RESUMED, market=market, version=controls.version)
    for path, why in controls.left_out.items():
        tell(log, LogEvent.CONTROL_LEFT_OUT, market=market, path=path, reason=why)


def _by_shard(keys: Sequence[str]) -> Callable[[list[ReaderOutput]], list[tuple[str, ShardBatch]]]:
    return lambda items: [(keys[item.shard], item) for item in items if isinstance(item, ShardBatch)]


def _to_markets(keys: Mapping[str, str]) -> Callable[[list[ReaderOutput]], list[tuple[str, MarketBatch]]]:
    return lambda items: [(keys[item.market], item) for item in items if isinstance(item, MarketBatch)]


def _keyed_by_market(
    stations: Stations,
) -> Callable[[list[tuple[str, ShardOutput]]], list[tuple[str, MarketBatch]]]:
    keys, group = stations.market_keys, by_market(tuple(stations.shop.markets))
    return lambda batch: [(keys[name], events) for name, events in group(batch)]


def _rejects(items: list[ReaderOutput]) -> Streams:
    return _by_stream(item for item in items if isinstance(item, OutputRecord))


def _emitted(batch: list[tuple[str, MarketOutput]]) -> Streams:
    return _by_stream(record for _, output in batch for record in output.records)


def _by_stream(records: Iterable[OutputRecord]) -> Streams:
    found: dict[str, list[OutputRecord]] = {}
    for record in records:
        found.setdefault(record.stream, []).append(record)
    return list(found.items())


PROJECTIONS: Final = {FLAT_OFFERS: ("offers", flat_offer)}
"""The streams that follow from others instead of being emitted: from which, and how."""


def _only(name: str, sink: Sink[Any]) -> Callable[[Streams], list[Any]]:
    """Return what gives a sink the records of its stream as it takes them."""
    of, made = PROJECTIONS.get(name, (name, None))

    def keyed(streams: Streams) -> list[tuple[str, OutputRecord]]:
        found = [record for stream, records in streams if stream == of for record in records]
        return [(each.key, each if made is None else made(each)) for each in found]

    return (lambda streams: sink.grouped(keyed(streams))) if isinstance(sink, BatchedSink) else keyed


def by_market(
    markets: tuple[str, ...],
) -> Callable[[list[tuple[str, ShardOutput]]], list[tuple[str, MarketBatch]]]:
    """Return what gathers, for each of these markets, what shards have emitted: events, then watermarks."""

    def group(batch: list[tuple[str, ShardOutput]]) -> list[tuple[str, MarketBatch]]:
        events: dict[str, list[MarketEvent]] = {}
        watermarks: list[tuple[int, float]] = []
        for _, output in batch:
            for event in output.events:
                events.setdefault(event.market, []).append(event)
            if output.watermark_s is not None:
                watermarks.append((output.shard, output.watermark_s))
        addressed = markets if watermarks else tuple(events)
        moved = tuple(watermarks)
        return [(name, MarketBatch(name, tuple(events.get(name, ())), moved)) for name in addressed]

    return group


def _feature_rows(
    keys: Sequence[str],
) -> Callable[[list[tuple[str, ShardOutput] | tuple[str, MarketOutput]]], list[tuple[str, list[FeatureRow]]]]:
    def group(
        batch: list[tuple[str, ShardOutput] | tuple[str, MarketOutput]],
    ) -> list[tuple[str, list[FeatureRow]]]:
        by_shard: dict[str, list[FeatureRow]] = {}
        for _, output in batch:
            for row in output.features:
                by_shard.setdefault(keys[shard_of(row.visitor)], []).append(row)
        return list(by_shard.items())

    return group


def _measured(
    member: Member,
) -> Callable[
    [list[tuple[str, ShardOutput] | tuple[str, MarketOutput]]], list[tuple[str, tuple[str, dict[str, float]]]]
]:
    """Return what gathers figures for the process in which their stations are."""
    slot = slot_of(member.index)

    def figures(
        batch: list[tuple[str, ShardOutput] | tuple[str, MarketOutput]],
    ) -> list[tuple[str, tuple[str, dict[str, float]]]]:
        found: list[tuple[str, tuple[str, dict[str, float]]]] = []
        for key, out in batch:
            if out.figures is not None:
                station = name_in(key)
                found.append((slot, (station, out.figures)))
                if isinstance(out, MarketOutput):
                    found += [(slot, (f"{station}/{name}", each)) for name, each in out.budgets.items()]
        return found

    return figures


def _notes(member: Member) -> Callable[[list[ReaderOutput | PaceNote]], list[tuple[str, PaceNote]]]:
    return lambda items: noted([item for item in items if isinstance(item, PaceNote)], member.count)
