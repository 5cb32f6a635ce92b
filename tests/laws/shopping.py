"""A seeded hour of shopping for the laws: some hundred visitors, carts left and bought, offers used."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from zlib import crc32

import orjson

from flows.assembly import reader_of, stations_of
from flows.dataflow import Edges, build_dataflow
from flows.local.callback_sink import DiscardSink
from flows.local.in_process import InProcessDataflow
from flows.local.memory import CollectSink, ListSource
from flows.settings import Settings, read_settings
from flows.stores.ledger import Ledgers
from operators.streaming.messages import OutputRecord
from schemas.message import Message
from schemas.shop import Shop

OFFERS = [
    {
        "name": "ten",
        "kind": "percent_off",
        "value": 10,
        "channel": "on_site",
        "expires_after": "8m",
        "max_discount": 9.5,
    },
    {"name": "ship", "kind": "free_shipping", "value": 4, "channel": "app", "expires_after": "20m"},
    {"name": "nudge", "kind": "reminder", "channel": "email", "expires_after": "15m", "min_cart_value": 30},
]
RULES = {
    "cooldown": {"after_offer": "15m", "after_purchase": "2m", "after_dismissal": "2m"},
    "freshness": dict.fromkeys(("on_site", "app", "email"), "9d"),
}
BUDGETS = {
    "all": {"amount": 110.1, "by": "hour", "grace": "2m"},
    "shipping": {"amount": 44.0, "number": 18, "by": "day", "grace": "1m", "offers": ["ship"]},
    "nudges": {"number": 16, "by": "hour", "paced": False, "offers": ["nudge"], "markets": ["default"]},
}
SHOP = Shop.model_validate(
    {
        "rules": RULES,
        "markets": {
            "default": {"margin_rate": 0.3, "holdout": 0.1},
            "uk": {"margin_rate": 0.4, "timezone": "Europe/Berlin"},
        },
        "budgets": BUDGETS,
        "offers": [offer | {"reward_window": "10m"} for offer in OFFERS],
    }
)
OFFERS_TOML = (
    """
[rules]
cooldown = { after_offer = "15m", after_purchase = "2m", after_dismissal = "2m" }
freshness = { on_site = "9d", app = "9d", email = "9d" }
[markets.default]
margin_rate = 0.3
holdout = 0.1
[markets.uk]
margin_rate = 0.4
timezone = "Europe/Berlin"
"""
    + "".join(
        f"[budgets.{name}]\n"
        + "".join(f"{key} = {orjson.dumps(what).decode()}\n" for key, what in budget.items())
        for name, budget in BUDGETS.items()
    )
    + "".join(
        "[[offers]]\nreward_window = '10m'\n" + "".join(f"{k} = {v!r}\n" for k, v in offer.items())
        for offer in OFFERS
    )
)
START_S = 1_700_000_000.0


def settings(**given) -> Settings:
    """Settings in which a visitor comes to several decisions within an hour."""
    return read_settings(None, **{"session_gap": "6m", "correction": "2h"} | given)


def log(seed: int = 1, visitors: int = 120, start_s: float = START_S, minutes: int = 60) -> list[dict]:
    """Events in the order of their times, ids unique."""
    rng = random.Random(seed)
    events = []
    for number in range(visitors):
        events += _visits(rng, f"v{number}", start_s, minutes * 60)
    events.sort(key=lambda event: (event["time"], event["id"]))
    return events


def account(visitor: str) -> str | None:
    """The account of every third visitor, shared with others: they are one person."""
    number = crc32(visitor.encode())
    return f"u{number % 31}" if number % 3 == 0 else None


def consent(visitor: str, visit: int) -> dict[str, bool]:
    """What a visitor says of offers as a visit begins: many agree, some refuse, a few change their minds."""
    number = crc32(visitor.encode())
    if number % 11 == 0:
        return {"email": visit % 2 == 0, "app": True}
    return {"email": number % 5 > 0, "app": number % 7 > 0} | ({"on_site": False} if number % 13 == 0 else {})


def _visits(rng, visitor, start_s, length_s):
    market = "uk" if rng.random() < 0.2 else "default"
    user, from_event = account(visitor), crc32(visitor.encode()) % 7 * 2

    def logged_in(events):
        """Who has an account is logged in at once or later on."""
        return {} if user is None or events < from_event else {"user_id": user}

    at_s = start_s + rng.random() * length_s * 0.6
    out = []

    def say(kind, **more):
        out.append(
            {
                "type": kind,
                "id": f"{visitor}-{len(out)}",
                "time": stamp(at_s),
                "visitor_id": visitor,
                "market": market,
                "device": rng.choice(["phone", "desk"]),
                **logged_in(len(out)),
            }
            | more
        )

    for visit in range(rng.randint(1, 3)):
        first = len(out)
        for _ in range(rng.randint(1, 6)):
            at_s += rng.expovariate(1 / 25)
            sku = f"s{rng.randint(0, 20)}"
            item = {"sku": sku, "price": round(rng.uniform(5, 60), 2), "quantity": rng.randint(1, 2)}
            pick = rng.random()
            if pick < 0.35:
                say("product_viewed", sku=sku, price=item["price"], category=f"c{len(sku)}")
            elif pick < 0.8:
                say("cart_item_added", items=[item])
            elif pick < 0.87:
                say("cart_item_removed", items=[{"sku": sku}])
            elif pick < 0.93:
                say("cart_updated", items=[item])
            else:
                say("checkout_started")
        out[first]["consent"] = consent(visitor, visit)
        if rng.random() < 0.35:
            at_s += rng.expovariate(1 / 120)
            say("order_completed", order_id=f"o-{visitor}-{len(out)}", items=[item])
        at_s += rng.choice([60, 200, 500, 900]) * rng.uniform(0.5, 1.5)
    return out


def stamp(at_s: float) -> str:
    return datetime.fromtimestamp(round(at_s, 3), UTC).isoformat().replace("+00:00", "Z")


def jumbled(events: list[dict], seed: int = 4) -> list[dict]:
    """The log as it may arrive: each event up to eight seconds late."""
    rng = random.Random(seed)
    return sorted(
        events, key=lambda event: datetime.fromisoformat(event["time"]).timestamp() + rng.uniform(0, 8)
    )


def with_feedback(events: list[dict], decided: Iterable[dict], seed: int = 3) -> list[dict]:
    """The log with what visitors did with some of the decisions taken on it."""
    rng = random.Random(seed)
    said = []
    for decision in decided:
        at_s = datetime.fromisoformat(decision["at"]).timestamp()
        for kind, share in (("offer_shown", 0.6), ("offer_clicked", 0.3), ("offer_redeemed", 0.2)):
            at_s += rng.uniform(5, 60)
            if rng.random() < share:
                said.append(
                    {"type": kind, "id": f"{kind}-{decision['decision_id']}", "time": stamp(at_s),
                     "visitor_id": decision["visitor_id"], "offer_id": decision["decision_id"]}
                )  # fmt: skip
    return sorted(events + said, key=lambda event: (event["time"], event["id"]))


def with_back_office(events: list[dict], seed: int = 6) -> list[dict]:
    """The log with what the shop's servers tell of its orders, without the visitor.

    Some orders are told by them alone, some again; some are refunded, cancelled or changed, now and then
    before they are told.
    """
    rng = random.Random(seed)
    out = []
    for event in events:
        if event["type"] != "order_completed":
            out.append(event)
            continue
        by_server = {name: what for name, what in event.items() if name not in ("visitor_id", "device")}
        out.append(by_server if "user_id" in event and rng.random() < 0.5 else event)
        out += _told_of_order(rng, event, by_server)
    return sorted(out, key=lambda event: (event["time"], event["id"]))


def _told_of_order(rng, event, by_server):
    at_s = datetime.fromisoformat(event["time"]).timestamp()
    items = event["items"]
    by_page = by_server | {"visitor_id": event["visitor_id"]}
    for number, (kind, share, more, later_s) in enumerate(
        (
            ("order_completed", 0.4, by_server, (0.5, 5.0)),
            ("order_completed", 0.2, by_page, (5.0, 1800.0)),
            ("order_refunded", 0.1, {}, (-2.0, 60.0, 2000.0)),
            ("order_refunded", 0.1, {"amount": 7.5}, (-2.0, 60.0, 2000.0)),
            ("order_refunded", 0.1, {"items": [{"sku": items[0]["sku"]}]}, (60.0, 2000.0)),
            ("order_cancelled", 0.1, {}, (-2.0, 60.0, 2000.0)),
            ("order_updated", 0.1, {"items": [*items, {"sku": "more", "price": 3.0}]}, (60.0, 2000.0)),
        )
    ):
        if rng.random() < share:
            about = {"market": event["market"], "order_id": event["order_id"]}
            when = {"id": f"{event['id']}-{number}", "time": stamp(at_s + rng.choice(later_s))}
            yield more | about | when | {"type": kind}


def messages(events: list[dict], parts: int = 1) -> dict[str, list[Message]]:
    """The log as source partitions: a visitor's events stay in one of them."""
    out = {f"log/{part:04d}": [] for part in range(parts)}
    for event in events:
        part = crc32((event.get("visitor_id") or event["id"]).encode()) % parts
        lane = out[f"log/{part:04d}"]
        lane.append(Message(orjson.dumps(event), topic="log", partition=part, offset=len(lane)))
    return out


def readers(chosen: Settings, shop: Shop = SHOP, *, ordered: bool = True):
    return reader_of(chosen, shop, lambda _topic: "native", None, ordered=ordered)


def plain(
    parts: dict[str, list[Message]], chosen: Settings | None = None, *, batch: int = 100
) -> list[OutputRecord]:
    """What the machines say of the log in a plain loop, in ordered mode, partitions taking turns."""
    return loop(parts, chosen, batch=batch)[0]


def loop(
    parts: dict[str, list[Message]],
    chosen: Settings | None = None,
    *,
    batch: int = 100,
    ordered: bool = True,
    now_s: float | None = None,
    **more,
) -> tuple[list[OutputRecord], InProcessDataflow]:
    """What the machines say of the log in a plain loop, read at ``now_s``, and the machines at its end."""
    chosen = chosen or settings()
    dataflow = InProcessDataflow(stations_of(chosen, SHOP, parts, Ledgers().of, ordered=ordered, **more))
    make = readers(chosen, ordered=ordered)
    lanes = {part: make(part, None) for part in parts}
    said = []
    for start in range(0, max(map(len, parts.values())), batch):
        for part, reader in lanes.items():
            said += dataflow.process(reader.read(parts[part][start : start + batch], now_s))[0]
    for reader in lanes.values():
        if now_s is not None:
            said += dataflow.process(reader.idle(now_s))[0]
    for reader in lanes.values():
        said += dataflow.process(reader.end())[0]
    return said, dataflow


def dataflow_of(
    parts: dict[str, list[Message]],
    chosen: Settings | None = None,
    *,
    batch: int = 100,
    ledgers: Ledgers | None = None,
    **more,
):
    """The dataflow over lists, in ordered mode: the dataflow, and its ends by name."""
    chosen, ledgers = chosen or settings(), ledgers or Ledgers()
    ends = {name: CollectSink() for name in chosen.output_topics}
    source = ListSource(parts, readers(chosen), batch=batch, **more)
    stations = stations_of(chosen, SHOP, source.list_parts(), ledgers.of, ordered=True)
    return build_dataflow(Edges(source, ends, DiscardSink(), DiscardSink()), stations), ends


def by_stream(said: Iterable[OutputRecord]) -> dict[str, list[tuple[str, bytes]]]:
    """Id and bytes of every record of a stream, market by market in the order in which they were said."""
    out = {"offers": [], "decisions": [], "rejected": []}
    for each in said:
        out[each.stream].append((each.id, each.value))
    return {stream: sorted(records) for stream, records in out.items()}


def records_in(said: Iterable[OutputRecord], *types: str) -> list[dict]:
    """The records of these types, in the order in which they were said."""
    return [orjson.loads(each.value) for each in said if each.type in types]


def decisions_in(said: Iterable[OutputRecord]) -> list[dict]:
    return records_in(said, "decision")
