"""What the report shows of a market that is rolled out in stages."""

import orjson
import pytest

from flows.cli import main
from flows.studies.report.gather import gather
from flows.studies.report.lift_over_time import lift_over_time, lift_sections
from flows.studies.report.page import page
from tests.report_log import log, write

CRITERIA = "promote_when = { persons = 1000, lift_above = 0.5 }"


def lines(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    """A log of which the second half of the visitors is outside of a canary without a rule."""
    directory = log(tmp_path_factory.mktemp("canary"), decisions=200)
    decisions = lines(directory / "decisions.jsonl")
    for n, each in enumerate(decisions):
        each |= {"stage": "canary", "canary": n < 100}
        if n >= 100 and not each["holdout"]:
            each |= {
                "arm": "no_offer",
                "eligible": ["no_offer"],
                "offer_id": None,
                "propensity": 1.0,
                "probabilities": {"no_offer": 1.0},
                "is_trainable": False,
                "reason": "rollout",
            }
    write(directory / "decisions.jsonl", decisions)
    return directory


def offers_file(directory, rollout=CRITERIA):
    path = directory / "offers.toml"
    path.write_text(
        f'[markets.default]\nmargin_rate = 0.4\n[markets.default.rollout]\nstage = "canary"\n{rollout}\n'
    )
    return path


def test_profit_is_that_of_persons_inside_and_of_the_holdout(canary):
    (market,) = gather(canary)
    figures = dict(market.figures())
    assert figures["outside of the canary, left out of what follows"] == "100"
    inside = {each["decision_id"] for each in lines(canary / "decisions.jsonl") if each["canary"]}
    rewards = [each for each in lines(canary / "rewards.jsonl") if each["decision_id"] in inside]
    own = [each["profit"] for each in rewards if not each["holdout"]]
    assert figures["profit per decision, policy (95 %)"].startswith(f"{sum(own) / len(own):.2f} (")
    assert sum(ratio.count for ratio in market.arms.profit.values()) == len(own)
    assert market.shares.total.total() == len(own)


def test_who_is_outside_had_a_choice_and_trains_nothing(canary):
    (market,) = gather(canary)
    diagnosis = market.diagnosis.diagnosis
    assert diagnosis.choices.without == 0.0
    decisions = lines(canary / "decisions.jsonl")
    assert diagnosis.updates == sum(each["is_trainable"] for each in decisions)


def test_the_plots_of_lift_say_who_is_left_out(canary):
    (market,) = gather(canary)
    for section in lift_sections(lift_over_time("default", market.columns)):
        assert "Left out of both groups: 50 outside of the canary, or of the rollout's rule." in section.now


def test_nothing_is_said_of_a_rollout_where_there_is_none(tmp_path):
    (market,) = gather(log(tmp_path, decisions=20))
    assert market.promotion() is None
    assert not [name for name, _ in market.figures() if "canary" in name]
    assert "Left out" not in page("run", [market])
    assert "romotion" not in page("run", [market]).partition("</style>")[2].partition("<body>")[2]


def test_the_command_says_how_far_a_market_is_from_its_criteria(canary, tmp_path, capsys):
    out, path = tmp_path / "report.html", tmp_path / "report.json"
    words = ["report", str(canary), "--out", str(out), "--json", str(path)]
    assert main([*words, "--offers", str(offers_file(tmp_path))]) == 0
    said = "promotion from canary: not yet: 0 of 1,000 persons; lift in profit a person is not known yet"
    assert f"default: {said}" in capsys.readouterr().out
    assert f"P{said[1:]}" in out.read_text()
    figures = orjson.loads(path.read_bytes())["default"]
    assert (figures["promotion"]["is_met"], figures["promotion"]["lower"]) == (False, None)
    assert figures["figures"]["decisions"] == "200"
    assert {each["level"] for each in figures["verdicts"]} <= {"good", "watch", "bad", "unknown"}
    assert main(words) == 0
    assert "promotion" not in capsys.readouterr().out
    assert orjson.loads(path.read_bytes())["default"]["promotion"] is None
