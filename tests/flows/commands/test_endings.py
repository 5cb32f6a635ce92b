"""How a command ends when it is interrupted, or when its output is closed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from flows.cli import main
from flows.simulation.run import simulate
from flows.simulation.settings import SimulationSettings
from flows.studies import replay as replay_study
from schemas.errors import RestartNeededError, SetupError
from schemas.shop import load_shop
from tests.builders import carted
from tests.report_log import log

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("events.jsonl").write_bytes(b"".join(orjson.dumps(carted(n)) + b"\n" for n in range(9)))
    log(Path("log"), decisions=9)


PRINTING = {
    "--help": ["--help"],
    "--version": ["--version"],
    "lift --help": ["lift", "--help"],
    "schemas": ["schemas", "--out", "schemas"],
    "replay": ["replay", "events.jsonl", "--out", "replayed"],
    "lift": ["lift", "log"],
    "report": ["report", "log"],
    "evaluate": ["evaluate", "log", "--policy", "uniform"],
}


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("name", PRINTING)
def test_closed_output_ends_a_command_quietly(name, unbuffered):
    readable, writable = os.pipe()
    os.close(readable)
    ended = subprocess.run(
        [sys.executable, "-m", "flows.cli", *PRINTING[name]],
        stdout=writable,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    os.close(writable)
    assert ended.returncode in (0, 1)
    assert ended.stderr == b""


def test_a_broken_pipe_that_is_not_the_output_is_an_error(monkeypatch):
    def run(_args):
        raise BrokenPipeError

    monkeypatch.setattr("flows.commands.lift.run", run)
    with pytest.raises(BrokenPipeError):
        main(["lift", "log"])


@pytest.mark.parametrize(
    ("error", "code"), [(SetupError("what is wrong"), 2), (RestartNeededError("what is wrong"), 75)]
)
def test_an_expected_end_is_one_line_and_has_its_exit_code(monkeypatch, capfd, error, code):
    def run(_args):
        raise error

    monkeypatch.setattr("flows.commands.live.run", run)
    assert main(["live"]) == code
    assert capfd.readouterr().err == "offerstream live: what is wrong\n"


def interrupted(*_args, **_more):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "step"),
    [
        (["lift", "log"], "flows.commands.lift.read_lift"),
        (["report", "log"], "flows.commands.report.gather"),
        (["evaluate", "log", "--policy", "uniform"], "flows.commands.evaluate.evaluate_log"),
        (["backtest", "--shoppers", "default", "--policy", "none"], "flows.studies.backtest.compare.shop_in"),
        (["export", "--out", "out"], "flows.commands.export.export_topics"),
        (["bench", "--quick", "--only", "decision_us"], "flows.bench.run.measure_in_child"),
        (["simulate", "--out", "out", "--seconds", "9"], "flows.simulation.run._to_file"),
        (["demo"], "flows.commands.demo.demo"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_ctrl_c_ends_a_command_with_130(words, step, monkeypatch, capfd):
    monkeypatch.setattr(step, interrupted)
    assert main(words) == 130
    assert "Traceback" not in capfd.readouterr().err


@pytest.fixture
def pressed_while_reading(monkeypatch):
    """Presses Ctrl-C while the dataflow reads its first batch."""
    reader_of = replay_study.reader_of

    def pressing(*args, **more):
        make = reader_of(*args, **more)

        def reader(part, state):
            one = make(part, state)
            read = one.read

            def read_and_press(messages, now_s):
                signal.raise_signal(signal.SIGINT)
                return read(messages, now_s)

            one.read = read_and_press
            return one

        return reader

    monkeypatch.setattr(replay_study, "reader_of", pressing)


@pytest.mark.usefixtures("pressed_while_reading")
@pytest.mark.parametrize("command", [["replay"], ["backtest", "--policy", "none"]])
def test_ctrl_c_while_a_dataflow_runs_prints_nothing(command, capfd):
    before = signal.getsignal(signal.SIGINT)
    assert main([*command, "events.jsonl", "--out", "out"]) == 130
    assert capfd.readouterr().err == ""
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_is_the_normal_end_of_a_simulation_without_one(monkeypatch):
    monkeypatch.setattr("flows.simulation.run._to_file", interrupted)
    shop = load_shop(ROOT / "schemas" / "example_offers.toml")
    assert simulate(SimulationSettings(shop, Path("out"))).events == 0
