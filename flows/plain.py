"""The same machines in a plain loop, without an engine and recovery: a yardstick, and a test bench."""

from collections.abc import Iterable

from flows.page import Rules
from operators.facts import MarketParcel, Parcel, Row, Said, VisitSaid
from operators.markets import MarketStation
from operators.shards import Shard


class PlainPage:
    """The stations of the page, called one after the other."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.shards: dict[int, Shard] = {}
        self.markets: dict[str, MarketStation] = {}

    def take(self, items: Iterable[Parcel | Said]) -> tuple[list[Said], list[VisitSaid]]:
        """Take what a reader says; return the records and the rows of the feature store that follow."""
        said: list[Said] = []
        visits: list[VisitSaid] = []
        by_shard: dict[int, list[Parcel]] = {}
        for item in items:
            if isinstance(item, Parcel):
                by_shard.setdefault(item.shard, []).append(item)
            else:
                said.append(item)
        rows: dict[str, list[Row]] = {}
        ticks: list[tuple[int, float]] = []
        for number in sorted(by_shard):
            told = self._shard(number).take(by_shard[number])
            visits += told.visits
            for row in told.rows:
                rows.setdefault(row.market, []).append(row)
            if told.tick_s is not None:
                ticks.append((number, told.tick_s))
        for name in self._rules.shop.markets if ticks else tuple(rows):
            answer = self._market(name).take([MarketParcel(name, tuple(rows.get(name, ())), tuple(ticks))])
            said += answer.said
            visits += answer.visits
        return said, visits

    def _shard(self, number: int) -> Shard:
        if number not in self.shards:
            rules = self._rules
            self.shards[number] = Shard(number, rules.parts, rules.visits, ordered=rules.markets.ordered)
        return self.shards[number]

    def _market(self, name: str) -> MarketStation:
        if name not in self.markets:
            shop = self._rules.shop
            self.markets[name] = MarketStation(
                shop.markets[name], shop.arms(name), self._rules.ledger_of(name), self._rules.markets
            )
        return self.markets[name]
