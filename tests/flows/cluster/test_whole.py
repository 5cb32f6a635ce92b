"""What several processes expose as one, and how they end."""

import math

import orjson
import pytest
from prometheus_client import generate_latest

from flows.cluster.membership import Member
from flows.cluster.supervised import Orders, settings_with
from flows.cluster.supervisor import _end_for_good, _in_words, supervise
from flows.cluster.whole import Answer, Whole, worst
from flows.observability.metric_names import Metric
from flows.observability.metrics import Metrics
from flows.observability.registry import Exposition, merged
from flows.settings import read_settings
from flows.worker.child import received, send
from flows.worker.state_dir import locked_state_dir
from operators.ingest.counts import Counts
from schemas.errors import RestartNeededError, SetupError, StateError


def exposed(part, watermark_s, lag):
    metrics = Metrics(clock=lambda: 1000.0)
    metrics.opened(part, Counts())
    metrics.read(part, Counts(processed=5))
    metrics.lags(part, lag)
    metrics.sealed(0.1)
    metrics.progress.advanced(part, watermark_s)
    return generate_latest(metrics.registry.prometheus).decode()


def total(families, metric):
    return sum(sample.value for family in families for sample in family.samples if sample.name == metric)


def test_counts_are_summed_partitions_stand_beside_each_other_and_the_slowest_counts():
    families = merged([exposed("events/0000", 990.0, 3), exposed("events/0001", 900.0, 4)])
    assert total(families, "offerstream_events_total") == 10
    assert total(families, "offerstream_seal_seconds_count") == 2
    assert total(families, "offerstream_lag_records") == 7
    assert total(families, "offerstream_watermark_delay_seconds") == 100.0
    assert total(families, "offerstream_start_time_seconds") == 1000.0
    assert total(families, "offerstream_build_info") == 1


def test_a_delay_that_one_process_does_not_know_is_unknown():
    families = merged([exposed("events/0000", 990.0, 3), exposed("events/0001", -math.inf, 4)])
    assert math.isnan(total(families, "offerstream_watermark_delay_seconds"))


def test_processes_that_do_not_answer_are_told():
    whole = Whole(2)
    whole.restarts()
    said = Exposition(whole.metrics().decode())
    assert said.one(Metric.PROCESSES) == 0
    assert said.one(Metric.RESTARTS) == 1
    assert whole.state("/livez") == (200, {"status": "ok", "reasons": []})  # they are being started
    status, figures = whole.state("/healthz")
    assert status == 503
    assert figures["reasons"] == ["process 0: it does not answer", "process 1: it does not answer"]


def answer(code, **figures):
    return Answer(code, orjson.dumps(figures))


def test_the_whole_is_as_well_as_the_process_that_is_worst_off():
    well = answer(200, status="ok", reasons=[], epoch_age_seconds=3.0, watermark_delay_seconds=None)
    ill = answer(
        503, status="stalled", reasons=["no epoch"], epoch_age_seconds=70.0, watermark_delay_seconds=1.0
    )
    assert worst([well, ill]) == (
        503,
        {
            "status": "stalled",
            "reasons": ["process 1: no epoch"],
            "epoch_age_seconds": 70.0,
            "watermark_delay_seconds": None,
        },
    )


def test_what_a_restart_does_not_mend_ends_the_worker():
    with pytest.raises(SetupError, match="for the reason above"):
        _end_for_good([-9, 2])
    with pytest.raises(StateError, match="for the reason above"):
        _end_for_good([74, 75])
    with pytest.raises(RestartNeededError):
        _end_for_good([75, 75])
    for codes in ([-9, 75], [1, 75], [0, 75], [-9, -9]):
        _end_for_good(codes)
    assert _in_words([-9, 75]) == "signal SIGKILL, status 75"


def test_orders_carry_all_settings(tmp_path):
    settings = read_settings(
        state=tmp_path, kafka={"a": "b,c"}, triggers="cart_idle,cart_changed", epoch="5s"
    )
    path = tmp_path / "orders"
    with path.open("wb") as pipe:
        send(Orders(settings_with(settings, metrics_port=0), Member(1, ("a:1", "b:2")), ordered=True), pipe)
    with path.open("rb") as pipe:
        orders = Orders(*received(pipe))
    assert dict(read_settings(**orders.settings)) == settings_with(settings, metrics_port=0)
    assert (orders.member, orders.ordered) == (Member(1, ("a:1", "b:2")), True)


@pytest.mark.parametrize("processes", [0, 65])
def test_a_number_of_processes_that_cannot_be_is_refused(processes):
    with pytest.raises(SetupError, match="--processes must be from 1 to 64"):
        supervise(read_settings(), processes)


def test_processes_of_one_worker_share_a_directory_and_others_are_refused(tmp_path):
    with locked_state_dir(tmp_path, 0), locked_state_dir(tmp_path, 1):
        for process in (None, 1):
            with (
                pytest.raises(SetupError, match="belongs to a running worker"),
                locked_state_dir(tmp_path, process),
            ):
                pass
    with locked_state_dir(tmp_path), pytest.raises(SetupError), locked_state_dir(tmp_path, 0):
        pass
