"""Everything at once in one terminal: an embedded broker, simulated shoppers and the worker."""

import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from flows.demo.monitor import Monitor
from flows.demo.settings import OFFERS, DemoSettings
from flows.demo.snapshot import Snapshot
from flows.demo.view import View
from flows.demo.worker_process import running_worker
from flows.kafka.broker_process import EmbeddedBroker, free_port
from flows.kafka.cluster import Cluster
from flows.kafka.follow import TopicFollower
from flows.settings import read_settings
from flows.simulation.kafka_link import topics_of
from flows.simulation.process import SimulationProcess
from flows.simulation.settings import SimulationSettings
from flows.worker.topics_at_start import create_topics
from operators.simulation import DEMO_CARTS

SNAPSHOT_EVERY_S: Final = 0.25


def demo(chosen: DemoSettings, view: View) -> Snapshot:
    """Run the demo and return its last snapshot; raises SetupError where a part of it does not start."""
    with ExitStack() as parts:
        directory = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="offerstream-demo-")))
        broker = parts.enter_context(EmbeddedBroker(directory=directory / "broker"))
        settings = read_settings(
            bootstrap=broker.bootstrap, state=directory / "state", offers=OFFERS, partitions=4
        )
        shoppers = SimulationSettings(
            settings.shop(),
            topics_of(settings),
            speed=chosen.speed,
            visits_per_hour=chosen.visits_per_hour,
            seed=chosen.seed,
            cart_share=DEMO_CARTS,
            seasons=False,
        )
        cluster = Cluster(settings.bootstrap, f"{settings.group}-demo", settings.kafka_settings())
        outputs = (settings.topic_of("offers"), settings.topic_of("decisions"))
        create_topics(settings, cluster)
        worker = parts.enter_context(running_worker(settings, free_port(), directory / "worker.log"))
        follower = TopicFollower(cluster, outputs)
        parts.callback(follower.close)
        monitor = Monitor(worker, follower, parts.enter_context(SimulationProcess(shoppers)))
        with view:
            with suppress(KeyboardInterrupt):
                while chosen.seconds is None or monitor.elapsed_s < chosen.seconds:
                    worker.check()
                    view.show(monitor.snapshot())
                    time.sleep(SNAPSHOT_EVERY_S)
            last = monitor.snapshot()
        view.finish(last)
        return last
