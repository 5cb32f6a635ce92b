"""What the worker knows about one visitor, read from its state directory while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson

from flows.settings import Settings
from flows.stores.features import read_visitor
from flows.stores.ledger import read_decisions
from operators.decisions.ledger import read_entry
from operators.sessions.features import features
from operators.sessions.visit import Visit
from schemas.errors import DataError, OfferstreamError, SetupError
from schemas.records import Timestamp
from schemas.shop import Market


def visitor(settings: Settings, market_name: str, visitor_id: str) -> dict[str, Any]:
    """Return a visitor's features, cart, scores and decisions; raises DataError where nothing is known."""
    markets = settings.shop().markets
    market = markets.get(market_name)
    if market is None:
        raise SetupError(f"the market must be one of {', '.join(markets)}; got {market_name!r}")
    if not (settings.state / "features").is_dir():
        raise SetupError(f"the state must be a directory that the worker wrote; got {str(settings.state)!r}")
    pseudonyms = settings.pseudonyms()
    if pseudonyms is not None:
        visitor_id = pseudonyms.of("visitor", visitor_id)
    with _readable(settings.state):
        rows = read_visitor(settings.state / "features", market_name, visitor_id)
        decided = read_decisions(settings.state / "ledger", market_name, visitor_id)
        if not rows and not decided:
            raise DataError(f"nothing is known about visitor {visitor_id!r} in market {market_name!r}")
        return {
            "visitor_id": visitor_id,
            "market": market_name,
            **_visit(rows.pop("visit", None), market),
            "scores": [orjson.loads(row) for row in rows.values()],
            "decisions": [orjson.loads(read_entry(entry).decided) for entry in decided],
        }


@contextmanager
def _readable(state: Path) -> Iterator[None]:
    """Turn errors of a store that is broken or of another version into a DataError."""
    try:
        yield
    except OfferstreamError:
        raise
    except Exception as error:
        # RocksDB's errors have no type of their own
        if isinstance(error, ValueError | msgspec.MsgspecError) or type(error) is Exception:
            raise DataError(f"the state in {state} cannot be read: {error}") from error
        raise


def _visit(row: bytes | None, market: Market) -> dict[str, Any]:
    if row is None:
        return {"visit": None, "features": None, "cart": None}
    visit = msgspec.msgpack.decode(row, type=Visit)
    cart = visit.cart
    return {
        "visit": {"started_at": str(Timestamp(visit.started_s)), "last_at": str(Timestamp(visit.last_s))},
        "features": features(visit, "asked", visit.last_s, ZoneInfo(market.timezone)),
        "cart": None
        if cart is None
        else {
            "id": cart.id,
            "value": cart.value,
            "currency": market.currency,
            "items": [msgspec.structs.asdict(line) for line in cart.lines.values()],
            "lines_left_out": cart.content.lines_left_out,
            "partial": cart.content.partial,
        },
    }
