"""Words for tests: what shoppers do, what a shop may offer, and machines without the world around them.

Times are seconds after ``T0`` everywhere.
"""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson
from hypothesis import settings

from flows.assembly import decision_settings, stations_of
from flows.cluster.placement import market_keys
from flows.dataflow import Stations, shard_factory
from flows.local.in_process import InProcessDataflow
from flows.settings import Settings
from flows.stores.memory_catalog import MemoryCatalog
from flows.stores.memory_ledger import MemoryLedger
from flows.stores.seen_ids import MemorySeenIds
from operators.bandits import LinearThompson
from operators.decisions.decision_machine import DecisionMachine, MarketConfig
from operators.decisions.market import MarketStation
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.rules.rule import NOTHING_KNOWN, Lookups, Person, Situation
from operators.decisions.selection import Prediction
from operators.decisions.settings import DecisionSettings, MarketSettings
from operators.ingest.catalog_records import CatalogRecords
from operators.ingest.from_events import Placed, market_of, shop_event
from operators.ingest.market_reader import MarketReader
from operators.ingest.partition_reader import PartitionReader
from operators.ingest.settings import IngestSettings
from operators.sessions.session_machine import SessionMachine, SessionSettings
from operators.state.rows import StateRows
from operators.streaming.messages import (
    AnyShopEvent,
    CartBought,
    ControlsChange,
    ControlSetting,
    Line,
    Moment,
    OutputRecord,
    PersonErased,
    UserKnown,
)
from schemas.adapters import decoder
from schemas.adapters.decoded import Decoded
from schemas.events import EVENTS, Event
from schemas.message import Message
from schemas.rules import Rules
from schemas.shop import Market, Offer, Shop
from tests.rows import DictRows

T0 = 1_700_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
PART = "shop.events/0"
PRODUCTS = "shop.catalog/0"
MAX_EVENT_BYTES = 1_000_000
HOUSE = Path(__file__).parent / "schemas" / "golden" / "house.toml"


def form_of(name: str) -> str:
    """A format as a setting names it: that of a house with the file of the golden lines."""
    return f"generic:{HOUSE}" if name == "generic" else name


# How often hypothesis tries: always the same examples, and no limit to the time of one
OFTEN = settings(max_examples=40, derandomize=True, deadline=None)
SELDOM = settings(max_examples=12, derandomize=True, deadline=None)

# What shoppers do: native events


def at_text(at: float) -> str:
    return datetime.fromtimestamp(T0 + at, UTC).isoformat()


def event(kind: str, at: float, visitor: str | None = "ann", **more: Any) -> dict[str, Any]:
    name = more.pop("id", f"{visitor}-{kind}-{at}")
    return {"type": kind, "id": name, "time": at_text(at), "visitor_id": visitor, **more}


def item(sku: str = "shoe", price: float = 50.0, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "price": price, "quantity": quantity, **more}


def product(at: float, sku: str = "shoe", **more: Any) -> dict[str, Any]:
    """What a product is from a time on."""
    return {"sku": sku, "at": at_text(at)} | more


def looked(at: float, visitor: str = "ann", **more: Any) -> dict[str, Any]:
    return event("page_viewed", at, visitor, **more)


def viewed(
    at: float, visitor: str = "ann", sku: str = "shoe", price: float | None = 50.0, **more: Any
) -> dict:
    return event("product_viewed", at, visitor, sku=sku, price=price, **more)


def searched(at: float, visitor: str = "ann", query: str = "shoes", **more: Any) -> dict[str, Any]:
    return event("searched", at, visitor, query=query, **more)


def carted(
    at: float, visitor: str = "ann", sku: str = "shoe", price: float = 50.0, quantity: int = 1, **more: Any
) -> dict[str, Any]:
    return event("cart_item_added", at, visitor, items=[item(sku, price, quantity)], **more)


def removed(
    at: float, visitor: str = "ann", sku: str = "shoe", quantity: int = 1, **more: Any
) -> dict[str, Any]:
    return event("cart_item_removed", at, visitor, items=[{"sku": sku, "quantity": quantity}], **more)


def cart_is(at: float, *items: dict[str, Any], visitor: str = "ann", **more: Any) -> dict[str, Any]:
    return event("cart_updated", at, visitor, items=list(items), **more)


def checkout(at: float, visitor: str = "ann", **more: Any) -> dict[str, Any]:
    return event("checkout_started", at, visitor, **more)


def ordered(
    at: float, visitor: str | None = "ann", price: float = 50.0, offers: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    more = {"order_id": f"order-{visitor}-{at}", "items": [item(price=price)], **more}
    return event("order_completed", at, visitor, offer_ids=list(offers), **more)


def refunded(at: float, order_id: str, visitor: str | None = None, **more: Any) -> dict[str, Any]:
    return event("order_refunded", at, visitor, order_id=order_id, **more)


def cancelled(at: float, order_id: str, visitor: str | None = None, **more: Any) -> dict[str, Any]:
    return event("order_cancelled", at, visitor, order_id=order_id, **more)


def updated(at: float, order_id: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return event("order_updated", at, None, order_id=order_id, items=list(items), **more)


def told(kind: str, at: float, offer_id: str, visitor: str = "ann", **more: Any) -> dict[str, Any]:
    return event(f"offer_{kind}", at, visitor, offer_id=offer_id, **more)


def segment_calls(times: int, at: float = 0.0) -> list[bytes]:
    """Calls as Segment's libraries send them: carts of so many visitors, one a second."""
    calls = (
        {
            "type": "track",
            "event": "Product Added",
            "messageId": f"m-{n}",
            "anonymousId": f"anon-{n}",
            "timestamp": at_text(at + n),
            "properties": {"cart_id": f"c-{n}", "product_id": "shoe", "price": "50.00", "quantity": 1},
        }
        for n in range(times)
    )
    return [orjson.dumps(call) for call in calls]


def message(event: dict[str, Any], offset: int, sent: float | None = None) -> Message:
    topic, _, partition = PART.partition("/")
    sent_s = None if sent is None else T0 + sent
    return Message(
        orjson.dumps(event), topic=topic, partition=int(partition), offset=offset, timestamp_s=sent_s
    )


def as_model(event: Any) -> Event:
    """The model of an event that was decoded, in whichever form it is."""
    return EVENTS.validate_json(msgspec.json.encode(event)) if isinstance(event, msgspec.Struct) else event


def native(said: dict[str, Any]) -> Decoded:
    """What the worker reads of a native event, which is given as its model."""
    read = decoder("native", MAX_EVENT_BYTES)(Message(json.dumps(said).encode()))
    return msgspec.structs.replace(read, event=as_model(read.event))


def struct(event: dict[str, Any], happened: float | None = None) -> AnyShopEvent:
    """The struct of an event; a late order is placed at its time and ``happened`` earlier."""
    known = EVENTS.validate_json(orjson.dumps(event))
    happened_s = None if happened is None else T0 + happened
    at_s = known.time.timestamp()
    position = f"{PART}/{known.id}"
    return shop_event(known, market_of(known), Placed(at_s, happened_s=happened_s, position=position))


def line(sku: str = "shoe", price: float | None = 50.0, quantity: int = 1, cost: float | None = None) -> Line:
    return Line(sku, quantity, price, None, cost)


def moment(
    at: float,
    visitor: str = "ann",
    *,
    kind: str = "cart_idle",
    cart: str | None = None,
    value: float = 50.0,
    read: float | None = None,
    user: str | None = None,
    **more: Any,
) -> Moment:
    """A moment of a cart; the cart is the visitor's own unless named."""
    given = {
        "id": f"{visitor}-{kind}-{at}",
        "lines": (line(price=value),),
        "session": None,
        "sent_s": None,
    } | more
    return Moment(
        at_s=T0 + at,
        visitor=visitor,
        market="default",
        kind=kind,
        cart=f"cart of {visitor}" if cart is None else cart,
        cart_value=value,
        features={"moment": kind, "cart_value": value, "events": 3, "hour_sin": 0.5},
        user=user,
        read_s=None if read is None else T0 + read,
        **given,
    )


# What the shop may do


def offer(name: str = "ten_percent", **more: Any) -> Offer:
    """Ten percent off, on site, for half an hour, judged after an hour."""
    given: dict[str, Any] = {"name": name, "kind": "percent_off", "value": 10.0, "channel": "on_site"}
    given |= {"expires_after": timedelta(minutes=30), "reward_window": timedelta(hours=1)}
    return Offer.model_validate(given | more)


def rules(cooldown: str = "24h", **tables: Any) -> Rules:
    """Rules under which purchases and dismissals hold nothing up, and no channel needs consent."""
    given = {
        "cooldown": {"after_offer": cooldown, "after_purchase": "0s", "after_dismissal": "0s"},
        "consent": {"required": []},
    }
    return Rules.model_validate(given | tables)


def cooled(of: Shop, cooldown: str) -> Shop:
    """A shop with another cooldown after an offer."""
    markets = {
        name: market.model_copy(update={"rules": rules(cooldown)}) for name, market in of.markets.items()
    }
    return of.model_copy(update={"markets": markets})


def shop(*offers: Offer, markets: Iterable[str] = ("default",), **market: Any) -> Shop:
    """A shop with these offers, or with ten percent off, that holds nobody out."""
    given = {"margin_rate": 0.4, "holdout": 0.0, "rules": rules()} | market
    return Shop(
        markets={name: Market(name=name, **given) for name in markets},
        offers=offers or (offer(),),
    )


# Settings: the defaults, but for what a test is about


def changed(settings: Any, **more: Any) -> Any:
    return msgspec.structs.replace(settings, **more)


DEFAULTS = stations_of(Settings(), Shop(), (), lambda _: MemoryLedger(), ordered=False)


def session_settings(shop: Shop | None = None, **more: Any) -> SessionSettings:
    markets = {"default": "UTC"} if shop is None else {n: each.timezone for n, each in shop.markets.items()}
    zones = {name: ZoneInfo(zone) for name, zone in markets.items()}
    return changed(DEFAULTS.sessions, **{"timezones": zones, **more})


def deciding(**more: Any) -> DecisionSettings:
    return changed(decision_settings(Settings(), float("-inf")), **more)


def market_settings(**more: Any) -> MarketSettings:
    return changed(DEFAULTS.markets, **more)


def ingest_settings(of: Shop | None = None, **more: Any) -> IngestSettings:
    of = shop() if of is None else of
    given = {
        "markets": frozenset(of.markets),
        "without_unit_costs": frozenset(
            n for n, market in of.markets.items() if market.margin_rate is not None
        ),
        "currencies": {name: market.currency for name, market in of.markets.items()},
        "rates": {name: market.rates for name, market in of.markets.items()},
        "lateness_s": 10.0,
        "max_late_s": DAY,
        "watermark_visitors": 1,  # every event moves time, as tests tell it
        "clock_skew_s": 300.0,
        "latest_s": float("inf"),
        "ordered": False,
        "wall": False,
    }
    return IngestSettings(**given | more)


# Machines


class Wish:
    """A policy that chooses the arm it is told to, with probability 0.8, and writes down its lessons."""

    def __init__(self, arm: str = "ten_percent") -> None:
        self.arm = arm
        self.updates = 0
        self.learned: list[tuple[str, float]] = []
        self.revised: list[tuple[str, float]] = []
        self.contexts: list[dict[str, Any]] = []
        self.cap = math.inf
        self.estimates_rewards = False

    def choose(
        self, arms: Sequence[str], context: dict[str, Any], seed: int, surcharges: dict[str, float]
    ) -> tuple[str, dict[str, float]]:
        del seed, context, surcharges
        arm = self.arm if self.arm in arms else arms[0]
        rest = 0.2 / max(len(arms) - 1, 1)
        return arm, {each: 0.8 if each == arm else rest for each in arms}

    def crowded_features(self) -> int:
        return 0

    def values(self, arms: Sequence[str], context: dict[str, Any]) -> dict[str, float]:
        del context
        return {arm: 3.0 if arm == self.arm else 1.0 for arm in arms}

    def update(self, arm: str, context: dict[str, Any], reward: float) -> float:
        self.learned.append((arm, reward))
        self.contexts.append(context)
        self.updates += 1
        return min(reward, self.cap)

    def revise(self, arm: str, context: dict[str, Any], change: float) -> float:
        self.revised.append((arm, change))
        self.contexts.append(context)
        return min(change, self.cap)

    def dumps(self) -> bytes:
        return LinearThompson(seed=0).dumps()


SCORED = Prediction(0.7, "logistic", 3)


def config(of: Shop | None = None, ledger: MemoryLedger | None = None) -> MarketConfig:
    """The market called default of a shop, with a ledger of its own unless one is given."""
    of = shop() if of is None else of
    return MarketConfig(of, "default", MemoryLedger() if ledger is None else ledger)


def situation(
    at: Moment,
    market: Market | None = None,
    *,
    zone: str = "UTC",
    visitors: Sequence[str] | None = None,
    held: Sequence[OpenDecision] = (),
    lookups: Lookups = NOTHING_KNOWN,
) -> Situation:
    """A moment as rules see it: of one visitor of whom nothing else is known."""
    person = Person(
        (at.visitor,) if visitors is None else tuple(visitors),
        () if at.user is None else (at.user,),
        ZoneInfo(zone),
        tuple(held),
    )
    context = {**at.features, "abandonment": 0.7}
    return Situation(at, person, context, shop().markets["default"] if market is None else market, lookups)


class Desk:
    """The decision machine of one market, whose policy does as it is wished."""

    def __init__(
        self,
        arm: str = "ten_percent",
        *,
        of: Shop | None = None,
        ledger: MemoryLedger | None = None,
        state: bytes | None = None,
        cooldown: str | None = None,
        **settings: Any,
    ) -> None:
        self.ledger = MemoryLedger() if ledger is None else ledger
        if cooldown is not None:
            of = cooled(shop() if of is None else of, cooldown)
        self.machine = DecisionMachine(config(of, self.ledger), deciding(**settings), state)
        self.policy = Wish(arm)
        self.machine.policy = self.policy  # type: ignore[assignment]

    def _read(self, emitted: list[OutputRecord]) -> list[dict[str, Any]]:
        return records(emitted)

    def idle(self, at: float, visitor: str = "ann", **more: Any) -> list[dict[str, Any]]:
        """A cart goes quiet."""
        return self._read(self.machine.process_moment(moment(at, visitor, **more), SCORED))

    def order(
        self, at: float, visitor: str | None = "ann", happened: float | None = None, **more: Any
    ) -> list[dict]:
        """A visitor orders; a late order happened earlier than it is placed."""
        return self._read(self.machine.process_order(struct(ordered(at, visitor, **more), happened)))

    def revise(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """An order is refunded, cancelled or updated."""
        return self._read(self.machine.process_revision(struct(event)))

    def bought(
        self, at: float, visitor: str, cart: str, order_id: str, by: str = "order-event"
    ) -> list[dict]:
        """A shard tells whose cart an order bought."""
        event = CartBought(at_s=T0 + at, visitor=visitor, id=by, market="default", order=order_id, cart=cart)
        return self._read(self.machine.process_bought(event))

    def login(self, at: float, visitor: str, user: str) -> list[dict[str, Any]]:
        """A visitor turns out to be a user."""
        event = UserKnown(at_s=T0 + at, visitor=visitor, id=f"{visitor}-{at}", market="default", user=user)
        return self._read(self.machine.know_person(event))

    def erase(self, at: float, visitor: str = "", user: str | None = None, **more: Any) -> list[dict]:
        """A visitor, or a user, is to be forgotten."""
        event = PersonErased(at_s=T0 + at, visitor=visitor, id="erasure", market="default", user=user, **more)
        return self._read(self.machine.erase(event).records)

    def feedback(self, kind: str, at: float, offer_id: str, visitor: str = "ann") -> list[dict[str, Any]]:
        return self._read(self.machine.process_feedback(struct(told(kind, at, offer_id, visitor))))

    def control(self, at: float, version: int = 1, **settings: Any) -> list[dict[str, Any]]:
        """Controls set these keys of the offers file, whose dots are written as two underscores."""
        given = tuple(
            ControlSetting(path.replace("__", "."), orjson.dumps(value)) for path, value in settings.items()
        )
        change = ControlsChange(at_s=T0 + at, id="change", market="default", version=version, settings=given)
        return self._read(self.machine.process_controls(change))

    def wait(self, until: float) -> list[dict[str, Any]]:
        """Time passes."""
        emitted = self.machine.advance(T0 + until)
        self.machine.forget(T0 + until)
        return self._read(emitted)


class Visits:
    """The session machine of one shard."""

    def __init__(self, **settings: Any) -> None:
        self.rows = StateRows()
        self.machine = SessionMachine(session_settings(**settings), self.rows)

    @classmethod
    def resumed(cls, snapshot: bytes) -> "Visits":
        """The session machine as it was written down."""
        visits = cls()
        visits.rows.restore(snapshot)
        visits.machine.restored()
        return visits

    def tell(self, *events: dict[str, Any]) -> list[Any]:
        """Events come as they are; return what follows."""
        for each in events:
            self.machine.process(struct(each))
        return self._rows()

    def late(self, event: dict[str, Any], happened: float) -> list[Any]:
        """A late order comes: placed at its time, happened before."""
        self.machine.process(struct(event, happened))
        return self._rows()

    def wait(self, until: float) -> list[Any]:
        """Time passes."""
        self.machine.fire(T0 + until)
        self.machine.forget(T0 + until)
        return self._rows()

    def visit(self, visitor: str = "ann") -> Any:
        return self.machine.visits.get(("default", visitor))

    def _rows(self) -> list[Any]:
        return self.machine.drain().events


def kinds(rows: Iterable[Any], *wanted: str) -> list[tuple[str, float]]:
    """Kind and time of moments, outcomes and events, those of the kinds wanted."""
    found = [(getattr(row, "kind", None) or row.__struct_config__.tag, row.at_s - T0) for row in rows]
    return [each for each in found if not wanted or each[0] in wanted]


def records(said: Iterable[OutputRecord]) -> list[dict[str, Any]]:
    return [orjson.loads(each.value) for each in said]


def of_type(found: Iterable[dict[str, Any]], *types: str) -> list[dict[str, Any]]:
    return [each for each in found if each["type"] in types]


def reader(
    part: str = PART,
    *,
    state: bytes | None = None,
    seen: MemorySeenIds | None = None,
    of: Shop | None = None,
    **settings: Any,
) -> PartitionReader:
    given = ingest_settings(of, **settings)
    decode = decoder("native", MAX_EVENT_BYTES)
    return PartitionReader(part, given, decode, MemorySeenIds() if seen is None else seen, state)


class World:
    """The whole dataflow in a plain loop: events in, records out, with readers, ledgers and crashes.

    ``emitted`` holds every record in its order.
    """

    def __init__(
        self,
        of: Shop | None = None,
        *,
        parts: Sequence[str] = (PART,),
        ordered: bool = False,
        catalog: bool = False,
        arm: str | None = None,
        visits: dict[str, Any] | None = None,
        cooldown: str | None = None,
        **decisions: Any,
    ) -> None:
        self.shop = shop() if of is None else of
        if cooldown is not None:
            self.shop = cooled(self.shop, cooldown)
        self.ledgers = {name: MemoryLedger(DictRows()) for name in self.shop.markets}
        self.catalogs = {name: MemoryCatalog() for name in self.shop.markets}
        self.rows: dict[int, DictRows] = {}
        self.seen = {part: MemorySeenIds() for part in parts}
        self.ingest = {"without_unit_costs": frozenset(self.shop.markets)} if catalog else {}
        self.emitted: list[OutputRecord] = []
        self.saved: list[Any] = []
        self.stations = Stations(
            self.shop,
            tuple(parts),
            session_settings(self.shop, **(visits or {})),
            market_settings(
                decisions=deciding(**decisions),
                ordered=ordered,
                partitions=(PRODUCTS,) if catalog else (),
            ),
            self.ledgers.__getitem__,
            self.catalogs.__getitem__,
            lambda shard: self.rows.setdefault(shard, DictRows()),
            market_keys(self.shop.markets),
        )
        read = (*parts, *self.stations.markets.partitions)
        self.readers = {part: self._reader(part) for part in read}
        self.logs: dict[str, list[dict[str, Any]]] = {part: [] for part in read}
        self.dataflow = InProcessDataflow(self.stations)
        if arm is not None:
            self.policy = Wish(arm)
            self.market().decisions.policy = self.policy  # type: ignore[assignment]

    def _reader(self, part: str, state: bytes | None = None) -> Any:
        if part != PRODUCTS:
            return reader(part, seen=self.seen[part], of=self.shop, state=state, **self.ingest)
        settings = ingest_settings(self.shop)
        return MarketReader(part, settings, CatalogRecords(settings, MAX_EVENT_BYTES), state)

    def stocked(self, *products: dict[str, Any], sent: float | None = None) -> list[dict[str, Any]]:
        """The shop says what products are now."""
        return self.tell(*products, part=PRODUCTS, sent=sent)

    def market(self, name: str = "default") -> MarketStation:
        return self.dataflow.market(name)

    def tell(
        self, *events: dict[str, Any], part: str = PART, now: float | None = None, sent: float | None = None
    ) -> list[dict[str, Any]]:
        """One batch of one partition is read."""
        log = self.logs[part]
        start = len(log)
        log.extend(events)
        return self._read(part, start, len(log), now, sent)

    def read_again(self, part: str, batch: int) -> None:
        """Read what was told before and not yet read since the last resume."""
        start = self.readers[part].next_offset
        for first in range(0 if start is None else start, len(self.logs[part]), batch):
            self._read(part, first, min(first + batch, len(self.logs[part])), None, None)

    def _read(self, part: str, start: int, end: int, now: float | None, sent: float | None) -> list[dict]:
        batch = [message(self.logs[part][offset], offset, sent) for offset in range(start, end)]
        return self._take(self.readers[part].read(batch, None if now is None else T0 + now))

    def wait(self, now: float) -> list[dict[str, Any]]:
        """Silence: every partition is proved caught up at this wall clock."""
        return [each for one in self.readers.values() for each in self._take(one.idle(T0 + now))]

    def end(self) -> list[dict[str, Any]]:
        """The files end."""
        return [each for one in self.readers.values() for each in self._take(one.end())]

    def _take(self, items: Iterable[Any]) -> list[dict[str, Any]]:
        said, saved = self.dataflow.process(items)
        self.emitted += said
        self.saved += saved
        return records(each for each in said if each.stream != "rejected")

    def lines(self, *types: str) -> list[dict[str, Any]]:
        """All records of these types that were said so far."""
        return of_type(records(each for each in self.emitted if each.stream != "rejected"), *types)

    def snapshot(self) -> tuple[Any, ...]:
        """What an epoch seals."""
        return (
            {part: one.snapshot() for part, one in self.readers.items()},
            {number: one.snapshot() for number, one in self.dataflow.shards.items()},
            {name: one.snapshot() for name, one in self.dataflow.markets.items()},
        )

    def crash(self, snapshot: tuple[Any, ...]) -> None:
        """Everything goes back to the snapshot, except the ledgers and the memory of ids."""
        readers, shards, markets = snapshot
        stations, of = self.stations, self.shop
        self.readers = {part: self._reader(part, state) for part, state in readers.items()}
        self.dataflow = InProcessDataflow(stations)
        for number, state in shards.items():
            self.dataflow.shards[number] = shard_factory(stations)(None, state)
        for name, state in markets.items():
            of_market = MarketConfig(of, name, self.ledgers[name], self.catalogs[name])
            self.dataflow.markets[name] = MarketStation(of_market, stations.markets, state)
        for one in self.readers.values():
            self._take(one.resumed())
