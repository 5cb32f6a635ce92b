"""The same machines in a plain loop, without an engine and recovery: a yardstick, and a test bench."""

from collections.abc import Iterable

from flows.dataflow import SHARD_KEYS, Rules, by_market, market_maker, shard_maker
from operators.decisions.market import MarketStation
from operators.sessions.shard import Shard
from operators.streaming.messages import FeatureRow, MarketBatch, OutputRecord, ShardBatch


class InProcessDataflow:
    """The stations of the page, called one after the other."""

    def __init__(self, rules: Rules) -> None:
        self.shards: dict[int, Shard] = {}
        self.markets: dict[str, MarketStation] = {}
        self._make_shard = shard_maker(rules)
        self._make_market = market_maker(rules)
        self._by_market = by_market(tuple(rules.shop.markets))

    def take(self, items: Iterable[ShardBatch | OutputRecord]) -> tuple[list[OutputRecord], list[FeatureRow]]:
        """Take what a reader says; return the records and the rows of the feature store that follow."""
        said: list[OutputRecord] = []
        visits: list[FeatureRow] = []
        by_shard: dict[int, list[ShardBatch]] = {}
        for item in items:
            if isinstance(item, ShardBatch):
                by_shard.setdefault(item.shard, []).append(item)
            else:
                said.append(item)
        told = []
        for number, parcels in sorted(by_shard.items()):
            if number not in self.shards:
                self.shards[number] = self._make_shard(parcels[0], None)
            told.append((SHARD_KEYS[number], self.shards[number].take(parcels)))
            visits += told[-1][1].visits
        for name, rows in self._by_market(told):
            answer = self.market(name).take([rows])
            said += answer.said
            visits += answer.visits
        return said, visits

    def market(self, name: str) -> MarketStation:
        """Return the station of a market, which is there from the first time it is asked for."""
        if name not in self.markets:
            self.markets[name] = self._make_market(MarketBatch(name, (), ()), None)
        return self.markets[name]
