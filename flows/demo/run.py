"""Everything at once: an embedded broker, simulated shoppers and the worker, watched in one terminal."""

import math
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from flows.demo.snapshot import ArmFigures, Snapshot
from flows.demo.view import View
from flows.kafka.broker_process import EmbeddedBroker, free_port
from flows.kafka.cluster import Cluster
from flows.kafka.follow import TopicFollower
from flows.kafka.topics import ensure_topics
from flows.observability.metric_names import Metric
from flows.observability.registry import Exposition
from flows.settings import Settings, read_settings
from flows.simulation.kafka_link import places
from flows.simulation.process import Simulation
from flows.simulation.run import SimulationSettings
from operators.simulation import DEMO_CARTS
from schemas.errors import SetupError
from schemas.message import Message

OFFERS: Final = Path(__file__).with_name("offers.toml")
LOOK_EVERY_S: Final = 0.25
START_S: Final = 60.0
RECENT: Final = 6
CURVE_EVERY_S: Final = 2.0


class DemoSettings(NamedTuple):
    """How long the demo lasts (None: until Ctrl-C), how fast its time runs, how busy the shop is."""

    seconds: float | None = 60.0
    speed: float = 300.0
    visits_per_hour: float = 4000.0
    seed: int = 0


class Watched:
    """What the demo has seen so far in the topics: sums by arm and by group, and the latest offers.

    Bounded by the visitors of a demo, which are remembered to count each once.
    """

    def __init__(self) -> None:
        self.offers = 0
        self.recent: list[str] = []
        self.curve: list[float] = []
        self._decided: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._profit: dict[str, float] = {}
        self._visitors: dict[bool, set[str]] = {True: set(), False: set()}
        self._by_group: dict[bool, float] = {True: 0.0, False: 0.0}
        self._since = (0, 0.0)

    def saw(self, message: Message) -> None:
        """Take one record of the offers or the decisions topic."""
        record = orjson.loads(message.value or b"{}")
        match record.get("type"):
            case "decision":
                self._decided[record["arm"]] += 1
            case "reward":
                self._rewarded(record)
            case "offer.decided":
                self.offers += 1
                self.recent = [_in_words(record["data"]), *self.recent[: RECENT - 1]]
            case _:
                pass

    def _rewarded(self, reward: dict[str, Any]) -> None:
        arm, profit = reward["arm"], reward["profit"]
        self._ended[arm] += int(reward["kind"] == "window")
        self._profit[arm] = self._profit.get(arm, 0.0) + profit
        self._visitors[reward["holdout"]].add(reward["visitor_id"])
        self._by_group[reward["holdout"]] += profit
        count, total = self._since
        self._since = (count + int(reward["kind"] == "window"), total + profit)

    def bend(self) -> None:
        """Add a point to the learning curve: the mean reward since the last one."""
        count, total = self._since
        if count:
            self.curve.append(total / count)
            self._since = (0, 0.0)

    def into(self, now: Snapshot, true_values: dict[str, float]) -> Snapshot:
        """Return the snapshot with what was seen."""
        arms = {
            arm: ArmFigures(
                decided, _ratio(self._profit.get(arm, 0.0), self._ended[arm]), true_values.get(arm)
            )
            for arm, decided in self._decided.items()
        }
        return replace(
            now,
            decisions=self._decided.total(),
            offers=self.offers,
            arms=arms,
            reward=_ratio(sum(self._profit.values()), self._ended.total()),
            profit_treated=_ratio(self._by_group[False], len(self._visitors[False])),
            profit_holdout=_ratio(self._by_group[True], len(self._visitors[True])),
            curve=tuple(self.curve),
            recent=tuple(self.recent),
        )


def demo(chosen: DemoSettings, view: View) -> Snapshot:
    """Run the demo and return what was seen last; raises SetupError where a part of it does not start."""
    with ExitStack() as parts:
        directory = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="offerstream-demo-")))
        broker = parts.enter_context(EmbeddedBroker(directory=directory / "broker"))
        settings = read_settings(
            bootstrap=broker.bootstrap, state=directory / "state", offers=OFFERS, partitions=4
        )
        cluster = Cluster(settings.bootstrap, f"{settings.group}-demo", settings.kafka)
        outputs = (settings.offers_topic, settings.decisions_topic)
        ensure_topics(cluster, dict.fromkeys((*settings.input_topics, *outputs), settings.partitions))
        port = free_port()
        worker = parts.enter_context(_worker(settings, port, directory / "worker.log"))
        follower = TopicFollower(cluster, outputs)
        parts.callback(follower.close)
        shoppers = parts.enter_context(
            Simulation(
                SimulationSettings(
                    settings.shop(),
                    places(settings),
                    speed=chosen.speed,
                    visits_per_hour=chosen.visits_per_hour,
                    seed=chosen.seed,
                    cart_share=DEMO_CARTS,
                    seasons=False,
                )
            )
        )
        watch = _Watch(chosen, port, follower, shoppers)
        with view:
            with suppress(KeyboardInterrupt):
                while not watch.is_over():
                    if worker.poll() is not None:
                        raise SetupError(f"the worker ended: {_last_words(directory / 'worker.log')}")
                    view.show(watch.look())
                    time.sleep(LOOK_EVERY_S)
            last = watch.look()
        view.finish(last)
        return last


class _Watch:
    """Looks at the worker, the topics and the shoppers, and makes one snapshot of it."""

    def __init__(
        self, chosen: DemoSettings, port: int, follower: TopicFollower, shoppers: Simulation
    ) -> None:
        self._chosen = chosen
        self._port = port
        self._follower = follower
        self._shoppers = shoppers
        self._seen = Watched()
        self._began_s = self._bent_s = time.monotonic()
        self._began_at_s: float | None = None

    def is_over(self) -> bool:
        return self._chosen.seconds is not None and self._elapsed_s() >= self._chosen.seconds

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    def look(self) -> Snapshot:
        for message in self._follower.poll():
            self._seen.saw(message)
        if time.monotonic() >= self._bent_s + CURVE_EVERY_S:
            self._bent_s = time.monotonic()
            self._seen.bend()
        told = self._shoppers.counters()
        if self._began_at_s is None and told.at_s > 0:
            self._began_at_s = told.at_s
        metrics = _metrics(self._port)
        sums = told.treated.all
        events = metrics.total(Metric.EVENTS, outcome="processed")
        rejects = metrics.by(Metric.REJECTS, "class")
        base = metrics.one(Metric.MODEL_BASE_RATE, carts="untreated")
        now = Snapshot(
            elapsed_s=self._elapsed_s(),
            simulated_s=0.0 if self._began_at_s is None else told.at_s - self._began_at_s,
            events=int(events),
            events_per_s=events / max(self._elapsed_s(), 0.001),
            rejects={name: int(number) for name, number in rejects.items()},
            visitors=int(metrics.total(Metric.STATE_ITEMS, kind="visits")),
            carts=int(metrics.total(Metric.STATE_ITEMS, kind="carts")),
            auc=metrics.one(Metric.MODEL_AUC, carts="untreated"),
            log_loss=metrics.one(Metric.MODEL_LOG_LOSS, carts="untreated"),
            base_log_loss=None if base is None else _entropy(base),
            share_of_oracle=sums.share_of_oracle,
            behind_s=max(told.behind_s, 0.0),
        )
        count = max(sums.decisions, 1)
        return self._seen.into(now, {arm: total / count for arm, total in told.treated.fixed.items()})


def _metrics(port: int) -> Exposition:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return Exposition(answer.read().decode())
    except OSError:
        return Exposition("")


@contextmanager
def _worker(settings: Settings, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that has started, in a session of its own, so that Ctrl-C is the demo's to judge."""
    given = {"idle_time": "events", "epoch": "2s", "cooldown": "6h", "metrics_port": str(port)}
    command = [
        *(sys.executable, "-m", "flows.cli", "live", "--from", "earliest"),
        *("--bootstrap", settings.bootstrap, "--state", str(settings.state)),
        *("--offers", str(settings.offers)),
        *(word for name, value in given.items() for word in ("--set", f"{name}={value}")),
    ]
    with log.open("wb") as out:
        worker = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)  # noqa: S603  our own
    try:
        deadline_s = time.monotonic() + START_S
        while b": started" not in log.read_bytes():
            if worker.poll() is not None or time.monotonic() > deadline_s:
                raise SetupError(f"the worker did not start: {_last_words(log)}")
            time.sleep(LOOK_EVERY_S)
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-1000:].strip() or "it said nothing"


def _ratio(total: float, count: int) -> float | None:
    return total / count if count else None


def _entropy(share: float) -> float | None:
    if not 0.0 < share < 1.0:
        return None
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


def _in_words(offer: dict[str, Any]) -> str:
    treatment, cart = offer["treatment"], offer["cart"]
    return (
        f"{offer['at'][11:19]} {offer['visitor_id']}: {treatment['name']} by {treatment['channel']}, "
        f"cart {cart['value']:.2f} {cart['currency']}, abandonment {offer['abandonment']:.2f}, "
        f"propensity {offer['propensity']:.2f}"
    )
