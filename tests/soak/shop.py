"""A shop in a hurry: shoppers who log in, buy, return things; prices, stock and controls that change.

Its time runs faster than the wall clock, so that within minutes everything that is kept for days is let go.
"""

import heapq
import random
import time
from zlib import crc32

import orjson
from confluent_kafka import TopicPartition

from flows.kafka.cluster import Cluster, create_producer, produce
from flows.kafka.follow import TopicFollower
from flows.kafka.topics import end_offsets, partitions_of, topic_partition
from operators.simulation import World, WorldSettings
from operators.simulation.native_event import rfc3339
from operators.simulation.products import product_catalog
from operators.simulation.random_streams import RandomStream
from schemas.shop import load_shop
from tests.brokers import administer

EVENTS_A_VISIT = 7.0
KEPT_IN_TOPICS_S = 60.0
PEOPLE = 50
PAUSED = ("gift_bundle", "five_off")


class BusyShop:
    """The shoppers and the shop's servers, and what they see of the worker.

    ``late_s`` has how long each decision took, from the sending of the cart; whoever looks empties it.
    """

    def __init__(self, bootstrap, topics, offers, *, rate, speed, seed=0):
        self._cluster = Cluster(bootstrap, "soak")
        self._topics = topics
        self._speed = speed
        self._began_s, self._began = time.time(), time.monotonic()
        self._rng = random.Random(seed)
        made = load_shop(offers).arms("default")
        settings = WorldSettings(
            made,
            self._began_s,
            visits_per_hour=rate / EVENTS_A_VISIT / speed * 3600,
            cart_share=0.4,
            seasons=False,
            consent_share=0.9,
        )
        self._world = World(seed, settings)
        self._products = [
            each
            for found in product_catalog(RandomStream(0).restart(seed, 1), 400).values()
            for each in found
        ]
        self._producer = create_producer(self._cluster)
        self._follower = TopicFollower(self._cluster, [topics["offers"], topics["decisions"]])
        self._later: list[tuple[float, int, dict]] = []
        self._sent: dict[str, float] = {}
        self._ends: list[tuple[float, dict[str, int]]] = []
        self._next = dict.fromkeys(("product", "control", "consent"), 0.0)
        self._changes = self._numbers = 0
        self.late_s: list[float] = []
        self.events = self.decisions = self.offers = 0
        for product in self._products:
            self._stock(product)

    @property
    def time_s(self):
        """The shop's own time."""
        return self._began_s + (time.monotonic() - self._began) * self._speed

    def step(self):
        """Whatever happens between the last step and now."""
        now_s = self.time_s
        happened = self._world.events_until(now_s)
        while self._later and self._later[0][0] <= now_s:
            happened.append(heapq.heappop(self._later)[2])
        for event in happened:
            self._send(event)
        self._every(0.2, "product", lambda: self._stock(self._rng.choice(self._products)))
        self._every(7.0, "control", self._change)
        self._every(0.5, "consent", self._consent)
        self._producer.poll(0)
        self._see()

    def forget_sent(self):
        """Do not count how long a worker took that was not there."""
        self._sent.clear()
        self.late_s.clear()

    def trim(self):
        """Let the broker delete what there was a while ago, which a worker that has settled has sealed."""
        names = [self._topics[each] for each in ("events", "feedback", "offers", "decisions", "rejected")]
        self._ends.append((time.monotonic(), end_offsets(self._cluster, partitions_of(self._cluster, names))))
        if self._ends[0][0] > time.monotonic() - KEPT_IN_TOPICS_S:
            return
        _, ends = self._ends.pop(0)
        delete = [TopicPartition(*topic_partition(name), end) for name, end in ends.items() if end]
        administer(self._cluster.bootstrap, lambda client: client.delete_records(delete))

    def close(self):
        """Wait until all is sent."""
        self._producer.flush(10)
        self._follower.close()

    def _every(self, seconds, name, what):
        if time.monotonic() >= self._next[name]:
            self._next[name] = time.monotonic() + seconds
            what()

    def _send(self, event):
        kind, key = event["type"], event.get("visitor_id") or event["id"]
        topic = self._topics["feedback" if kind.startswith("offer_") else "events"]
        self._produce(topic, key, event)
        self.events += 1
        if kind.startswith("cart_item_added"):
            self._sent.setdefault(event["visitor_id"], time.monotonic())
        if kind == "order_completed" and "visitor_id" in event:
            self._back_office(event)

    def _back_office(self, order):
        """What the shop's servers tell of an order hours later, without the visitor."""
        by_server = {name: value for name, value in order.items() if name not in ("visitor_id", "session_id")}
        about = {"market": order["market"], "order_id": order["order_id"]}
        for kind, share, more, hours in (
            ("order_completed", 0.5, by_server, 0.1),
            ("order_refunded", 0.1, about, 30),
            ("order_refunded", 0.1, about | {"amount": 5.0}, 100),
            ("order_cancelled", 0.05, about, 3),
            ("order_updated", 0.05, about | {"items": order["items"]}, 2),
        ):
            if self._rng.random() < share:
                self._numbers += 1
                at_s = self.time_s + self._rng.expovariate(1 / (hours * 3600))
                head = {"type": kind, "id": f"{order['id']}-{self._numbers}", "time": rfc3339(at_s)}
                heapq.heappush(self._later, (at_s, self._numbers, more | head))

    def _stock(self, product):
        row = {
            "sku": product.sku,
            "price": round(product.price * self._rng.uniform(0.9, 1.1), 2),
            "unit_cost": product.unit_cost,
            "stock": 0 if self._rng.random() < 0.05 else 9,
            "at": rfc3339(self.time_s),
        }
        self._produce(self._topics["catalog"], product.sku, row)

    def _change(self):
        """Somebody pauses an offer, or lets it go on: in turns, so that the shop stays what it is."""
        self._changes += 1
        name = PAUSED[self._changes // 2 % len(PAUSED)]
        change = {
            "type": "change",
            "id": f"change-{self._changes}",
            "set": {f"offers.{name}.paused": self._changes % 2 == 1},
            "by": "soak",
            "at": rfc3339(self.time_s),
        }
        self._produce(self._topics["controls"], change["id"], change)

    def _consent(self):
        """One of the people whom the shop's servers know, who are not forgotten, changes her mind."""
        user, agrees = f"u-consent-{self._rng.randrange(PEOPLE)}", self._rng.random() < 0.5
        granted = {
            "type": "consent",
            "user_id": user,
            "consent": {"email": agrees},
            "at": rfc3339(self.time_s),
        }
        self._produce(self._topics["controls"], user, granted)

    def _produce(self, topic, key, value):
        partitions = 1 if topic == self._topics["controls"] else 2
        at_ms = int(self.time_s * 1000)
        where = {"partition": crc32(key.encode()) % partitions, "timestamp": at_ms}
        produce(self._producer, topic, orjson.dumps(value), key.encode(), **where)

    def _see(self):
        """Shoppers see their offers, and somebody looks at the clock."""
        now = time.monotonic()
        for record in self._follower.poll():
            value = orjson.loads(record.value)
            kind = value["type"]
            if kind == "decision":
                self.decisions += 1
                if (sent := self._sent.pop(value["visitor_id"], None)) is not None:
                    self.late_s.append(now - sent)
            elif kind == "offer.decided":
                self.offers += 1
                self._world.deliver_offer(value["data"])
            elif kind in ("offer.redeemed", "offer.revoked"):
                self._world.revoke_offer(value["data"]["offer_id"])
        if len(self._sent) > 5000:
            self._sent = dict(list(self._sent.items())[-1000:])
