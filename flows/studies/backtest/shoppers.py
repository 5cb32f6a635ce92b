"""The simulated shoppers of a backtest: the same for every policy, and they react to its offers."""

import dataclasses
import math
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from pydantic import Field, ValidationError

from flows.assembly import reader_of, stations_of
from flows.files.jsonl import LineFiles
from flows.files.sorting import sort_files
from flows.local.in_process import InProcessDataflow
from flows.settings import Settings
from flows.simulation.settings import MAX_VISITS_PER_HOUR
from flows.stores.ledger import Ledgers
from flows.studies.summary import RunSummary
from operators.simulation import DEMO_CARTS, World, WorldSettings
from operators.streaming.messages import OutputRecord, ShardBatch
from schemas.errors import SetupError, setup_message
from schemas.events import EARLIEST, Name
from schemas.message import Message
from schemas.shop import FileModel

PART: Final = "shoppers/0000"
TRUTH: Final = "truth.jsonl"
LATEST_S: Final = 1e10
STEP_S: Final = 30.0
"""Shoppers hear of offers so often, in event time; none comes back to a cart as soon."""

COUNTED_EVERY_S: Final = 60.0


class Shoppers(FileModel):
    """What a file of ``--shoppers`` may say; left out, the dense world of the demo."""

    market: Name = "default"
    visits_per_hour: float = Field(3000.0, gt=0, le=MAX_VISITS_PER_HOUR)
    cart_share: float = Field(DEMO_CARTS, gt=0, le=1)
    seasons: bool = False
    products: int = Field(240, ge=8, le=100_000)
    starts_at_s: float = Field(1_767_225_600.0, ge=EARLIEST.timestamp(), le=LATEST_S)


class Length(NamedTuple):
    """How long shoppers come: until so many have come, or until so many have left a cart to be decided."""

    visitors: int | None = None
    decisions: int | None = None


def shoppers_of(where: str) -> Shoppers:
    """Return the shoppers of ``default`` or of a TOML file; SetupError for what cannot be read."""
    if where == "default":
        return Shoppers()
    try:
        return Shoppers.model_validate(tomllib.loads(Path(where).read_text(encoding="utf-8")))
    except OSError as error:
        raise SetupError(
            f"--shoppers must be `default` or a TOML file; got {where!r}: {error.strerror}"
        ) from None
    except ValidationError as error:
        raise SetupError(f"{where}: {setup_message(error)}") from None
    except ValueError as error:
        raise SetupError(f"{where} must be TOML in UTF-8; got: {error}") from None


def world_of(shoppers: Shoppers, settings: Settings, length: Length) -> WorldSettings:
    """Return the world, which ends so that it has the length; the same for every policy.

    Raises SetupError for a market that the offers file does not have.
    """
    shop = settings.shop()
    if shoppers.market not in shop.markets:
        known = ", ".join(shop.markets)
        raise SetupError(f"market of --shoppers must be one of {known}; got {shoppers.market!r}")
    said = shoppers.model_dump(exclude={"market"})
    endless = WorldSettings(shop.arms(shoppers.market), market=shoppers.market, **said)
    ends_at_s = _ends_at_s(World(settings.seed, endless), length)
    return dataclasses.replace(endless, ends_at_s=ends_at_s)


def _ends_at_s(world: World, length: Length) -> float:
    carts: set[str] = set()
    while len(carts) < (length.decisions or 0) or world.people < (length.visitors or 0):
        world.until(world.next_s if length.decisions is None else world.now_s + COUNTED_EVERY_S)
        carts.update(cart.id for cart in world.carts())
    return world.now_s


def shop_in(world: World, settings: Settings, out: Path) -> dict[str, Any]:
    """Let the shoppers meet the page, write what it says into ``out`` as a replay does; return the summary.

    ``truth.jsonl`` says beside it, of each decision, the exact expected profit of the arm that was chosen,
    of the best one and of no offer.
    """
    settings = settings.model_copy(update={"idle_time": "events"})  # simulated time is not that of the wall
    summary = RunSummary()
    reader = reader_of(settings, settings.shop(), settings.format_of, None, ordered=True)(PART, None)
    summary.include(reader)
    page = InProcessDataflow(stations_of(settings, settings.shop(), [PART], Ledgers().of, ordered=True))
    files = {stream: LineFiles(out, stream) for stream in ("offers", "decisions", "rejected")}

    def publish(items: Sequence[ShardBatch | OutputRecord]) -> None:
        said, _ = page.process(items)
        for stream, file in files.items():
            file.write(each for each in said if each.stream == stream)
        truths.writelines(_truths(world, said))
        _tell(world, said)

    with (out / TRUTH).open("wb") as truths:
        for messages in _batches(world, settings):
            publish(reader.read(messages, None))
            publish(reader.idle(world.now_s))
        publish(reader.end())
    sort_files(out)
    summary.measure([(name, market.figures()) for name, market in page.markets.items()])
    return summary.write(out, settings.shop())


def _batches(world: World, settings: Settings) -> Iterator[list[Message]]:
    """Batches of what happens, empty ones too: time that passes lets carts become idle."""
    settled_s = (settings.idle_after + 2 * settings.lateness).total_seconds() + STEP_S
    offset, busy_until_s = 0, -math.inf
    while math.isfinite(world.next_s):
        next_s = world.now_s if world.now_s < busy_until_s else world.next_s
        events = world.until(max(world.now_s + STEP_S, next_s))
        if events:
            busy_until_s = world.now_s + settled_s
        yield [
            Message(orjson.dumps(each), None, (), "shoppers", 0, offset + n) for n, each in enumerate(events)
        ]
        offset += len(events)


def _tell(world: World, said: Sequence[OutputRecord]) -> None:
    for each in said:
        if each.type == "offer.decided":
            world.offered(orjson.loads(each.value)["data"])
        elif each.type == "offer.revoked":
            world.revoked(orjson.loads(each.value)["data"]["offer_id"])


def _truths(world: World, said: Sequence[OutputRecord]) -> Iterator[bytes]:
    for each in said:
        if each.type != "decision":
            continue
        decision = orjson.loads(each.value)
        cart = world.cart(decision["visitor_id"])
        if cart is not None and cart.id == decision["cart_id"]:
            values = world.true_values(cart)
            truth = {
                "type": "truth",
                "decision_id": decision["decision_id"],
                "market": decision["market"],
                "at": decision["at"],
                "arm": decision["arm"],
                "holdout": decision["holdout"],
                "value": values.get(decision["arm"], values["no_offer"]),
                "best": max(values.values()),
                "no_offer": values["no_offer"],
            }
            yield orjson.dumps(truth, option=orjson.OPT_APPEND_NEWLINE)
