"""The simulated shoppers of a backtest: the same for every policy."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import Field, ValidationError

from flows.settings import Settings
from flows.simulation.settings import MAX_VISITS_PER_HOUR
from operators.simulation import DEMO_CARTS, World, WorldSettings
from schemas.errors import SetupError, setup_message
from schemas.events import EARLIEST, Name
from schemas.rules import FileModel

LATEST_S: Final = 1e10
COUNT_EVERY_S: Final = 60.0


class Shoppers(FileModel):
    """What a file of shoppers may contain; the defaults are the dense world of the demo."""

    market: Name = "default"
    visits_per_hour: float = Field(3000.0, gt=0, le=MAX_VISITS_PER_HOUR)
    cart_share: float = Field(DEMO_CARTS, gt=0, le=1)
    seasons: bool = False
    products: int = Field(240, ge=8, le=100_000)
    starts_at_s: float = Field(1_767_225_600.0, ge=EARLIEST.timestamp(), le=LATEST_S)


class WorldLength(NamedTuple):
    """How long shoppers come: until this many have come, or until this many have left a cart to decide on."""

    visitors: int | None = None
    decisions: int | None = None


def shoppers_of(where: str) -> Shoppers:
    """Return the shoppers of ``default`` or of a TOML file; SetupError for a file that cannot be read."""
    if where == "default":
        return Shoppers()
    try:
        return Shoppers.model_validate(tomllib.loads(Path(where).read_text(encoding="utf-8")))
    except OSError as error:
        raise SetupError(
            f"the shoppers must be `default` or a TOML file; got {where!r}: {error.strerror}"
        ) from None
    except ValidationError as error:
        raise SetupError(f"{where}: {setup_message(error)}") from None
    except ValueError as error:
        raise SetupError(f"{where} must be TOML in UTF-8; got: {error}") from None


def world_of(shoppers: Shoppers, settings: Settings, length: WorldLength) -> WorldSettings:
    """Return the world that ends so that it has the length; it is the same for every policy.

    Raises SetupError for a market that the offers file does not have.
    """
    shop = settings.shop()
    if shoppers.market not in shop.markets:
        known = ", ".join(shop.markets)
        raise SetupError(f"the market of the shoppers must be one of {known}; got {shoppers.market!r}")
    chosen = shoppers.model_dump(exclude={"market"})
    endless = WorldSettings(shop.arms(shoppers.market), market=shoppers.market, **chosen)
    ends_at_s = _ends_at_s(World(settings.seed, endless), length)
    return dataclasses.replace(endless, ends_at_s=ends_at_s)


def _ends_at_s(world: World, length: WorldLength) -> float:
    carts: set[str] = set()
    while len(carts) < (length.decisions or 0) or world.people < (length.visitors or 0):
        world.events_until(world.next_s if length.decisions is None else world.now_s + COUNT_EVERY_S)
        carts.update(cart.id for cart in world.carts())
    return world.now_s
