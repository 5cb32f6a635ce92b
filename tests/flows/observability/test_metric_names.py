"""The table of metrics beside what the stations emit: no figure is missing in it, none is left over."""

import pytest

from flows.observability.metric_names import BudgetFigure, MarketFigure, Metric, PartitionFigure, ShardFigure
from flows.observability.metrics import Metrics
from operators.decisions.diagnosis import ENOUGH_ENDED, Diagnosis
from operators.ingest.counts import Counts
from tests.laws.shopping import log, loop, messages


@pytest.fixture(scope="module")
def machines():
    """The machines at the end of an hour in which everything happens that a figure is about."""
    return loop(messages(log(visitors=400)))[1]


@pytest.fixture
def metrics():
    return Metrics(lambda: 1_000.0)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.prometheus.get_sample_value(f"offerstream_{name}", labels)


def test_the_table_has_the_figures_that_shards_emit(machines):
    emitted = set().union(*(shard.figures() for shard in machines.shards.values()))
    assert emitted == ShardFigure.__members__.keys()


def test_the_table_has_the_figures_that_markets_emit(machines):
    emitted = set().union(*(market.figures() for market in machines.markets.values()))
    emitted |= (
        Diagnosis(ended=ENOUGH_ENDED).figures(0.0, None).keys()
    )  # an hour does not see so many windows end
    assert emitted == MarketFigure.__members__.keys()


def test_the_table_has_what_a_partition_counts():
    assert {*PartitionFigure.__members__, "read", "events"} == set(Counts.__struct_fields__)


@pytest.mark.parametrize("table", [PartitionFigure, ShardFigure, MarketFigure])
def test_every_figure_of_the_table_gets_all_labels_of_its_metric(table):
    assert len(table.__members__) == len(table)  # two names of one target would be one figure
    for figure in table:
        target = figure.value
        assert len(target.labels_of("station")) == len(target.metric.value.labels)


def test_the_metrics_of_a_table_are_declared_once():
    assert len({metric.value.name for metric in Metric}) == len(Metric.__members__)


@pytest.mark.parametrize("figures", [{"visits": 1, "vists": 2}, {"visits": 1, "auc": 0.5}, {"time": 1e9}])
def test_a_figure_that_is_not_in_the_table_is_refused(metrics, figures):
    with pytest.raises(ValueError, match="figures of a station must be those of its table; got "):
        metrics.measured("007", figures)


def test_model_quality_is_by_market_and_apart_for_treated_carts(metrics):
    metrics.measured("de", {"updates": 40, "auc": 0.81, "treated_auc": 0.6, "treated_outcomes": 7})
    assert value(metrics, "model_auc", market="de", carts="untreated") == 0.81
    assert value(metrics, "model_auc", market="de", carts="treated") == 0.6
    assert value(metrics, "model_outcomes", market="de", carts="untreated") == 40
    assert value(metrics, "model_outcomes", market="de", carts="treated") == 7
    assert value(metrics, "model_log_loss", market="de", carts="untreated") is None


def test_the_self_diagnosis_is_by_market_and_no_item_of_the_state(metrics):
    metrics.measured("de", {"choice_entropy": 0.4, "missed_rewards": 3.0, "policy_updates": 9})
    assert value(metrics, "choice_entropy", market="de") == 0.4
    assert value(metrics, "missed_rewards", market="de") == 3.0
    assert value(metrics, "policy_updates", market="de") == 9
    assert value(metrics, "state_items", kind="choice_entropy") is None


def test_a_budget_is_a_station_of_its_own_in_its_market(metrics):
    metrics.measured("de/daily", {"amount": 300.0, "spent": 12.5, "used": 40.0, "made": 3, "elapsed": 0.25})
    assert value(metrics, "budget_spent", market="de", budget="daily") == 12.5
    assert value(metrics, "budget_elapsed", market="de", budget="daily") == 0.25
    assert value(metrics, "budget_number", market="de", budget="daily") is None
    assert set(BudgetFigure.__members__) == {"amount", "spent", "used", "number", "made", "elapsed"}


def test_items_of_the_state_are_summed_over_the_stations(metrics):
    metrics.measured("007", {"visits": 5, "timers": 3})
    metrics.measured("008", {"visits": 6})
    metrics.measured("007", {"visits": 2, "timers": 0})
    metrics.measured("de", {"open_decisions": 4})
    assert value(metrics, "state_items", kind="visits") == 8
    assert value(metrics, "state_items", kind="timers") == 0
    assert value(metrics, "state_items", kind="open_decisions") == 4


def test_a_market_whose_name_is_a_shards_number_is_a_station_of_its_own(metrics):
    metrics.measured("007", {"visits": 5})
    metrics.measured("007", {"open_decisions": 4, "auc": 0.7})
    assert value(metrics, "state_items", kind="visits") == 5
    assert value(metrics, "state_items", kind="open_decisions") == 4
    assert value(metrics, "model_auc", market="007", carts="untreated") == 0.7
