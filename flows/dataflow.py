"""The page: what happens to an event, drawn once, for live, replay, demo and tests alike."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from operators.bandits.spec import spec_string
from operators.decisions.decision_machine import Decisions
from operators.decisions.ledger import Ledger
from operators.decisions.market import MarketOutput, MarketSettings, MarketStation, market_in
from operators.sessions.session_machine import VisitSettings
from operators.sessions.shard import Shard, shard_in
from operators.streaming.bytewax_logic import station
from operators.streaming.ids import SHARDS, shard_of
from operators.streaming.messages import FeatureRow, MarketBatch, OutputRecord, Row, ShardBatch, ShardOutput
from schemas.shop import Shop

log = logging.getLogger("offerstream")
SHARD_KEYS = tuple(f"{shard:03d}" for shard in range(SHARDS))


class Edges(NamedTuple):
    """Where the page begins and where each of its streams ends.

    The source gives ``ShardBatch`` and rejected ``OutputRecord``; ``offers``, ``decisions`` and ``rejected`` take
    ``(key, OutputRecord)``, ``features`` takes ``(shard key, list of FeatureRow)``, ``figures`` takes
    ``(station, (station, dict of numbers))``.
    """

    source: Source[Any]
    offers: Sink[Any]
    decisions: Sink[Any]
    rejected: Sink[Any]
    features: Sink[Any]
    figures: Sink[Any]


class Rules(NamedTuple):
    """What the stations go by: the shop, the names of all source partitions, the settings, the ledgers."""

    shop: Shop
    parts: tuple[str, ...]
    visits: VisitSettings
    markets: MarketSettings
    ledger_of: Callable[[str], Ledger]


def draw(edges: Edges, rules: Rules) -> Dataflow:
    """Return the dataflow: read, follow visits, decide, publish; every stream ends in a sink."""
    flow = Dataflow("offerstream")
    read = op.input("source", flow, edges.source)
    judged = op.branch("judged", read, _is_parcel)
    parcels = op.flat_map_batch("by_shard", judged.trues, _by_shard)
    visits = op.stateful_batch("visits", parcels, station(shard_maker(rules)))
    rows = op.flat_map_batch("by_market", visits, by_market(tuple(rules.shop.markets)))
    markets = op.stateful_batch("markets", rows, station(market_maker(rules)))
    said = op.flat_map_batch("said", markets, _said)
    streams = op.branch("streams", said, _is_offer)
    op.output("offers", streams.trues, edges.offers)
    op.output("decisions", streams.falses, edges.decisions)
    op.output("rejected", op.flat_map_batch("wrong", judged.falses, _keyed), edges.rejected)
    kept = op.merge("kept", visits, markets)
    op.output("features", op.flat_map_batch("saved", kept, _saved), edges.features)
    op.output("figures", op.flat_map_batch("measured", kept, _measured), edges.figures)
    return flow


def shard_maker(rules: Rules) -> Callable[[ShardBatch | None, bytes | None], Shard]:
    """Return the maker of a shard, from its first parcel or from its state."""
    ordered = rules.markets.ordered

    def make(first: ShardBatch | None, state: bytes | None) -> Shard:
        shard = shard_in(state) if state is not None else first.shard  # type: ignore[union-attr]
        return Shard(shard, rules.parts, rules.visits, ordered=ordered, state=state)

    return make


def market_maker(rules: Rules) -> Callable[[MarketBatch | None, bytes | None], MarketStation]:
    """Return the maker of a market, from its first parcel or from its state."""

    def make(first: MarketBatch | None, state: bytes | None) -> MarketStation:
        name = market_in(state) if state is not None else first.market  # type: ignore[union-attr]
        market, offers = rules.shop.markets[name], rules.shop.arms(name)
        station = MarketStation(market, offers, rules.ledger_of(name), rules.markets, state)
        if state is not None:
            _say_policy(name, station.decisions)
        return station

    return make


def _say_policy(market: str, decisions: Decisions) -> None:
    words, updates = spec_string(decisions.policy), decisions.policy.updates
    if decisions.left is None:
        log.info("market %s: policy %s goes on after %d lessons", market, words, updates)
    else:
        log.warning("market %s: policy %s learns anew; the state was of %s", market, words, decisions.left)


def _is_parcel(item: ShardBatch | OutputRecord) -> bool:
    return isinstance(item, ShardBatch)


def _is_offer(item: tuple[str, OutputRecord]) -> bool:
    return item[1].stream == "offers"


def _by_shard(parcels: list[ShardBatch]) -> list[tuple[str, ShardBatch]]:
    return [(SHARD_KEYS[parcel.shard], parcel) for parcel in parcels]


def _keyed(said: list[OutputRecord]) -> list[tuple[str, OutputRecord]]:
    return [(each.key, each) for each in said]


def by_market(
    markets: tuple[str, ...],
) -> Callable[[list[tuple[str, ShardOutput]]], list[tuple[str, MarketBatch]]]:
    """Return what gathers, for each of these markets, what shards have said: rows first, then ticks."""

    def group(batch: list[tuple[str, ShardOutput]]) -> list[tuple[str, MarketBatch]]:
        rows: dict[str, list[Row]] = {}
        ticks: list[tuple[int, float]] = []
        for _, said in batch:
            for row in said.rows:
                rows.setdefault(row.market, []).append(row)
            if said.tick_s is not None:
                ticks.append((said.shard, said.tick_s))
        addressed = markets if ticks else tuple(rows)
        told = tuple(ticks)
        return [(name, MarketBatch(name, tuple(rows.get(name, ())), told)) for name in addressed]

    return group


def _said(batch: list[tuple[str, MarketOutput]]) -> list[tuple[str, OutputRecord]]:
    return [(each.key, each) for _, market in batch for each in market.said]


def _saved(
    batch: list[tuple[str, ShardOutput] | tuple[str, MarketOutput]],
) -> list[tuple[str, list[FeatureRow]]]:
    by_shard: dict[str, list[FeatureRow]] = {}
    for key, said in batch:
        if isinstance(said, ShardOutput):
            if said.visits:
                by_shard.setdefault(key, []).extend(said.visits)
            continue
        for row in said.visits:
            by_shard.setdefault(SHARD_KEYS[shard_of(row.visitor)], []).append(row)
    return list(by_shard.items())


def _measured(
    batch: list[tuple[str, ShardOutput] | tuple[str, MarketOutput]],
) -> list[tuple[str, tuple[str, dict[str, float]]]]:
    return [(key, (key, said.figures)) for key, said in batch if said.figures is not None]
