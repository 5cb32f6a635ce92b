"""A shop whose log stands in Kafka, the real worker over it, and what it said and learned."""

import time
import uuid

import orjson

from flows.cli import main
from flows.cluster.placement import name_in
from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.decision_machine import MarketConfig
from operators.decisions.market import MarketStation
from tests.builders import market_settings
from tests.laws.shopping import OFFERS_TOML, SHOP, messages
from tests.worker import TOPICS, Worker, count, read, send

PARTITIONS = 2
OUTPUTS = ("offers", "decisions", "rejected")


class KafkaShop:
    """Topics with the log in them, and a worker over them with short epochs and small fetches."""

    def __init__(self, bootstrap, directory, events, *, ordered, **more):
        tail = uuid.uuid4().hex[:8]
        self.bootstrap = bootstrap
        self.topics = {name: f"{name}-{tail}" for name in TOPICS}
        cluster = Cluster(bootstrap, group=f"group-{tail}")
        ensure_topics(cluster, dict.fromkeys(self.topics.values(), PARTITIONS))
        offers = directory / "offers.toml"
        offers.write_text(OFFERS_TOML)
        self.worker = Worker(
            bootstrap,
            directory / "state",
            self.topics,
            offers=offers,
            args=[
                *("--from", "earliest", "--emit-after", "2001-01-01T00:00:00Z"),
                *("--kafka", "max.partition.fetch.bytes=4000", "--kafka", "fetch.wait.max.ms=10"),
                *(["--ordered"] * ordered),
            ],
            session_gap="6m",
            correction="2h",
            watermark_visitors="8",
            epoch="20ms",
            **more,
        )
        self.fill(events)

    def fill(self, events):
        lanes = messages(events, PARTITIONS)
        records = []
        for part, lane in lanes.items():
            for message in lane:
                kind = orjson.loads(message.value)["type"]
                topic = self.topics["feedback" if kind.startswith("offer_") else "events"]
                records.append((topic, int(part[-4:]), b"k", message.value))
        send(self.bootstrap, records)

    def command(self, *words):
        """The exit code of a command with the settings of the worker."""
        return main([*words, "--bootstrap", self.bootstrap, *self.worker.settings])

    def read_a_part(self, share):
        """Let the worker read a little at a time until it has written a share of all; it is frozen then."""
        self.worker.start().started().freeze()
        while self.written() < share:
            self.worker.thaw()
            time.sleep(0.01)
            self.worker.freeze()

    def written(self):
        return count(self.bootstrap, [self.topics[name] for name in OUTPUTS], PARTITIONS)

    def finish(self, at_least=0):
        """Let the worker read and say everything, and stop it."""
        worker = self.worker.started()
        worker.until(worker.is_caught_up)
        worker.until(lambda: self.written() >= at_least, 20)
        assert worker.stop() == 0

    def said(self):
        """Id and bytes of every record, by stream."""
        return {
            name: sorted(
                (id_, value) for id_, value, _ in read(self.bootstrap, self.topics[name], PARTITIONS)
            )
            for name in OUTPUTS
        }

    def learned(self, carts):
        """What the worker's markets had learned when it stopped."""
        found = {}
        for key, states in self.worker.remembered("markets").items():
            name = name_in(key)
            of = MarketConfig(SHOP, name, MemoryLedger())
            station = MarketStation(of, market_settings(), states[-1][1])
            found[name] = learned(station, carts)
        return found


def learned(market, carts):
    """The policy as bytes, and what the abandonment model thinks of some carts after how many lessons."""
    model = market.abandonment
    return market.decisions.policy.dumps(), model.version, [model.score(cart) for cart in carts]
