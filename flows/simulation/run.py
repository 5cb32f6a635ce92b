"""Simulated shoppers in the world: they visit a shop on Kafka and react to its offers, or fill a file."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from flows.simulation.kafka_link import Counters, Places, Wire
from operators.simulation import SHOP_CARTS, World, WorldSettings
from schemas.errors import SetupError
from schemas.shop import Shop

log = logging.getLogger("offerstream.simulate")

TICK_S: Final = 0.02
STEP_S: Final = 0.1
REPORT_EVERY_S: Final = 0.25
BEHIND_S: Final = 1.0
SAY_EVERY_S: Final = 10.0
FILE_STEP_S: Final = 60.0
DAY_S: Final = 86_400.0
MOST_VISITS: Final = 1_000_000
MOST_YEARS: Final = 20
"""A file ends now, and no event is taken of a time long ago."""


@dataclass(frozen=True)
class SimulationSettings:
    """How busy the shop is, how fast its time runs, and where its events go.

    ``speed`` is in simulated seconds per second, ``visits_per_hour`` in simulated hours. Where ``to`` is a
    file, events are written as fast as possible and nobody reacts to offers. ``broken_checkout`` are the days
    after the start, from and to, on which no order comes through. It ends after ``seconds`` of
    real time, for a file after as much simulated time as they stand for; None: not by itself.
    """

    shop: Shop
    to: Places | Path
    market: str = "default"
    seed: int = 0
    speed: float = 1.0
    visits_per_hour: float = 600.0
    cart_share: float = SHOP_CARTS
    seasons: bool = True
    seconds: float | None = None
    broken_checkout: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Raise SetupError for what cannot be simulated."""
        if self.market not in self.shop.markets:
            known = ", ".join(self.shop.markets)
            raise SetupError(f"market must be one of {known}; got {self.market!r}")
        for name in ("speed", "visits_per_hour"):
            if not 0 < getattr(self, name) < float("inf"):
                raise SetupError(f"{name} must be a number above 0; got {getattr(self, name)!r}")
        if self.visits_per_hour > MOST_VISITS:
            raise SetupError(f"visits_per_hour must be at most {MOST_VISITS:,}; got {self.visits_per_hour!r}")
        if self.seconds is not None and not self.seconds >= 0:
            raise SetupError(f"seconds must be a number from 0; got {self.seconds!r}")
        if isinstance(self.to, Path) and (self.seconds or 0.0) * self.speed > MOST_YEARS * 365 * DAY_S:
            raise SetupError(
                f"seconds, at that speed, must be at most {MOST_YEARS} years of a file; got {self.seconds!r}"
            )
        if self.broken_checkout is not None and not 0 <= self.broken_checkout[0] < self.broken_checkout[1]:
            raise SetupError(
                f"broken_checkout must be two days, the first before the second; got {self.broken_checkout!r}"
            )
        if not 0 < self.cart_share <= 1:
            raise SetupError(f"cart_share must be above 0 and at most 1; got {self.cart_share!r}")


def simulate(settings: SimulationSettings, report: Callable[[Counters], bool] = lambda _: True) -> Counters:
    """Let shoppers shop until ``seconds`` are over, Ctrl-C, or `report`, asked now and then, says False.

    Raises SetupError where the broker does not answer or does not take the events.
    """
    counters = Counters(at_s=_starts_s(settings))
    world = World(
        settings.seed,
        WorldSettings(
            offers=settings.shop.arms(settings.market),
            starts_at_s=counters.at_s,
            market=settings.market,
            visits_per_hour=settings.visits_per_hour,
            cart_share=settings.cart_share,
            seasons=settings.seasons,
            checkout_broken_s=_incident_s(settings, counters.at_s),
        ),
    )
    log.info("shoppers of %s: seed %d, speed %g", settings.market, settings.seed, settings.speed)
    try:
        if isinstance(settings.to, Path):
            _to_file(settings, settings.to, world, counters, report)
        else:
            _to_kafka(settings, Wire(settings.to, world, counters), world, counters, report)
    except KeyboardInterrupt:
        log.info("shoppers interrupted")
        if settings.seconds is not None:  # before the end that was asked for
            raise
    log.info("shoppers: %d events, %d reactions to offers", counters.events, counters.feedback)
    return counters


def _incident_s(settings: SimulationSettings, starts_s: float) -> tuple[float, float] | None:
    if settings.broken_checkout is None:
        return None
    begins, ends = settings.broken_checkout
    return starts_s + begins * DAY_S, starts_s + ends * DAY_S


def _starts_s(settings: SimulationSettings) -> float:
    """Now; for a file so much earlier that it ends now: a replay takes no event of the future."""
    if isinstance(settings.to, Path) and settings.seconds is not None:
        return time.time() - settings.seconds * settings.speed
    return time.time()


def _to_file(
    settings: SimulationSettings,
    path: Path,
    world: World,
    counters: Counters,
    report: Callable[[Counters], bool],
) -> None:
    ends_s = counters.at_s + _seconds(settings) * settings.speed
    try:
        file = path.open("wb")
    except OSError as error:
        raise SetupError(f"{path} must be a file that can be written; got: {error.strerror}") from None
    with file:
        while world.now_s < ends_s and report(counters):
            for event in world.until(min(world.now_s + FILE_STEP_S, ends_s)):
                file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
                counters.events += 1
            counters.at_s = world.now_s


def _to_kafka(
    settings: SimulationSettings,
    wire: Wire,
    world: World,
    counters: Counters,
    report: Callable[[Counters], bool],
) -> None:
    starts_s, begun_s = world.now_s, time.monotonic()
    reported_s = said_s = begun_s
    try:
        while (now_s := time.monotonic()) - begun_s < _seconds(settings):
            if now_s - reported_s >= REPORT_EVERY_S:
                reported_s = now_s
                if not report(counters):
                    break
            due_s = starts_s + (now_s - begun_s) * settings.speed
            wire.send(world.until(min(due_s, world.now_s + STEP_S * settings.speed)))
            wire.hear()
            counters.at_s, counters.behind_s = world.now_s, due_s - world.now_s
            behind_s = counters.behind_s / settings.speed
            if behind_s > BEHIND_S and now_s - said_s >= SAY_EVERY_S:
                said_s = now_s
                log.warning("shoppers are %.1f s behind; lower --speed or --visits-per-hour", behind_s)
            if counters.behind_s <= 0:
                time.sleep(max(TICK_S - (time.monotonic() - now_s), 0.0))
    finally:
        wire.close()
    report(counters)


def _seconds(settings: SimulationSettings) -> float:
    return float("inf") if settings.seconds is None else settings.seconds
