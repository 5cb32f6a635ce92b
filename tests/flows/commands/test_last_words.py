"""A run over files ends with what was taken, what was not and why; with exit 1 where nothing was."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from tests.builders import MINUTE, carted, event, looked, ordered, segment_calls
from tests.event_files import write


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


RUNS = {
    "replay": ["replay", "events.jsonl", "--out", "out"],
    "backtest": ["backtest", "events.jsonl", "--policy", "none", "--policy", "uniform"],
}


@pytest.fixture(params=RUNS)
def run(request, capfd):
    """Runs one of the commands; returns its exit code and what it printed."""

    def ran(*more):
        code = main([*RUNS[request.param], *more])
        said = capfd.readouterr()
        return code, said.out, said.err

    return ran


def test_where_nothing_is_taken_the_format_that_fits_is_named_with_exit_1(run):
    write(*segment_calls(300))
    code, _, err = run()
    assert code == 1
    assert err.splitlines()[-1].endswith(
        ": 0 of 300 records were taken: 300 are invalid, for example events.jsonl/0/0: id is missing. "
        "This looks like format segment: try --format segment."
    )
    assert err.count("records were taken") == 1


def test_with_the_right_format_everything_is_taken(run):
    write(*segment_calls(300))
    code, out, err = run("--format", "segment")
    assert code == 0
    assert "300 of 300 records were taken.\n" in out
    assert "records were taken" not in err


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_records_is_nothing_taken(content, run):
    Path("events.jsonl").write_bytes(content)
    code, _, err = run()
    assert code == 1
    assert err.splitlines()[-1].endswith(": 0 records were taken: there are none in events.jsonl.")


def test_what_was_not_taken_is_said_by_class_with_an_example_each(run):
    good = [carted(n * MINUTE, f"v{n}") for n in range(6)]
    write(*good, good[0], b"{", looked(9, market="nowhere"), looked(10, market="nowhere"))
    code, out, _ = run()
    assert code == 0
    assert (
        "6 of 10 records were taken: 2 are unknown_market, for example events.jsonl/0/8: market 'nowhere' is "
        "not among default, uk; 1 is not_json, for example events.jsonl/0/7: not JSON: EOF while parsing an "
        "object at line 1 column 1; 1 is a duplicate.\n"
    ) in out
    assert "looks like" not in out


def test_records_with_several_events_are_counted_by_their_events(run):
    calls = [json.loads(call) for call in segment_calls(6)]
    write({"batch": calls[:4]}, {"batch": [calls[4], {"type": "group"}]}, calls[5])
    code, out, _ = run("--format", "segment")
    assert code == 0
    assert "6 of 7 events of 3 records were taken: 1 is unknown_type, for example events.jsonl/0/1/1: " in out


def test_records_that_say_nothing_are_not_none(run):
    draft = {"id": 727, "status": "checkout-draft", "line_items": []}
    write(draft, draft)
    code, _, err = run("--format", "woocommerce")
    assert code == 1
    assert err.splitlines()[-1].endswith(": 0 of 0 events of 2 records were taken.")


def test_the_figures_are_in_the_file(capfd):
    write(*[carted(n * MINUTE, f"v{n}") for n in range(6)])
    assert main(RUNS["replay"]) == 0
    assert capfd.readouterr().out.splitlines() == [
        "6 of 6 records were taken.",
        "6 decisions were taken and 6 rewards came of them.",
        "All figures: out/summary.json",
    ]
    assert json.loads(Path("out/summary.json").read_bytes())["input"]["processed"] == 6


def test_a_run_without_a_decision_says_why(run):
    write(*[looked(n * MINUTE, f"v{n}") for n in range(6)])
    assert "No decision was taken: nobody put anything into a cart.\n" in run()[1]


def test_moments_that_are_no_triggers_are_named(run):
    write(carted(0), ordered(30))
    out = run()[1]
    assert "No decision was taken: of 1 moments none was cart_idle.\n" in out


def test_orders_that_never_join_are_said_at_the_end(run):
    carts = [carted(n * MINUTE, f"v{n}") for n in range(30)]
    orders = [ordered(n * MINUTE + 20, f"server {n}", user_id=f"u{n}") for n in range(30)]
    write(*carts, *orders)
    code, out, _ = run()
    assert code == 0
    assert "market default: Orders come but do not join: 100% of the last ones met no visit" in out


def test_an_unknown_kind_of_event_is_taken_as_activity(run):
    write(*[event("ping", n) for n in range(3)])
    assert run()[0] == 0
