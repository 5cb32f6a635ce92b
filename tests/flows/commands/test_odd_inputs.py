"""What an analyst may have lying about: the tools say in a line what is wrong, or what little is known."""

import gzip
import re
from pathlib import Path

import orjson
import pytest

from flows.cli import main
from flows.simulation.settings import SimulationSettings
from flows.studies.backtest.shoppers import shoppers_of
from schemas.errors import SetupError
from schemas.shop import Shop
from tests.builders import carted, offer, shop
from tests.report_log import log, write

TOOLS = {"lift": [], "report": [], "evaluate": ["--policy", "uniform"]}
each_tool = pytest.mark.parametrize("tool", TOOLS)


def ask(tool, directory, capsys):
    """The exit code of the tool, and what it prints."""
    code = main([tool, str(directory), *TOOLS[tool]])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def changed(path, **more):
    """A file whose first record says something else."""
    first, *rest = map(orjson.loads, path.read_bytes().splitlines())
    write(path, [first | more, *rest])


@each_tool
def test_a_place_that_is_no_log_is_refused(tool, tmp_path, capsys):
    for place in (tmp_path, tmp_path / "missing", Path(__file__)):
        code, printed = ask(tool, place, capsys)
        assert code == 2
        assert re.fullmatch(rf"offerstream {tool}: [^\n]+\n", printed)


@each_tool
@pytest.mark.parametrize("name", ["decisions", "rewards"])
def test_a_line_that_was_cut_off_is_named(tool, name, tmp_path, capsys):
    path = log(tmp_path, decisions=9) / f"{name}.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    code, printed = ask(tool, tmp_path, capsys)
    assert code == 2
    assert re.search(rf"{name}\.jsonl(, line |:)9\b.*truncated", printed)


@pytest.mark.parametrize(
    ("tools", "more", "words"),
    [
        (["report", "evaluate"], {"propensity": 1e300}, "<= 1.0 - at `$.propensity`"),
        (["report", "evaluate"], {"propensity": -0.5}, ">= 0.0 - at `$.propensity`"),
        (["lift", "report"], {"holdout_share": 2.0}, "<= 1.0 - at `$.holdout_share`"),
        (
            list(TOOLS),
            {"at": "2026-01-01T00:00:00"},
            "a time must have a zone; got '2026-01-01T00:00:00' - at `$.at`",
        ),
        (["report"], {"arm": "<b>"}, "`arm` must be one of `probabilities`"),
        (["evaluate"], {"arm": "<b>"}, "`arm` must be one of `eligible`"),
        (["evaluate"], {"propensity": 5e-324}, "`propensity` must be the one of `probabilities` that `arm`"),
    ],
)
def test_an_impossible_decision_is_refused_with_its_line(tools, more, words, tmp_path, capsys):
    log(tmp_path, decisions=9)
    changed(tmp_path / "decisions.jsonl", **more)
    for tool in tools:
        code, printed = ask(tool, tmp_path, capsys)
        assert code == 2
        assert re.search(r"decisions\.jsonl(, line |:)1\b", printed)
        assert words in printed


@each_tool
def test_a_log_that_was_concatenated_twice_is_refused(tool, tmp_path, capsys):
    path = log(tmp_path, decisions=9) / "rewards.jsonl"
    path.write_bytes(path.read_bytes() * 2)
    code, printed = ask(tool, tmp_path, capsys)
    assert code == 2
    assert re.search(r"must be recorded once|the end of each window once", printed)


def test_a_tiny_probability_still_has_a_page(tmp_path, capsys):
    log(tmp_path, decisions=9, holdout=0.0)
    changed(tmp_path / "decisions.jsonl", propensity=5e-324)
    code, _ = ask("report", tmp_path, capsys)
    assert code == 0
    assert "largest weight 333,333,333,333.3" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_log_of_one_decision_gives_few_figures(tmp_path, capsys):
    log(tmp_path, decisions=1, holdout=0.0, set_to=0.2)
    code, printed = ask("lift", tmp_path, capsys)
    assert code == 0
    assert "1 whose time is not over" in printed
    assert "nan" not in printed
    code, printed = ask("evaluate", tmp_path, capsys)
    assert code == 0
    assert "CANNOT BE ANSWERED FROM THIS LOG" in printed


def test_a_log_without_decisions_gives_no_figures(tmp_path, capsys):
    log(tmp_path, decisions=0)
    code, printed = ask("lift", tmp_path, capsys)
    assert code == 0
    assert "holds no decision" in printed
    code, printed = ask("evaluate", tmp_path, capsys)
    assert code == 2
    assert "must have decisions whose reward is known; there are none" in printed


def test_where_everybody_was_held_out_the_lift_is_doubtful(tmp_path, capsys):
    log(tmp_path, decisions=3000, every_s=600.0, holdout=1.0, set_to=0.1)
    code, printed = ask("lift", tmp_path, capsys)
    assert code == 0
    assert "the share of the holdout differs from the configured one" in printed
    assert printed.count("doubtful") == 2
    assert not re.search("better|worse", printed)
    code, printed = ask("report", tmp_path, capsys)
    assert code == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("do not trust it, since the share of the holdout differs from the configured one") == 2
    code, printed = ask("evaluate", tmp_path, capsys)
    assert code == 2
    assert "left out: 3000 holdout" in printed


@each_tool
def test_names_that_look_like_markup_are_names(tool, tmp_path, capsys):
    log(tmp_path, arms=("no_offer", "[/b]", "<b>ü"))
    decisions = tmp_path / "decisions.jsonl"
    changed(decisions, is_trainable=False, holdout=False, reason="[/reason]")
    code, printed = ask(tool, tmp_path, capsys)
    assert code == 0
    assert "[/reason]" in printed or tool != "evaluate"


def test_a_summary_that_is_no_file_is_refused(tmp_path, capsys):
    log(tmp_path, decisions=9, summary=False)
    (tmp_path / "summary.json").mkdir()
    assert ask("report", tmp_path, capsys) == (
        2,
        f"offerstream report: {tmp_path}/summary.json must be what replay wrote; got: Is a directory\n",
    )


# Events, and where to write


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(orjson.dumps(carted(0)) + b"\n")
    return path


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(bytes(range(256)) * 99)[:-9]])
def test_a_broken_gzip_is_refused(content, tmp_path, capfd):
    broken = tmp_path / "events.jsonl.gz"
    broken.write_bytes(content)
    assert main(["replay", str(broken), "--out", str(tmp_path / "out")]) == 2
    assert re.fullmatch(
        f"offerstream replay: {re.escape(str(broken))} must be gzip from end to end; got: [^\n]+\n",
        capfd.readouterr().err,
    )


def test_a_directory_cannot_be_made_in_a_file(events, capsys):
    for command in (["replay", str(events)], ["backtest", str(events), "--policy", "none"]):
        assert main([*command, "--out", str(events / "out")]) == 2
        words = f"the output directory {events / 'out'} must be new or empty; got: Not a directory"
        assert words in capsys.readouterr().err


def test_figures_that_cannot_be_written_are_refused(events, tmp_path, capsys):
    assert main(["backtest", str(events), "--policy", "none", "--json", str(tmp_path)]) == 2
    assert "--json must be a file that can be written; got " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"seconds": float("nan")}, "seconds must be a number from 0; got nan"),
        ({"seconds": -1.0}, "seconds must be a number from 0; got -1.0"),
        (
            {"seconds": 1e12},
            "seconds must be at most 20 years of a file, at that speed; got 1000000000000.0",
        ),
        ({"visits_per_hour": 1e300}, "visits_per_hour must be at most 1,000,000; got 1e+300"),
    ],
)
def test_impossible_lengths_and_rates_are_refused(more, words):
    some: Shop = shop(offer())
    with pytest.raises(SetupError, match=re.escape(words)):
        SimulationSettings(some, Path("events.jsonl"), **more)


@pytest.mark.parametrize("when", ["1e300", "0", "nan"])
def test_a_world_begins_at_an_acceptable_time(when, tmp_path):
    path = tmp_path / "world.toml"
    path.write_text(f"starts_at_s = {when}")
    with pytest.raises(SetupError, match="starts_at_s must be "):
        shoppers_of(str(path))


def test_a_table_with_a_byte_order_mark_is_read(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("\ufeffarm,reward,propensity\n" + "a,1,0.5\nb,2,0.5\n" * 9, encoding="utf-8")
    assert main(["evaluate", str(path), "--policy", "uniform"]) == 0
    assert "18 rows" in capsys.readouterr().out
