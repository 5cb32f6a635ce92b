"""Decisions of a run are found by their ids, and their numbers are those that the models had then."""

import json
import math
from datetime import timedelta

import jsonschema
import pytest

from flows.cli import main
from flows.studies.explain.explained import explained
from flows.studies.explain.from_files import story_in_files
from operators.decisions.market import MarketStation
from schemas.json_schemas import json_schemas

OFFERS = """
[markets.default]
margin_rate = 0.4
timezone = "Europe/Berlin"
[markets.default.rules.consent]
required = []
"""
OFFER = """
[[offers]]
name = "{name}"
kind = "{kind}"
value = {value}
channel = "on_site"
expires_after = "10m"
reward_window = "20m"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The directory of a replay, and what the models said at each moment when they were asked."""
    directory, asked = tmp_path_factory.mktemp("explain"), {}
    offers = [("ten_percent", "percent_off", 10), ("five_off", "amount_off", 5), ("ship", "free_shipping", 4)]
    text = OFFERS + "".join(OFFER.format(name=n, kind=k, value=v) for n, k, v in offers)
    (directory / "offers.toml").write_text(text)
    events = directory / "events.jsonl"
    day = ["--seconds", "36000", "--seed", "7", "--cart-share", "0.5", "--visits-per-hour", "120"]
    assert main(["simulate", "--out", str(events), *day]) == 0

    def on_moment(station, moment):
        score = station.abandonment
        context = {**moment.features, "abandonment": score.score(moment.features)}
        raw = score.classifier.classifier.probability(moment.features)
        arms = ["no_offer", *(name for name, _, _ in offers)]
        asked[moment.id] = raw, station.decisions.policy.values(arms, context)
        return plain(station, moment)

    plain = MarketStation.on_moment
    with pytest.MonkeyPatch.context() as patch:
        from operators.decisions import market  # noqa: PLC0415  only here

        patch.setitem(market._HANDLERS, market.Moment, on_moment)
        out = directory / "out"
        assert (
            main(["replay", str(events), "--out", str(out), "--offers", str(directory / "offers.toml")]) == 0
        )
    return out, asked


def lines(run, name="decisions"):
    return [json.loads(line) for line in (run[0] / f"{name}.jsonl").read_text().splitlines()]


def test_twenty_decisions_are_recomputed_from_what_the_models_were_then(run):
    drawn = [each for each in lines(run) if each["uplift_of"] is not None][-20:]
    assert len(drawn) == 20
    assert {each["arm"] for each in drawn} > {"no_offer"}
    for record in drawn:
        found = explained(story_in_files(run[0], record["decision_id"]))
        raw, values = run[1][record["moment_id"]]
        assert found.score.before_calibration == pytest.approx(raw, abs=1e-9)
        for arm in found.choice.arms:
            assert arm.expected == pytest.approx(values[arm.name])
        uplift = values[found.choice.uplift_of] - values["no_offer"]
        assert found.choice.uplift.total == pytest.approx(uplift, abs=1e-9)
        assert math.fsum(each.probability for each in found.choice.arms) == pytest.approx(1.0)


def test_what_followed_is_that_of_the_files(run):
    ended = {
        each["data"]["offer_id"]: each["data"]["reason"]
        for each in lines(run, "offers")
        if "reason" in each["data"]
    }
    offer_id = next(name for name, reason in ended.items() if reason == "purchased")
    found = explained(story_in_files(run[0], f"{offer_id}-decided"))
    assert found.moment.offer_id == offer_id
    rewards = [each for each in lines(run, "rewards") if each["decision_id"] == offer_id]
    assert found.reward.profit == pytest.approx(sum(each["profit"] for each in rewards))
    assert {"published", "revoked", "ordered", "reward", "cart"} <= {each.what for each in found.happened}
    assert found.similar is not None


def explain(run, *arguments):
    settings = ["--from", str(run[0]), "--offers", str(run[0].parent / "offers.toml")]
    return main(["explain", *arguments, *settings])


def test_the_command_prints_sentences_and_writes_json_that_fits_its_schema(run, tmp_path, capsys):
    decision = lines(run)[-1]["decision_id"]
    path = tmp_path / "explanation.json"
    assert explain(run, decision, "--json", str(path)) == 0
    assert "(Europe/Berlin), market default" in " ".join(capsys.readouterr().out.split())
    written = json.loads(path.read_text())
    jsonschema.Draft202012Validator(json_schemas()["explanation.json"]).validate(written)
    assert written["moment"]["decision_id"] == decision
    assert explain(run, decision, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out) == written


def test_a_decision_that_is_not_there_is_an_error(run, capsys):
    assert explain(run, "nobody") == 2
    assert f"{run[0]} has no decision or offer 'nobody'" in capsys.readouterr().err


def test_a_directory_that_is_none_of_ours_is_an_error(tmp_path, capsys):
    assert main(["explain", "some", "--from", str(tmp_path)]) == 2
    assert "decisions.jsonl must be a file that replay or export wrote" in capsys.readouterr().err
    (tmp_path / "decisions.jsonl").write_text('{"some": 1}\n')
    assert main(["explain", "some", "--from", str(tmp_path)]) == 2
    assert "decisions.jsonl must hold records as this version writes them" in capsys.readouterr().err


def test_the_topics_are_read_a_week_back_unless_told_otherwise():
    from flows.cli import parsed  # noqa: PLC0415  beside main

    assert parsed(["explain", "some"]).since == timedelta(days=7)
    assert parsed(["explain", "some", "--since", "30d"]).since == timedelta(days=30)
