"""Everything at once: an embedded broker, simulated shoppers, the worker and its live page."""

import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from flows.demo.browser import is_watched, opened
from flows.demo.incident import Planted
from flows.demo.left_behind import free_directory, leave_behind
from flows.demo.monitor import Monitor
from flows.demo.settings import OFFERS, DemoSettings
from flows.demo.snapshot import Snapshot
from flows.demo.view import View
from flows.demo.worker_process import running_worker
from flows.kafka.broker_process import EmbeddedBroker, free_port
from flows.kafka.cluster import Cluster
from flows.kafka.follow import TopicFollower
from flows.live_page.address import DEFAULT, Address, read_address
from flows.live_page.installed import check_installed
from flows.live_page.listening import listen
from flows.settings import Settings, read_settings
from flows.simulation.kafka_link import topics_of
from flows.simulation.process import SimulationProcess
from flows.simulation.settings import SimulationSettings
from flows.worker.topics_at_start import create_topics
from operators.simulation import DEMO_CARTS
from schemas.errors import SetupError

SNAPSHOT_EVERY_S: Final = 0.25


def demo(chosen: DemoSettings, view: View) -> Snapshot:
    """Run the demo and return its last snapshot; raises SetupError where a part of it does not start."""
    with ExitStack() as parts:
        directory = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="offerstream-demo-")))
        broker = parts.enter_context(EmbeddedBroker(directory=directory / "broker"))
        check_installed()
        settings = read_settings(
            bootstrap=broker.bootstrap, state=directory / "state", offers=OFFERS, partitions=4
        )
        cluster = Cluster(settings.bootstrap, f"{settings.group}-demo", settings.kafka_settings())
        create_topics(settings, cluster)
        address, log = _free_address(), directory / "worker.log"
        incident = None if chosen.incident is None else Planted.in_demo(chosen.seconds, chosen.speed)
        worker = parts.enter_context(running_worker(settings, free_port(), log, address))
        url = address.url()
        watched = chosen.browser and is_watched() and opened(url)
        view.begin(url, is_open=watched)
        follower = TopicFollower(cluster, (settings.topic_of("offers"), settings.topic_of("decisions")))
        parts.callback(follower.close)
        shoppers = parts.enter_context(SimulationProcess(_shoppers(settings, chosen, incident)))
        monitor = Monitor(worker, follower, shoppers, settings, incident)
        with view:
            with suppress(KeyboardInterrupt):
                while chosen.seconds is None or monitor.elapsed_s < chosen.seconds:
                    worker.check()
                    view.show(monitor.snapshot())
                    time.sleep(SNAPSHOT_EVERY_S)
            last = monitor.snapshot()
        seen = monitor.seen()
        shoppers.stop()
        worker.stop()
        out = free_directory(Path()) if chosen.out is None else chosen.out
        report = leave_behind(settings, cluster, out, log)
        view.finish(last, seen, report)
        return last


def _shoppers(settings: Settings, chosen: DemoSettings, incident: Planted | None) -> SimulationSettings:
    return SimulationSettings(
        settings.shop(),
        topics_of(settings),
        speed=chosen.speed,
        visits_per_hour=chosen.visits_per_hour,
        seed=chosen.seed,
        cart_share=DEMO_CARTS,
        seasons=False,
        broken_checkout=None if incident is None else incident.days,
    )


def _free_address() -> Address:
    """Return the usual address of the page, another port where that one is taken."""
    usual = read_address(DEFAULT)
    try:
        listen(usual).close()
    except SetupError:
        return usual._replace(port=free_port())
    return usual
