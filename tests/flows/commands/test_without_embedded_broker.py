"""Where the extra `demo` is not installed, who needs the embedded broker is told what to install."""

import sys

import pytest

from flows.bench.run import MEASURES, QUICK, Bench
from flows.cli import main
from flows.commands.bench import NEED_A_BROKER

WORDS = "the embedded broker must be installed; it is not: pip install 'offerstream[demo]'\n"


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setitem(sys.modules, "noida_db", None)


@pytest.mark.parametrize("command", [["demo"], ["broker", "--port", "0"], ["bench"], ["bench", "--quick"]])
def test_what_needs_the_embedded_broker_says_at_once_what_to_install(command, capsys):
    assert main(command) == 2
    assert capsys.readouterr().err == f"offerstream {command[0]}: {WORDS}"


@pytest.mark.parametrize("more", [["--broker", "127.0.0.1:1"], ["--only", "decision_us"]])
def test_a_bench_that_needs_no_embedded_broker_runs_without(more, monkeypatch, capsys):
    monkeypatch.setattr("flows.commands.bench.figures", lambda *_: [])
    assert main(["bench", *more]) == 0
    assert "pip install" not in capsys.readouterr().err


def test_a_bench_knows_which_figures_ask_for_a_broker(monkeypatch, tmp_path):
    class AskedForError(Exception):
        pass

    class NotAskedForError(Exception):
        pass

    def bootstrap():
        raise AskedForError

    def measure_in_child(*_, **__):
        raise NotAskedForError

    monkeypatch.setattr("flows.bench.run.measure_in_child", measure_in_child)
    monkeypatch.setattr("flows.bench.run.write_load", lambda *_: None)
    asking = set()
    for measure, names in MEASURES.items():
        try:
            list(measure(Bench(QUICK, bootstrap, tmp_path)))
        except AskedForError:
            asking.update(names)
        except NotAskedForError:
            pass
    assert asking == NEED_A_BROKER
