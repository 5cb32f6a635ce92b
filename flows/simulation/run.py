"""Simulated shoppers in the world: they visit a shop on Kafka and react to its offers, or fill a file."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from flows.observability.log_events import LogEvent, tell
from flows.simulation.counters import Counters
from flows.simulation.kafka_link import KafkaLink
from flows.simulation.settings import DAY_S, SimulationSettings
from operators.simulation import World, WorldSettings
from schemas.errors import SetupError

log = logging.getLogger("offerstream.simulate")

TICK_S: Final = 0.02
STEP_S: Final = 0.1
REPORT_EVERY_S: Final = 0.25
BEHIND_S: Final = 1.0
WARN_EVERY_S: Final = 10.0
FILE_STEP_S: Final = 60.0

Report = Callable[[Counters], bool]
"""Takes the counters now and then; returns whether to go on."""


def simulate(settings: SimulationSettings, report: Report = lambda _: True) -> Counters:
    """Run the simulation to its end, until Ctrl-C, or until `report` returns False; return its counters.

    Ctrl-C before an end that was set raises KeyboardInterrupt. Raises SetupError where a file cannot be
    written, BrokerError where the broker does not answer or does not take the events.
    """
    counters = Counters(at_s=_starts_at_s(settings))
    world = World(settings.seed, _world_settings(settings, counters.at_s))
    try:
        if isinstance(settings.to, Path):
            with _opened(settings.to) as file:
                _log_start(settings)
                _to_file(settings, file, world, counters, report)
        else:
            link = KafkaLink(settings.to, world, counters)
            _log_start(settings)
            _to_kafka(settings, link, world, counters, report)
    except KeyboardInterrupt:
        tell(log, LogEvent.SHOPPERS_INTERRUPTED)
        if settings.seconds is not None:
            raise
    tell(log, LogEvent.SHOPPERS_DONE, events=counters.events, feedback=counters.feedback)
    return counters


def _starts_at_s(settings: SimulationSettings) -> float:
    """Return now; for a file so much earlier that it ends now, because events of the future are rejected."""
    if isinstance(settings.to, Path) and settings.seconds is not None:
        return time.time() - settings.simulated_s
    return time.time()


def _world_settings(settings: SimulationSettings, starts_at_s: float) -> WorldSettings:
    incident_s = None
    if settings.broken_checkout is not None:
        begins, ends = settings.broken_checkout
        incident_s = starts_at_s + begins * DAY_S, starts_at_s + ends * DAY_S
    return WorldSettings(
        offers=settings.shop.arms(settings.market),
        starts_at_s=starts_at_s,
        market=settings.market,
        visits_per_hour=settings.visits_per_hour,
        cart_share=settings.cart_share,
        seasons=settings.seasons,
        checkout_broken_s=incident_s,
    )


def _log_start(settings: SimulationSettings) -> None:
    tell(log, LogEvent.SHOPPERS_STARTED, market=settings.market, seed=settings.seed, speed=settings.speed)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise SetupError(f"{path} must be a file that can be written; got: {error.strerror}") from None


def _to_file(
    settings: SimulationSettings, file: BinaryIO, world: World, counters: Counters, report: Report
) -> None:
    ends_at_s = counters.at_s + settings.simulated_s
    while world.now_s < ends_at_s and report(counters):
        for event in world.events_until(min(world.now_s + FILE_STEP_S, ends_at_s)):
            file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
            counters.events += 1
        counters.at_s = world.now_s


def _to_kafka(
    settings: SimulationSettings, link: KafkaLink, world: World, counters: Counters, report: Report
) -> None:
    starts_at_s, began_s = world.now_s, time.monotonic()
    reported_s = warned_s = began_s
    try:
        while (now_s := time.monotonic()) - began_s < settings.real_s:
            if now_s - reported_s >= REPORT_EVERY_S:
                reported_s = now_s
                if not report(counters):
                    break
            due_s = starts_at_s + (now_s - began_s) * settings.speed
            link.send(world.events_until(min(due_s, world.now_s + STEP_S * settings.speed)))
            link.receive()
            counters.at_s, counters.behind_s = world.now_s, due_s - world.now_s
            behind_s = counters.behind_s / settings.speed
            if behind_s > BEHIND_S and now_s - warned_s >= WARN_EVERY_S:
                warned_s = now_s
                tell(log, LogEvent.SHOPPERS_BEHIND, seconds=behind_s)
            if counters.behind_s <= 0:
                time.sleep(max(TICK_S - (time.monotonic() - now_s), 0.0))
    finally:
        link.close()
    report(counters)
