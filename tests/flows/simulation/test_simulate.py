"""Simulated shoppers as a source of events, and the demo's view."""

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from flows.demo.snapshot import ArmFigures
from flows.demo.view import Snapshot, View, render, summary
from flows.simulation.kafka_link import Counters, Wire
from flows.simulation.process import Simulation
from flows.simulation.run import SimulationSettings, simulate
from operators.simulation import World, WorldSettings
from schemas.errors import SetupError
from schemas.events import EVENTS
from schemas.shop import load_shop

SHOP = load_shop(Path(__file__).parents[3] / "schemas" / "example_offers.toml")
NOW = Snapshot(
    elapsed_s=12,
    simulated_s=7200,
    events=123_456,
    events_per_s=4321,
    rejects={"late": 3, "invalid": 0},
    visitors=900,
    carts=77,
    decisions=400,
    offers=300,
    arms={"no_offer": ArmFigures(100, 1.5, 1.25), "ten_percent": ArmFigures(300, 2.5)},
    reward=2.25,
    profit_treated=0.44,
    profit_holdout=0.33,
    share_of_oracle=0.61,
    auc=0.812,
    log_loss=0.345,
    curve=(0.5, 1.0, 1.5),
    recent=("v-1 ten_percent on a cart of 80.00",),
)


def test_a_file_gets_the_events_of_so_much_time(tmp_path):
    path = tmp_path / "events.jsonl"
    counters = simulate(SimulationSettings(SHOP, path, speed=60, seconds=60))
    lines = path.read_bytes().splitlines()
    assert counters.events == len(lines) > 300
    times = [EVENTS.validate_json(line).time.timestamp() for line in lines]
    assert times == sorted(times)
    assert counters.at_s - 3600 <= times[0] <= times[-1] <= counters.at_s


def test_whoever_is_asked_for_a_report_may_end_it(tmp_path):
    counters = simulate(SimulationSettings(SHOP, tmp_path / "f"), lambda counters: counters.events < 500)
    assert 500 <= counters.events < 2000


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"speed": 0}, "speed must be a number above 0; got 0"),
        ({"visits_per_hour": -1}, "visits_per_hour must be a number above 0; got -1"),
        ({"market": "moon"}, "market must be one of default, uk; got 'moon'"),
        (
            {"broken_checkout": (3.0, 2.0)},
            r"broken_checkout must be two days, the first before the second; got \(3.0, 2.0\)",
        ),
        ({"cart_share": 1.5}, "cart_share must be above 0 and at most 1; got 1.5"),
    ],
)
def test_what_cannot_be_simulated_is_said(tmp_path, wrong, words):
    with pytest.raises(SetupError, match=words):
        SimulationSettings(SHOP, tmp_path, **wrong)


def test_shoppers_in_a_process_of_their_own_leave_when_they_are_told(tmp_path):
    path = tmp_path / "events.jsonl"
    with Simulation(SimulationSettings(SHOP, path, seed=5)) as shoppers:
        while shoppers.counters().events == 0:
            assert shoppers._here.poll(30)
        last = shoppers.stop()
    assert not shoppers.alive
    assert last.events > 0
    assert len(path.read_bytes().splitlines()) >= last.events


def test_shoppers_that_give_up_say_why(tmp_path):
    shoppers = Simulation(SimulationSettings(SHOP, tmp_path / "missing" / "f")).start()
    shoppers._process.wait(30)
    with pytest.raises(SetupError, match="must be a file that can be written; got: No such file"):
        shoppers.counters()
    shoppers.stop()


class Listening(Wire):
    """A wire without a broker."""

    def __init__(self, world):
        self._world, self._counters = world, Counters(at_s=world.now_s)
        self._topics = type("Topics", (), {"offers": "shop.offers"})


def test_shoppers_hear_offers_and_revocations_and_decisions_are_tallied():
    world = World(1, WorldSettings(SHOP.arms("default"), 1_767_268_800.0, cart_share=0.9))
    world.events_until(world.now_s + 7200)
    cart = world.carts()[-1]
    wire = Listening(world)
    decision = {"type": "decision", "visitor_id": cart.visitor, "cart_id": cart.id, "arm": "ten_percent"}
    data = {"offer_id": "default.1", "visitor_id": cart.visitor, "market": "default"}
    wire._heard("shop.decisions", decision | {"holdout": False})
    wire._heard("shop.decisions", decision | {"holdout": True, "arm": "no_offer"})
    wire._heard("shop.decisions", {"type": "score"})
    wire._heard(
        "shop.offers", {"type": "offer.decided", "data": data | {"treatment": {"name": "ten_percent"}}}
    )
    wire._heard("shop.offers", {"type": "offer.decided", "data": data | {"market": "uk"}})
    wire._heard("shop.offers", {"type": "offer.revoked", "data": data})
    counters, values = wire._counters, world.true_values(cart)
    assert (counters.offers, counters.ignored, counters.revoked) == (1, 0, 1)
    assert counters.treated.all.profit == values["ten_percent"]
    assert counters.holdout.all.profit == values["no_offer"]


def text(renderable):
    console = Console(file=io.StringIO(), width=120)
    console.print(renderable)
    return console.file.getvalue()


def test_the_view_shows_what_goes_in_what_comes_out_and_how_good_it_is():
    shown = text(render(NOW))
    figures = ("123,456, 4,321/s", "900, 77", "400, 300", "2.25", "0.44", "0.33", "61%", "75%", "1.25")
    for words in (
        *figures,
        "3 late",
        "AUC 0.812",
        "log loss 0.345",
        "ten_percent",
        "▁",
        "█",
        "cart of 80.00",
    ):
        assert words in shown
    assert "invalid" not in shown


def test_the_view_of_nothing_yet_is_a_view_too():
    assert "none" in text(render(Snapshot()))
    assert "AUC -" in text(summary(Snapshot()))


def test_the_summary_says_what_was_earned():
    shown = text(summary(NOW))
    for words in ("2.0 h of shopping", "profit a visitor, holdout", "share of the oracle's advantage", "61%"):
        assert words in shown


def test_without_a_terminal_there_is_a_line_every_five_seconds():
    console = Console(file=io.StringIO(), width=300)
    with View(console) as view:
        for second in range(12):
            view.show(replace(NOW, elapsed_s=float(second)))
    lines = console.file.getvalue().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["0", "5", "10"]
    assert all("400 decisions" in line for line in lines)


def test_on_a_terminal_the_view_stays_and_ends_with_the_summary():
    console = Console(file=io.StringIO(), width=120, height=50, force_terminal=True)
    with View(console) as view:
        view.show(NOW)
        view.finish(NOW)
    shown = console.file.getvalue()
    assert "how good it is" in shown
    assert Counter(shown.split())["summary"] == 1
