"""What Prometheus reads of the worker: counters that never fall, delays by an injected clock."""

import math
from datetime import timedelta

import msgspec
import pytest
from prometheus_client import generate_latest

from flows.observability.metrics import Metrics
from flows.observability.resources import memory_limit
from operators.ingest.counts import Counts
from operators.streaming.messages import OutputRecord
from tests.flows.observability.fakes import Clock

PART = "shop.events/3"


@pytest.fixture
def clock():
    return Clock(1_000.0)


@pytest.fixture
def metrics(clock):
    return Metrics(clock, clock)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.prometheus.get_sample_value(f"offerstream_{name}", labels)


def outcome(metrics: Metrics, name: str) -> float | None:
    return value(metrics, "events_total", topic="shop.events", outcome=name)


def record(
    stream: str, type_: str, *, since_s: float | None = None, headers=(), **fields: object
) -> OutputRecord:
    return OutputRecord(stream, type_, "v1", "id1", msgspec.json.encode(fields), headers, since_s)


def test_events_are_counted_by_outcome(metrics):
    metrics.opened(PART, Counts())
    metrics.read(PART, Counts(read=10, processed=7, duplicate=2, rejected=1))
    metrics.read(PART, Counts(read=14, processed=11, duplicate=2, rejected=1))
    counted = [outcome(metrics, name) for name in ("processed", "duplicate", "rejected")]
    assert counted == [11, 2, 1]


def test_what_is_late_or_clamped_has_metrics_beside_the_outcomes(metrics):
    metrics.read(PART, Counts(read=5, processed=5, late=3, late_after_idle=2, late_orders=1, clamped=4))
    assert outcome(metrics, "processed") == 5
    assert value(metrics, "events_late_total", topic="shop.events") == 3
    assert value(metrics, "events_clamped_total", topic="shop.events") == 4
    assert value(metrics, "events_late_after_idle_total", topic="shop.events") == 2
    assert value(metrics, "late_orders_total", topic="shop.events") == 1


def test_records_are_counted_apart_from_their_events(metrics):
    metrics.read(PART, Counts(read=3, taken=2, records_rejected=1, events=9, processed=7, rejected=2))
    found = {
        name: value(metrics, "records_read_total", topic="shop.events", outcome=name)
        for name in ("taken", "rejected")
    }
    assert found == {"taken": 2, "rejected": 1}


def test_what_is_odd_is_counted_by_field_and_by_event(metrics):
    metrics.read(PART, Counts(read=9, processed=9, partial=4, ignored=2))
    assert value(metrics, "events_partial_total", topic="shop.events") == 4
    assert value(metrics, "events_ignored_total", topic="shop.events") == 2
    metrics.dropped(PART, {"device": 2})
    metrics.dropped(PART, {"device": 3, "items.price": 1})
    metrics.opened(PART, Counts())
    metrics.dropped(PART, {"device": 1})
    assert value(metrics, "fields_dropped_total", topic="shop.events", field="device") == 4
    assert value(metrics, "fields_dropped_total", topic="shop.events", field="items.price") == 1


def test_what_a_partition_counted_before_a_restart_is_not_counted_again(metrics):
    metrics.opened(PART, Counts(read=900, processed=900))
    metrics.read(PART, Counts(read=905, processed=905))
    assert outcome(metrics, "processed") == 5


def test_counts_that_are_changed_in_place_are_still_compared(metrics):
    counts = Counts()
    metrics.opened(PART, counts)
    counts.processed = 4
    metrics.read(PART, counts)
    assert outcome(metrics, "processed") == 4


def test_a_counter_never_falls_when_a_partition_rewinds(metrics):
    metrics.read(PART, Counts(processed=10))
    metrics.read(PART, Counts(processed=2))
    metrics.read(PART, Counts(processed=5))
    assert outcome(metrics, "processed") == 13


def test_the_partitions_of_a_topic_add_up(metrics):
    metrics.read("shop.events/0", Counts(processed=4))
    metrics.read("shop.events/1", Counts(processed=5))
    assert outcome(metrics, "processed") == 9


def test_the_watermark_is_that_of_the_slowest_partition(metrics, clock):
    metrics.opened("shop.events/0", Counts())
    metrics.opened("shop.events/1", Counts())
    metrics.progress.advanced("shop.events/0", 990.0)
    assert math.isnan(value(metrics, "watermark_delay_seconds"))
    metrics.progress.advanced("shop.events/1", 980.0)
    clock.now_s = 1_005.0
    assert value(metrics, "watermark_delay_seconds") == 25.0
    assert metrics.progress.slowest() == "shop.events/1"


def test_a_watermark_that_stands_still_is_stalled_until_it_moves(metrics, clock):
    metrics.opened(PART, Counts())
    metrics.progress.advanced(PART, 500.0)
    clock.now_s += 30.0
    metrics.progress.advanced(PART, 500.0)
    assert value(metrics, "watermark_stalled_seconds") == 30.0
    metrics.progress.advanced(PART, 501.0)
    assert value(metrics, "watermark_stalled_seconds") == 0.0


def test_a_closed_partition_does_not_hold_the_watermark_back(metrics):
    for part in ("shop.events/0", "shop.events/1"):
        metrics.opened(part, Counts())
        metrics.lags(part, 7)
        metrics.paused(part, waits=True)
    metrics.progress.advanced("shop.events/0", 990.0)
    metrics.closed("shop.events/1")
    assert value(metrics, "watermark_delay_seconds") == 10.0
    assert value(metrics, "lag_records", topic="shop.events", partition="1") is None
    assert value(metrics, "partition_paused", topic="shop.events", partition="0") == 1


def test_an_epoch_grows_old_until_the_next_is_sealed(metrics, clock):
    clock.now_s += 12.0
    assert value(metrics, "epoch_age_seconds") == 12.0
    metrics.sealed(0.04)
    assert value(metrics, "epoch_age_seconds") == 0.0
    assert value(metrics, "seal_seconds_bucket", le="0.05") == 1
    assert value(metrics, "seal_seconds_bucket", le="0.025") == 0


def test_latency_runs_from_the_causing_event_to_the_acknowledged_offer(metrics):
    metrics.delivered(record("offers", "offer.decided", since_s=50.0), 50.02)
    metrics.delivered(record("offers", "offer.decided"), 99.0)
    metrics.delivered(record("offers", "offer.revoked", since_s=1.0), 99.0)
    assert value(metrics, "end_to_end_latency_seconds_count") == 1
    assert value(metrics, "end_to_end_latency_seconds_sum") == pytest.approx(0.02)
    assert value(metrics, "records_published_total", stream="offers", type="offer.decided") == 2
    assert value(metrics, "records_published_total", stream="offers", type="offer.revoked") == 1


def test_a_decision_counts_for_its_arm_and_the_stage_of_its_market(metrics):
    metrics.delivered(record("decisions", "decision", market="de", arm="no_offer", holdout=True), 0.0)
    metrics.delivered(record("decisions", "decision", market="de", arm="ten", stage="shadow"), 0.0)
    assert value(metrics, "decisions_total", market="de", arm="no_offer", stage="online") == 1
    assert value(metrics, "decisions_total", market="de", arm="ten", stage="shadow") == 1


def test_drifts_are_counted_by_what_moved(metrics):
    for what in ("base_rate", "feature:device=mobile", "base_rate"):
        metrics.delivered(record("decisions", "drift", market="de", what=what, before=0.7, after=0.9), 0.0)
    assert value(metrics, "drift_detected_total", market="de", what="base_rate") == 2
    assert value(metrics, "drift_detected_total", market="de", what="feature:device=mobile") == 1


def test_profits_add_up_and_losses_subtract(metrics):
    for kind, profit in (("window", 8.0), ("window", -3.5), ("correction", 1.0)):
        metrics.delivered(
            record("decisions", "reward", market="de", arm="ten", kind=kind, profit=profit), 0.0
        )
    assert value(metrics, "reward_profit", market="de", arm="ten") == 5.5
    assert value(metrics, "rewards_total", market="de", arm="ten", kind="window") == 2
    assert value(metrics, "rewards_total", market="de", arm="ten", kind="correction") == 1


def test_rejects_are_counted_by_their_class(metrics):
    metrics.delivered(
        record("rejected", "rejected", headers=(("class", b"gold"), ("offerstream.class", b"not_json"))), 0.0
    )
    assert value(metrics, "rejects_total", **{"class": "not_json"}) == 1


def test_the_versions_of_what_runs_can_be_read(metrics):
    text = generate_latest(metrics.registry.prometheus).decode()
    assert 'bytewax="0.21.1"' in text
    assert "offerstream_start_time_seconds 1000.0" in text


def test_what_the_worker_may_use_is_told_beside_what_it_uses(metrics, tmp_path):
    metrics.configured(tmp_path, timedelta(seconds=10))
    assert value(metrics, "epoch_seconds") == 10.0
    size, free = value(metrics, "state_disk_size_bytes"), value(metrics, "state_disk_free_bytes")
    assert 0 < free < size
    assert value(metrics, "memory_limit_bytes") > 1e8
    metrics.configured(tmp_path / "gone", timedelta(seconds=10))
    assert value(metrics, "epoch_seconds") == 10.0


def test_the_memory_limit_is_that_of_the_container_where_it_has_one(tmp_path):
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "some").write_text("1000000\n")
    machine = memory_limit(())
    assert memory_limit((tmp_path / "max", tmp_path / "nowhere")) == machine
    assert memory_limit((tmp_path / "max", tmp_path / "some")) == 1_000_000
