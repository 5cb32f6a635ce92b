"""The catalog's topic as a shop fills it: read before anything is decided, and heeded from then on."""

import time
import uuid
from datetime import UTC, datetime
from zlib import crc32

import orjson
import pytest

from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from tests.worker import TEN_OFFER, TOPICS, Worker, read, send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

PARTITIONS = 2
SKUS = 2000
SHOP = (
    """
[rules.margin]
floor = 0.2
[markets.default]
holdout = 0
"""
    + TEN_OFFER
)


class CatalogShop:
    """A worker over topics of its own, in a market without a margin rate: only the catalog knows margins."""

    def __init__(self, bootstrap, directory):
        tail = uuid.uuid4().hex[:8]
        self.topics = {name: f"{name}-{tail}" for name in TOPICS}
        names = dict.fromkeys(self.topics.values(), PARTITIONS)
        ensure_topics(Cluster(bootstrap), names, compacted=[self.topics["catalog"]])
        (directory / "offers.toml").write_text(SHOP)
        self.worker = Worker(
            bootstrap,
            directory / "state",
            self.topics,
            offers=directory / "offers.toml",
            args=["--from", "latest", "--emit-after", "2001-01-01T00:00:00Z"],
            policy="always:ten",
            idle_after="1s",
            lateness="1s",
            session_gap="1m",
            epoch="200ms",
        )

    def stock(self, *products):
        """The shop writes what products are."""
        topic = self.topics["catalog"]
        rows = [(each["sku"].encode(), orjson.dumps(each)) for each in products]
        send(self.worker.bootstrap, [(topic, crc32(key) % PARTITIONS, key, value) for key, value in rows])

    def happens(self, *events):
        """Visitors do something now."""
        at = {"time": datetime.fromtimestamp(time.time(), UTC).isoformat()}
        values = [orjson.dumps({"id": uuid.uuid4().hex} | at | each) for each in events]
        send(self.worker.bootstrap, [(self.topics["events"], 0, b"k", value) for value in values])

    def said(self, stream, *types):
        found = read(self.worker.bootstrap, self.topics[stream], PARTITIONS)
        values = [orjson.loads(value) for _, value, _ in found]
        return [each for each in values if not types or each["type"] in types]

    def ended(self):
        """Which visitors' offers were revoked, and why."""
        revoked = self.said("offers", "offer.revoked")
        return sorted((each["subject"], each["data"]["reason"]) for each in revoked)


@pytest.fixture
def shop(broker, tmp_path):
    opened = CatalogShop(broker.bootstrap, tmp_path)
    with opened.worker:
        yield opened


def product(number, **more):
    sku = f"s{number}"
    return {"sku": sku, "price": 10.0, "unit_cost": 9.5 if number % 3 == 0 else 5.0, "stock": 3} | more


def carted(number, sku):
    items = [{"sku": f"s{sku}", "price": 10.0}]
    return {"type": "cart_item_added", "visitor_id": f"v{number}", "items": items}


def bought(number, sku):
    items = [{"sku": f"s{sku}", "price": 10.0}]
    return {"type": "order_completed", "visitor_id": f"v{number}", "order_id": f"o{number}", "items": items}


def test_margins_and_stock_of_the_catalog_hold_from_the_first_decision_on(shop):
    last = SKUS - 1
    shop.stock(*(product(number, stock=0 if number % 2 else 3) for number in range(SKUS)))
    worker = shop.worker.start().started()
    # cheap enough and in stock; too dear; sold out; not in the catalog; and three that are good
    shop.happens(*(carted(n, sku) for n, sku in enumerate((2, 6, last, SKUS, 4, 8, 10))))
    worker.until(lambda: len(shop.said("decisions", "decision")) == 7)
    removed = {each["visitor_id"]: each["removed"].get("ten") for each in shop.said("decisions", "decision")}
    expected = {"v1": "margin_floor", "v2": "out_of_stock", "v3": "margin_unknown"}
    assert removed == dict.fromkeys(f"v{n}" for n in range(7)) | expected
    shop.happens(bought(0, 2))
    shop.stock(product(4, stock=0))
    worker.until(lambda: shop.ended() == [("v0", "purchased"), ("v4", "out_of_stock")])
    worker.kill()
    shop.stock(product(8, stock=0))
    worker.start().started()
    worker.until(lambda: ("v5", "out_of_stock") in shop.ended())
    shop.happens(carted(7, 4), carted(8, 10))
    worker.until(lambda: len(shop.said("decisions", "decision")) == 9)
    removed = {each["visitor_id"]: each["removed"].get("ten") for each in shop.said("decisions", "decision")}
    assert (removed["v7"], removed["v8"]) == ("out_of_stock", None)
    assert shop.ended() == [("v0", "purchased"), ("v4", "out_of_stock"), ("v5", "out_of_stock")]
    assert read(worker.bootstrap, shop.topics["rejected"], PARTITIONS) == []
    assert worker.stop() == 0
