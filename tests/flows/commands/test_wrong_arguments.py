"""A command reports wrong arguments in one line, with exit code 2."""

import re
from pathlib import Path

import orjson
import pytest

from flows.cli import COMMANDS, main
from tests.builders import carted
from tests.report_log import log

UNUSABLE = ("/proc/nope", "events.jsonl/below", "/dev/null/x")
"""No directory can be made there and no file be written, not even by root."""


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("events.jsonl").write_bytes(orjson.dumps(carted(0)) + b"\n")
    Path("log.csv").write_text("arm,reward,propensity\n" + "a,1,0.5\nb,2,0.5\n" * 9)
    Path("empty").mkdir()
    log(Path("log"), decisions=9)


@pytest.fixture
def refused(capfd):
    """Runs a command that must be refused; returns the one line."""

    def run(*words: str) -> str:
        assert main(words) == 2
        captured = capfd.readouterr()
        assert re.fullmatch(rf"offerstream {words[0]}: [^\n]+\n", captured.err)
        return captured.err

    return run


@pytest.fixture
def usage(capfd):
    """Runs a command whose arguments cannot be parsed; returns what is printed."""

    def run(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        return capfd.readouterr().err

    return run


OUTPUTS = {
    "schemas": ["schemas", "--out"],
    "broker": ["broker", "--port", "0", "--data"],
    "replay": ["replay", "events.jsonl", "--out"],
    "backtest": ["backtest", "events.jsonl", "--policy", "none", "--out"],
    "backtest's figures": ["backtest", "events.jsonl", "--policy", "none", "--json"],
    "export": ["export", "--bootstrap", "127.0.0.1:1", "--out"],
    "simulate": ["simulate", "--seconds", "1", "--out"],
    "report": ["report", "log", "--out"],
    "lift's figures": ["lift", "log", "--json"],
    "evaluate's figures": ["evaluate", "log.csv", "--policy", "uniform", "--json"],
    "bench's figures": ["bench", "--quick", "--only", "decision_us", "--json"],
}


@pytest.mark.parametrize("place", UNUSABLE)
@pytest.mark.parametrize("name", OUTPUTS)
def test_a_place_that_cannot_be_written_is_refused_with_the_reason(name, place, refused):
    line = refused(*OUTPUTS[name], place)
    assert place in line
    assert re.search("No such file or directory|Not a directory", line)


@pytest.mark.parametrize("name", [name for name in OUTPUTS if name not in ("report", "simulate")])
def test_an_output_of_the_wrong_kind_is_refused(name, refused):
    is_file = OUTPUTS[name][-1] == "--json"
    line = refused(*OUTPUTS[name], "empty" if is_file else "events.jsonl")
    assert ("Is a directory" if is_file else "File exists") in line


def test_figures_that_cannot_be_written_are_refused_before_they_are_computed(refused, monkeypatch):
    monkeypatch.setattr("flows.commands.lift.read_lift", lambda *_: pytest.fail("computed"))
    assert "--json must be a file that can be written; got 'empty'" in refused(
        "lift", "log", "--json", "empty"
    )


def test_the_check_of_a_file_leaves_it_as_it_is(capfd):
    Path("old.json").write_text("old")
    assert main(["lift", "nowhere", "--json", "old.json"]) == 2
    assert main(["lift", "nowhere", "--json", "new.json"]) == 2
    assert Path("old.json").read_text() == "old"
    assert not Path("new.json").exists()
    capfd.readouterr()


@pytest.mark.parametrize("port", ["99999", "65536", "-1"])
def test_an_impossible_port_is_refused(port, refused):
    assert f"port must be from 0 to 65535; got {port}" in refused("broker", "--port", port)


@pytest.mark.parametrize("state", ["nowhere", "events.jsonl", "empty", *UNUSABLE])
def test_a_state_that_no_worker_wrote_is_refused(state, refused):
    line = refused("visitor", "v1", "--state", state)
    assert f"the state must be a directory that the worker wrote; got {state!r}" in line


@pytest.mark.parametrize("store", ["features/part-0", "ledger/default"])
def test_a_state_that_is_broken_is_refused(store, refused):
    Path("state/features").mkdir(parents=True)
    Path("state", store).mkdir(parents=True)
    assert "the state in state cannot be read: IO error" in refused("visitor", "v1", "--state", "state")


def test_a_visitor_of_another_market_is_refused(refused):
    assert "the market must be one of default, uk; got 'moon'" in refused("visitor", "v1", "--market", "moon")


def test_a_file_of_simulated_events_needs_an_end(refused):
    assert "--seconds must be given with --out" in refused("simulate", "--out", "simulated.jsonl")
    assert not Path("simulated.jsonl").exists()


@pytest.mark.parametrize("seconds", ["nan", "-1"])
def test_a_demo_of_no_length_is_refused(seconds, refused):
    assert "seconds must be a number from 0" in refused("demo", "--seconds", seconds)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("session_gap=1m", "SESSION_GAP must be at least IDLE_AFTER, 2m"),
        ("session_gap=999999999d", "SESSION_GAP must be at most 3650d"),
        ("seed=99999999999999999999999999", "SEED must be at most"),
        ("emit_after=2026-01-01T00:00:00", "EMIT_AFTER must have a time zone"),
    ],
)
def test_settings_that_cannot_work_stop_a_command_at_start(given, words, refused):
    assert words in refused("replay", "events.jsonl", "--out", "out", "--set", given)
    assert not Path("out").exists()


def test_an_input_that_is_no_file_makes_no_output(refused):
    refused("replay", "nowhere.jsonl", "--out", "out")
    assert not Path("out").exists()


REQUIRED = {
    "check": ["events.jsonl"],
    "state": ["check"],
    "backup": ["copy"],
    "restore": ["copy"],
    "visitor": ["v1"],
    "explain": ["d1"],
    "lift": ["log"],
    "report": ["log"],
    "replay": ["events.jsonl", "--out", "out"],
    "evaluate": ["log", "--policy", "none"],
    "redrive": ["--class", "all"],
    "schemas": ["--out", "out"],
    "export": ["--out", "out"],
    "backtest": ["--policy", "none"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_shows_the_usage_of_its_command(command, usage):
    printed = usage(command, *REQUIRED.get(command, ()), "--bootstrp=x")
    assert printed.startswith(f"usage: offerstream {command} [-h]")
    assert printed.endswith(f"offerstream {command}: error: unrecognized arguments: --bootstrp=x\n")


@pytest.mark.parametrize(
    "words", [["broker", "--port", "many"], ["replay"], ["backtest", "--policy", "none", "--decisions", "0"]]
)
def test_a_bad_argument_shows_the_usage_of_its_command(words, usage):
    assert usage(*words).startswith(f"usage: offerstream {words[0]} [-h]")


def test_an_unknown_command_shows_all_of_them(usage):
    assert re.search("invalid choice: 'lives'.*live.*replay", usage("lives"))
