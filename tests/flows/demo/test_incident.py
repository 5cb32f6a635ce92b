"""The planted incident: from when it is there, and what counts as noticing it."""

import pytest

from flows.demo.browser import is_watched
from flows.demo.incident import AFTER, AFTER_S, Planted
from flows.demo.left_behind import free_directory
from flows.demo.sentences import next_commands, sentences
from flows.live_page.view.seen import Seen, horizon_of
from flows.live_page.worker_figures import WorkerFigures
from tests.flows.live_page.page_records import decided, page_state, read
from tests.report_log import HOUR_S, T0, drift, outcome, reward

BEGAN_S = T0.timestamp()
ONE_HOUR = Planted(HOUR_S)
SCREEN = {"DISPLAY": ":0"}


def test_it_begins_after_a_part_of_the_demo_in_the_shoppers_time():
    assert Planted.in_demo(90.0, 120.0).after_s == 90 * AFTER * 120
    assert Planted.in_demo(None, 120.0).after_s == AFTER_S * 120
    assert ONE_HOUR.days[0] == pytest.approx(1 / 24)


def test_it_is_noticed_by_the_first_drift_that_says_so_after_it_broke():
    drifts = [drift(0, "base_rate"), drift(2, "feature:device"), drift(4, "log_loss"), drift(3, "base_rate")]
    assert ONE_HOUR.noticed(drifts, BEGAN_S).drift_id == "drift3"
    assert ONE_HOUR.noticed(drifts[:2], BEGAN_S) is None


def test_it_is_said_whether_it_was_noticed_and_how_late():
    assert ONE_HOUR.words(None, BEGAN_S) == "The checkout is broken, and the worker has not noticed it yet."
    said = ONE_HOUR.words(drift(2, "base_rate"), BEGAN_S)
    assert said.startswith(
        "The worker noticed the broken checkout 60 minutes of the shop's time later: the share"
    )
    assert "from 0.40 to 0.80" in said


@pytest.mark.parametrize(
    ("environment", "is_terminal", "watched"),
    [(SCREEN, True, True), ({"WAYLAND_DISPLAY": "w"}, True, True), (SCREEN, False, False), ({}, True, False),
     ({**SCREEN, "CI": "true"}, True, False)],
)  # fmt: skip
def test_a_browser_is_opened_only_where_a_person_is(monkeypatch, environment, is_terminal, watched):
    monkeypatch.setattr("sys.platform", "linux")
    assert is_watched(environment, is_terminal=is_terminal) is watched


def test_a_demo_leaves_a_directory_of_its_own(tmp_path):
    assert free_directory(tmp_path).name == "offerstream-demo"
    (tmp_path / "offerstream-demo").mkdir()
    assert free_directory(tmp_path).name == "offerstream-demo-2"


def test_each_figure_is_said_in_a_sentence_with_its_currency_and_interval():
    records = []
    for n in range(0, 1200, 2):
        one = decided(n, 60.0 * n, held=n % 20 == 0)
        records += [one, reward(one, ordered=n % 6 == 0), outcome(one, 0.5, abandoned=False, treated=False)]
    state = read(page_state(), *records)
    lift = state.markets["default"].lift.lift("default", horizon_of(state.shop, "default"))
    said = list(sentences(Seen(state, "default", WorkerFigures(), lift)))
    assert said[0].startswith("Is it worth it? ")
    assert "(95 % interval " in said[0]
    assert all("€" in each for each in said[:2])
    assert all(each.endswith(".") for each in said)


def test_three_commands_are_named_that_go_on_from_there():
    commands = dict(next_commands("left"))
    assert list(commands) == [
        "offerstream lift left --days 0.02",
        "offerstream evaluate left --policy uniform",
        "offerstream check shop.events --bootstrap localhost:9092",
    ]
