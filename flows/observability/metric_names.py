"""The one file that names what Prometheus reads: seconds and bytes, all names begin with ``offerstream_``."""

import platform
from collections.abc import Callable, Iterator
from importlib.metadata import version
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

LATENCY_BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
SEAL_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
QUALITY: Final = {
    "auc": "Rolling area under the ROC curve",
    "log_loss": "Rolling log loss in nats",
    "calibration_error": "Rolling expected calibration error",
    "base_rate": "Rolling share of carts abandoned",
    "outcomes": "Outcomes the model was judged by",
}
DIAGNOSIS: Final = {
    "choice_entropy": "Entropy of the arms drawn lately: 0 always the same, 1 all alike",
    "probability_entropy": "Mean entropy of the probabilities they were drawn from, 0 to 1",
    "policy_updates": "Lessons the policy was taught",
    "reward_silence_seconds": "Event time since an order was credited to a decision",
    "missed_rewards": "Orders that the offers since then should have brought, at the conversion so far",
    "no_eligible_arm_share": "Share of decisions lately that found no eligible arm",
    "holdout_share": "Share of units held out, in a sample of them",
    "holdout_p_value": "How well that fits the setting; may be looked at any time",
}
PACKAGES: Final = ("offerstream", "bytewax", "river", "confluent-kafka", "rocksdict")


class Series:
    """One name and its values by label: a few times cheaper to add to than the client library's own."""

    def __init__(self, kind: type[Metric], name: str, says: str, *labels: str) -> None:
        self.kind, self.name, self.says, self.labels = kind, f"offerstream_{name}", says, labels
        self.values: dict[tuple[str, ...], float] = {}
        self._lock = Lock()

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Add to one value; the first time it begins at 0."""
        with self._lock:
            self.values[labels] = self.values.get(labels, 0.0) + by

    def family(self) -> Metric:
        """What Prometheus is told."""
        family = self.kind(self.name, self.says, labels=self.labels)  # type: ignore[call-arg]
        for labels, value in self.values.copy().items():
            family.add_metric(labels, value)  # type: ignore[attr-defined]
        return family


class Names(Collector):
    """Every metric, in a registry of its own; ``before_each_look`` sets what a clock decides."""

    def __init__(self, before_each_look: Callable[[], None]) -> None:
        self.registry = registry = CollectorRegistry()
        self._before_each_look = before_each_look
        counter, gauge = CounterMetricFamily, GaugeMetricFamily
        self.events = Series(
            counter, "events_total", "Messages read, by what became of them", "topic", "outcome"
        )
        self.late_after_idle = Series(
            counter, "events_late_after_idle_total", "Those late behind a tick of the wall clock", "topic"
        )
        self.late_orders = Series(
            counter, "late_orders_total", "Those late that were orders, and passed on", "topic"
        )
        self.rejects = Series(counter, "rejects_total", "Messages sent to the rejected topic", "class")
        self.lag = Series(gauge, "lag_records", "Messages not read yet", "topic", "partition")
        self.paused = Series(
            gauge, "partition_paused", "1 while a partition waits for a slower one", "topic", "partition"
        )
        self.published = Series(
            counter, "records_published_total", "Records the broker acknowledged", "stream", "type"
        )
        self.decisions = Series(counter, "decisions_total", "Decisions, by the arm chosen", "market", "arm")
        self.rewards = Series(counter, "rewards_total", "Lessons learned, by kind", "market", "arm", "kind")
        self.profit = Series(
            gauge,
            "reward_profit",
            "Sum of profit in the market's currency; falls with losses",
            "market",
            "arm",
        )
        self.drifts = Series(
            counter, "drift_detected_total", "Figures of a model's world that moved", "market", "what"
        )
        self.quality = {
            name: Series(gauge, f"model_{name}", says, "market", "carts") for name, says in QUALITY.items()
        }
        self.diagnosis = {name: Series(gauge, name, says, "market") for name, says in DIAGNOSIS.items()}
        self.state = Series(gauge, "state_items", "What is held, in items", "kind")
        self.started = Series(gauge, "start_time_seconds", "When the worker started, seconds since 1970")
        self.watermark_delay = Series(
            gauge, "watermark_delay_seconds", "Wall clock less the least partition's tick"
        )
        self.watermark_stalled = Series(
            gauge, "watermark_stalled_seconds", "Time since the least partition's tick moved"
        )
        self.epoch_age = Series(gauge, "epoch_age_seconds", "Time since an epoch was sealed")
        self.series = [series for series in vars(self).values() if isinstance(series, Series)]
        self.series += [*self.quality.values(), *self.diagnosis.values()]
        self._build = InfoMetricFamily("offerstream_build", "Versions of what runs")
        self._build.add_metric(
            (),
            {"python": platform.python_version()}
            | {package.replace("-", "_"): version(package) for package in PACKAGES},
        )
        self.seals = Histogram(
            "offerstream_seal_seconds", "Time to seal an epoch", buckets=SEAL_BUCKETS_S, registry=registry
        )
        self.latency = Histogram(
            "offerstream_end_to_end_latency_seconds",
            "From the broker's timestamp of the causing event to the offer's acknowledgement",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        registry.register(self)
        ProcessCollector(registry=registry)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told when it asks."""
        self._before_each_look()
        yield self._build
        for series in self.series:
            yield series.family()


class Exposed:
    """What a worker exposes, read back: sums of samples by name and labels."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Return the sums of a metric by the values of one label, of the samples that have the others."""
        found: dict[str, float] = {}
        for sample in self._samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                key = sample.labels.get(label, "")
                found[key] = found.get(key, 0.0) + sample.value
        return found

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all samples that have these labels."""
        return sum(self.by(name, "", **labels).values())

    def one(self, name: str, **labels: str) -> float | None:
        """Return the value of a metric; None where it is not exposed."""
        return next(iter(self.by(name, "", **labels).values()), None)
