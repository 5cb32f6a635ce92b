"""The same machines in a plain loop, without an engine and recovery: a yardstick, and a test bench."""

from collections.abc import Iterable

from flows.cluster.placement import shard_keys
from flows.dataflow import Stations, by_market, market_factory, shard_factory
from operators.decisions.market import MarketStation
from operators.sessions.shard import Shard
from operators.streaming.messages import (
    FeatureRow,
    MarketBatch,
    OutputRecord,
    ReaderOutput,
    ShardBatch,
    ShardOutput,
)


class InProcessDataflow:
    """The stations of the dataflow, called one after the other."""

    def __init__(self, stations: Stations) -> None:
        self.shards: dict[int, Shard] = {}
        self.markets: dict[str, MarketStation] = {}
        self._make_shard = shard_factory(stations)
        self._make_market = market_factory(stations)
        self._by_market = by_market(tuple(stations.shop.markets))

    def process(self, items: Iterable[ReaderOutput]) -> tuple[list[OutputRecord], list[FeatureRow]]:
        """Process what a reader emits; return the records and the rows of the feature store that follow."""
        records: list[OutputRecord] = []
        features: list[FeatureRow] = []
        by_shard: dict[int, list[ShardBatch]] = {}
        direct: list[MarketBatch] = []
        for item in items:
            if isinstance(item, ShardBatch):
                by_shard.setdefault(item.shard, []).append(item)
            elif isinstance(item, MarketBatch):
                direct.append(item)
            else:
                records.append(item)
        keys = shard_keys()
        outputs: list[tuple[str, ShardOutput]] = []
        for number, batches in sorted(by_shard.items()):
            if number not in self.shards:
                self.shards[number] = self._make_shard(batches[0], None)
            output = self.shards[number].process(batches)
            outputs.append((keys[number], output))
            features += output.features
        to_markets = [*direct, *(batch for _, batch in self._by_market(outputs))]
        for batch in to_markets:
            answer = self.market(batch.market).process([batch])
            records += answer.records
            features += answer.features
        return records, features

    def market(self, name: str) -> MarketStation:
        """Return the station of a market, which is made when it is first asked for."""
        if name not in self.markets:
            self.markets[name] = self._make_market(MarketBatch(name, (), ()), None)
        return self.markets[name]
