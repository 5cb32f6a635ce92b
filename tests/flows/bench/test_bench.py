"""The bench measures what it claims to; how fast it all is does not matter here."""

import json

import pytest

from flows.bench import dataflow, states
from flows.bench.figures import FIGURES, figure
from flows.bench.kafka import backlog
from flows.bench.latency import SteadyLoad, bare_loop, offer_latency, percentiles
from flows.bench.load import write_load
from flows.bench.run import MEASURES, figures
from flows.cli import main
from flows.kafka.broker_process import EmbeddedBroker

PUBLISHED = {
    *("page_events_per_s", "kafka_events_per_s", "offer_latency_p99_ms", "seal_ms_20k", "seal_ms_100k"),
    *("decision_us", "bytes_per_visitor", "rss_per_visitor", "start_rss_mb"),
}


@pytest.fixture
def quiet(monkeypatch):
    """Leaves the garbage collector of the tests' own process as it is."""
    for module in (dataflow, states):
        monkeypatch.setattr(module, "tune_gc", lambda: None)


def test_every_published_figure_comes_from_one_measurement():
    given = [name for names in MEASURES.values() for name in names]
    assert sorted(given) == sorted(PUBLISHED) == sorted(FIGURES)


def test_a_figure_stands_beside_its_yardstick():
    found = figure("decision_us", 30.004, 120.0, "quietly")
    assert (found.value, found.unit, found.yardstick, found.ratio) == (30.0, "us", 120.0, 0.25)
    assert "River" in found.against


def test_only_what_is_wanted_is_measured():
    class OneMeasurement:
        def decision(self):
            yield figure("decision_us", 1, 1)

        def __getattr__(self, name):
            raise AssertionError(name)

    def measure(bench):
        return bench.decision()

    wanted = {measure if "decision_us" in given else each: given for each, given in MEASURES.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.bench.run.MEASURES", wanted)
        assert [each.name for each in figures(OneMeasurement(), ["decision_us"])] == ["decision_us"]


def test_the_figures_are_written_to_the_file_of_the_environment(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCH_JSON", str(tmp_path / "bench.jsonl"))
    assert main(["bench", "--quick", "--only", "decision_us"]) == 0
    (line,) = map(json.loads, (tmp_path / "bench.jsonl").read_text().splitlines())
    assert {"name", "value", "unit", "yardstick", "ratio"} <= line.keys()
    assert line["ratio"] == pytest.approx(line["value"] / line["yardstick"], rel=1e-3)
    printed = capsys.readouterr().out
    assert "decision_us" in printed
    assert "broker: embedded" in printed


@pytest.mark.usefixtures("quiet")
def test_the_dataflow_and_the_loop_run_the_whole_load_and_decide_on_a_twentieth_of_it(tmp_path):
    write_load(tmp_path / "load.jsonl", 2000, 200)
    given = {"path": str(tmp_path / "load.jsonl"), "events": 2000}
    rates = dataflow.dataflow(**given, state=str(tmp_path / "state"), epoch_s=1.0)
    assert rates["decided_share"] == pytest.approx(0.05, abs=0.02)
    assert rates["events_per_s"] > 0
    assert dataflow.plain_loop(**given)["events_per_s"] > 0


@pytest.mark.usefixtures("quiet")
def test_every_visitor_of_the_built_state_is_sealed_again(tmp_path):
    built = states.build(str(tmp_path), events=1100, visitors=100, copies=3)
    sealed = states.seal(str(tmp_path), repeats=1)
    assert sealed["visitors"] == built["visitors"] > 200
    assert 50 < sealed["bytes"] < 2000
    assert states.plain_state(str(tmp_path))["rss"] >= 0


def test_percentiles_are_taken_of_the_sorted_delays():
    late = [number / 1000 for number in range(1, 101)]
    assert percentiles(late) == {"p50": 51.0, "p99": 100.0, "max": 100.0, "count": 100}
    with pytest.raises(RuntimeError, match="nothing followed"):
        percentiles([])


def test_the_worker_is_measured_through_a_real_broker(tmp_path):
    with EmbeddedBroker() as broker:
        assert backlog(broker.bootstrap, tmp_path / "a", 5000, 200, 1.0)["events_per_s"] > 0
        load = SteadyLoad(rate=100.0, visitors=100, seconds=1.0)
        assert bare_loop(broker.bootstrap, load)["count"] == pytest.approx(5, abs=4)
        assert offer_latency(broker.bootstrap, tmp_path / "c", load, 1.0)["count"] > 0
