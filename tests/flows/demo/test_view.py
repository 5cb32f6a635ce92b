"""The demo's view: on a terminal, without one, and the tables at its end."""

import io
from collections import Counter
from dataclasses import replace

from rich.console import Console

from flows.demo.snapshot import ArmFigures, Snapshot
from flows.demo.view import View, render, summary

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


def text(renderable):
    console = Console(file=io.StringIO(), width=120)
    console.print(renderable)
    return console.file.getvalue()


def test_the_view_shows_input_output_and_quality():
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


def test_the_view_of_an_empty_snapshot_has_dashes():
    assert "none" in text(render(Snapshot()))
    assert "AUC -" in text(summary(Snapshot()))


def test_the_summary_shows_profit_and_share_of_the_oracle():
    shown = text(summary(NOW))
    for words in (
        "2.0 h of shopping",
        "profit per visitor, holdout",
        "share of the oracle's advantage",
        "61%",
    ):
        assert words in shown


def test_without_a_terminal_there_is_a_line_every_five_seconds():
    console = Console(file=io.StringIO(), width=300)
    with View(console) as view:
        for second in range(12):
            view.show(replace(NOW, elapsed_s=float(second)))
    lines = console.file.getvalue().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["0", "5", "10"]
    assert all("400 decisions" in line for line in lines)


def test_a_terminal_shows_the_live_view_and_then_the_summary():
    console = Console(file=io.StringIO(), width=120, height=50, force_terminal=True)
    with View(console) as view:
        view.show(NOW)
        view.finish(NOW)
    shown = console.file.getvalue()
    assert "how good it is" in shown
    assert Counter(shown.split())["summary"] == 1
