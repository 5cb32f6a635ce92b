"""How good recommendations would have been, from recorded events and from tables."""

import json

import orjson
import pytest

from flows.cli import main
from flows.settings import read_settings
from flows.studies.recommend.compare import Hits, compared
from flows.studies.recommend.groups import RecordedGroup, recorded_groups
from flows.studies.recommend.tables import is_table, table_groups
from operators.recommendations.recommender import RecommenderSettings
from schemas.errors import DataError
from tests.builders import item, ordered, viewed

VISITS = "session_id;user_id;item_id;timeframe;eventdate\n"
BASKETS = "basket_id,product_id,transaction_timestamp\n"


@pytest.fixture
def file(tmp_path):
    """Write a file, return its path."""

    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def baskets(count):
    """Baskets of a racket with balls, of tea with lemon, and of one lamp, in turns."""
    kinds = (("racket", "balls"), ("tea", "lemon"), ("lamp",))
    return [RecordedGroup(60.0 * number, "default", "baskets", kinds[number % 3]) for number in range(count)]


def test_what_always_goes_together_is_found_at_once():
    [result] = compared(baskets(60), RecommenderSettings())
    rows = {row["learner"]: row for row in result["learners"]}
    assert result["predictions"] == 20
    assert rows["blend"]["hit_rate"] == rows["bought_together"]["mrr"] == 1.0
    assert rows["popular"]["mrr"] < 1.0
    assert sum(row["weight"] or 0.0 for row in rows.values()) == pytest.approx(1.0)


def test_the_first_half_is_only_learned():
    [result] = compared(
        [*baskets(3), RecordedGroup(999.0, "default", "baskets", ("balls", "racket"))], RecommenderSettings()
    )
    assert result["predictions"] == 1


def test_markets_learn_by_themselves():
    groups = [group._replace(market=f"m{number % 2}") for number, group in enumerate(baskets(60))]
    [result] = compared(groups, RecommenderSettings())
    assert result["products"] == 2 * 5


def test_a_hit_counts_by_its_rank_among_the_first_20():
    hits = Hits()
    hits.add(["a", "b"], "b", is_new=True)
    hits.add([*map(str, range(20)), "c"], "c", is_new=False)
    assert hits.row() == {"hit_rate": 0.5, "mrr": 0.25, "new_hit_rate": 1.0, "new_mrr": 0.5}


def test_a_table_of_visits_is_read_by_time_and_place(file):
    path = file(f"{VISITS}2;NA;hat;20;2016-05-09\n2;NA;scarf;10;2016-05-09\n1;NA;boot;5;2016-05-01\n")
    assert is_table(path)
    assert [group.skus for group in table_groups(path)] == [("boot",), ("scarf", "hat")]


def test_a_basket_has_a_product_once(file):
    path = file(
        f"{BASKETS}7,tea,2017-01-01 11:53:26\n7,tea,2017-01-01 11:53:26\n7,milk,2017-01-01 11:53:26\n"
    )
    assert [(group.kind, group.skus) for group in table_groups(path)] == [("baskets", ("tea", "milk"))]


def test_a_row_without_a_time_is_named(file):
    path = file(f"{BASKETS}7,tea,2017-01-01\n7,milk,never\n")
    with pytest.raises(DataError, match=r"table\.csv, line 3: a row must have a time and its place"):
        table_groups(path)


def test_a_table_without_times_is_refused(file):
    path = file("basket_id,product_id\n7,tea\n")
    with pytest.raises(
        DataError, match="a table must have a column eventdate or transaction_timestamp or at"
    ):
        table_groups(path)


def test_visits_end_with_a_session_gap_and_orders_are_baskets(tmp_path):
    path = tmp_path / "events.jsonl"
    events = [
        viewed(0, sku="hat"),
        viewed(60, sku="scarf"),
        ordered(90, items=[item("hat", 50.0)]),
        viewed(7200, sku="boot"),
    ]
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    groups = recorded_groups([path], "native", read_settings())
    assert sorted((group.kind, group.skus) for group in groups) == [
        ("baskets", ("hat",)),
        ("visits", ("boot",)),
        ("visits", ("hat", "scarf")),
    ]


def test_the_command_prints_a_row_for_each_learner_and_writes_json(file, tmp_path, capsys):
    rows = "".join(
        f"{basket},{sku},2017-01-01T{basket // 60:02}:{basket % 60:02}:00\n"
        for basket in range(90)
        for sku in (("racket", "balls"), ("tea", "lemon"))[basket % 2]
    )
    figures = tmp_path / "figures.json"
    assert main(["backtest", "--recommend", str(file(BASKETS + rows)), "--json", str(figures)]) == 0
    assert "bought_together" in capsys.readouterr().out
    [result] = json.loads(figures.read_text())["recommendations"]
    assert result["learners"][0]["learner"] == "blend"
    assert result["learners"][0]["hit_rate"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--recommend"], "--recommend needs EVENTS"),
        (["--recommend", "x.csv", "--policy", "none"], "--policy does not go with --recommend"),
        (["--recommend", "missing.csv"], "the input must be a file that can be read; got 'missing.csv'"),
        (["x.csv"], "--policy must be given, or --recommend"),
    ],
)
def test_wrong_arguments_are_named(arguments, words, capsys):
    assert main(["backtest", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_file_in_which_nothing_can_be_predicted_is_said(file, capsys):
    assert main(["backtest", "--recommend", str(file(f"{BASKETS}7,tea,2017-01-01\n"))]) == 1
    assert "Nothing was predicted: 1 visits and orders were read" in capsys.readouterr().err
