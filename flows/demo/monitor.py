"""One snapshot after the other of a running demo: of its worker, its topics and its shoppers."""

import math
import time
from typing import Final

from flows.demo.incident import Planted
from flows.demo.snapshot import Snapshot
from flows.demo.topic_sums import TopicSums
from flows.demo.worker_process import WorkerProcess
from flows.kafka.follow import TopicFollower
from flows.live_page.state.page_state import PageState
from flows.live_page.view.seen import Seen, horizon_of
from flows.live_page.worker_figures import WorkerFigures
from flows.observability.metric_names import Metric
from flows.observability.registry import Exposition
from flows.settings import Settings
from flows.simulation.process import SimulationProcess

CURVE_POINT_S: Final = 2.0
MARKET: Final = "default"


class Monitor:
    """Collects what is known of a demo from its beginning on; ``incident`` is what was planted in it."""

    def __init__(
        self,
        worker: WorkerProcess,
        follower: TopicFollower,
        shoppers: SimulationProcess,
        settings: Settings,
        incident: Planted | None = None,
    ) -> None:
        self._worker = worker
        self._follower = follower
        self._shoppers = shoppers
        self._incident = incident
        self._state = PageState(settings.shop(), settings.check_shop)
        self._metrics = Exposition("")
        self._sums = TopicSums()
        self._began_s = self._curve_point_s = time.monotonic()
        self._simulation_began_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began_s

    def snapshot(self) -> Snapshot:
        """Return what is known now."""
        for message in self._follower.poll():
            self._sums.add(message)
            self._state.add_output(message)
        if time.monotonic() >= self._curve_point_s + CURVE_POINT_S:
            self._curve_point_s = time.monotonic()
            self._sums.add_curve_point()
        counters = self._shoppers.counters()
        if self._simulation_began_s is None and counters.at_s > 0:
            self._simulation_began_s = counters.at_s
        begun_s = counters.at_s if self._simulation_began_s is None else self._simulation_began_s
        metrics = self._metrics = self._worker.metrics()
        events = metrics.total(Metric.EVENTS, outcome="processed")
        base_rate = metrics.one(Metric.MODEL_BASE_RATE, carts="untreated")
        snapshot = Snapshot(
            elapsed_s=self.elapsed_s,
            simulated_s=counters.at_s - begun_s,
            events=int(events),
            events_per_s=events / max(self.elapsed_s, 0.001),
            rejects={name: int(number) for name, number in metrics.by(Metric.REJECTS, "class").items()},
            visitors=int(metrics.total(Metric.STATE_ITEMS, kind="visits")),
            carts=int(metrics.total(Metric.STATE_ITEMS, kind="carts")),
            auc=metrics.one(Metric.MODEL_AUC, carts="untreated"),
            log_loss=metrics.one(Metric.MODEL_LOG_LOSS, carts="untreated"),
            base_log_loss=None if base_rate is None else entropy(base_rate),
            share_of_oracle=counters.treated.all.share_of_oracle,
            behind_s=max(counters.behind_s, 0.0),
            incident=self._incident_words(counters.at_s),
        )
        count = max(counters.treated.all.decisions, 1)
        true_values = {arm: total / count for arm, total in counters.treated.fixed.items()}
        return self._sums.fill(snapshot, true_values)

    def seen(self) -> Seen:
        """Return the market as the page shows it."""
        market = self._state.markets[MARKET]
        lift = market.lift.lift(MARKET, horizon_of(self._state.shop, MARKET))
        return Seen(self._state, MARKET, WorkerFigures(self._metrics), lift)

    def _incident_words(self, now_s: float) -> str:
        incident, began_s = self._incident, self._simulation_began_s
        if incident is None or began_s is None or now_s < began_s + incident.after_s:
            return ""
        drifts = self._state.markets[MARKET].model.drifts
        return incident.words(incident.noticed(drifts, began_s), began_s)


def entropy(share: float) -> float | None:
    """Return the log loss of always predicting the base rate; None where it is zero or one.

    >>> round(entropy(0.5), 4), entropy(1.0)
    (0.6931, None)
    """
    if not 0.0 < share < 1.0:
        return None
    return -share * math.log(share) - (1 - share) * math.log(1 - share)
