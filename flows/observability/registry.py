"""The metrics as Prometheus reads them: values by label, and what a worker exposes, read back."""

import math
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from threading import Lock
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from flows.observability.metric_names import Metric

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
PACKAGES: Final = ("offerstream", "bytewax", "river", "confluent-kafka", "rocksdict")


class Samples:
    """A metric's values by label: a few times cheaper to add to than the client library's own."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.values: dict[tuple[str, ...], float] = {}
        self._lock = Lock()

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Add to one value, which is 0 before."""
        with self._lock:
            self.values[labels] = self.values.get(labels, 0.0) + by

    def family(self) -> Family:
        """Return the values as the client library has them."""
        _, name, help_, labels, _ = self.metric.value
        is_counter = self.metric.value.kind == "counter"
        family = (CounterMetricFamily if is_counter else GaugeMetricFamily)(name, help_, labels=labels)
        for values, value in self.values.copy().items():
            family.add_metric(values, value)
        return family


class Registry(Collector):
    """Every metric of the table, in a registry of its own; ``before_each_read`` sets what a clock decides."""

    def __init__(self, before_each_read: Callable[[], None]) -> None:
        self.prometheus = CollectorRegistry()
        self.samples = {each: Samples(each) for each in Metric if each.value.kind != "histogram"}
        self.histograms = {
            each: Histogram(
                each.value.name, each.value.help, buckets=each.value.buckets, registry=self.prometheus
            )
            for each in Metric
            if each.value.kind == "histogram"
        }
        self._before_each_read = before_each_read
        self._build = InfoMetricFamily("offerstream_build", "Versions of what runs")
        versions = {package.replace("-", "_"): version(package) for package in PACKAGES}
        self._build.add_metric((), {"python": platform.python_version()} | versions)
        self.prometheus.register(self)
        ProcessCollector(registry=self.prometheus)

    def collect(self) -> Iterator[Family]:
        """Return what Prometheus is given when it asks."""
        self._before_each_read()
        yield self._build
        for samples in self.samples.values():
            yield samples.family()


class Exposition:
    """What a worker exposes, read back: sums of samples by metric and labels."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def by(self, metric: Metric, label: str, **labels: str) -> dict[str, float]:
        """Return the sums of a metric by the values of one label, of the samples that have the others."""
        found: dict[str, float] = {}
        for sample in self._samples:
            if sample.name == metric.value.name and labels.items() <= sample.labels.items():
                key = sample.labels.get(label, "")
                found[key] = found.get(key, 0.0) + sample.value
        return found

    def total(self, metric: Metric, **labels: str) -> float:
        """Return the sum of a metric over all samples that have these labels."""
        return sum(self.by(metric, "", **labels).values())

    def one(self, metric: Metric, **labels: str) -> float | None:
        """Return the value of a metric; None where it is not exposed."""
        return next(iter(self.by(metric, "", **labels).values()), None)

    def cpu_s(self) -> float:
        """Return the processor time that the process has taken so far."""
        return sum(each.value for each in self._samples if each.name == "process_cpu_seconds_total")


_GREATEST: Final = frozenset(
    {
        Metric.WATERMARK_DELAY.value.name,
        Metric.WATERMARK_STALLED.value.name,
        Metric.EPOCH_AGE.value.name,
        Metric.EPOCH.value.name,
        Metric.STATE_DISK_SIZE.value.name,
        Metric.MEMORY_LIMIT.value.name,
        "offerstream_build_info",
        "process_max_fds",
    }
)
_LEAST: Final = frozenset(
    {Metric.STARTED.value.name, Metric.STATE_DISK_FREE.value.name, "process_start_time_seconds"}
)
"""All other metrics are sums over processes: of those with a market or a partition one has a value."""


def exposed_as_one(expositions: Iterable[str], own: Mapping[Metric, float]) -> bytes:
    """Return what several processes expose as one exposition, with what is known of all of them beside it."""
    families = {family.name: family for family in merged(expositions)}
    for metric, value in own.items():
        samples = Samples(metric)
        samples.values[()] = value
        family = samples.family()
        families[family.name] = family
    registry = CollectorRegistry()
    registry.register(_Families(list(families.values())))
    return generate_latest(registry)


def merged(expositions: Iterable[str]) -> list[Family]:
    r"""Return the metrics of several processes as those of one.

    >>> [family] = merged(["# TYPE a_total counter\na_total 1\n", "# TYPE a_total counter\na_total 2\n"])
    >>> [sample.value for sample in family.samples]
    [3]
    """
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], list[float]]] = {}
    known: dict[str, Family] = {}
    for text in expositions:
        for family in text_string_to_metric_families(text):
            known.setdefault(family.name, family)
            samples = values.setdefault(family.name, {})
            for sample in family.samples:
                samples.setdefault((sample.name, tuple(sample.labels.items())), []).append(sample.value)
    families = []
    for name, samples in values.items():
        family = Family(name, known[name].documentation, known[name].type)
        for (sample_name, labels), found in samples.items():
            family.add_sample(sample_name, dict(labels), _in_one(sample_name, found))
        families.append(family)
    return families


def _in_one(name: str, values: list[float]) -> float:
    if name in _GREATEST:
        return math.nan if any(map(math.isnan, values)) else max(values)
    return min(values) if name in _LEAST else sum(values)


class _Families(Collector):
    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Family]:
        yield from self._families
