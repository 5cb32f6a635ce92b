"""Lift where a market was rolled out in stages: whose units are compared, and whether it may go on."""

import orjson
import pytest

from flows.cli import main
from flows.studies.lift.promotion import promotion
from flows.studies.lift.run import read_lift
from flows.studies.lift.view import heading
from schemas.rollout import PromotionCriteria
from tests.builders import DAY, offer, rules, shop
from tests.flows.studies.test_lift import Written, again, decided, profits, rewarded, written

INSIDE = {"stage": "canary", "canary": True}
OUTSIDE = {"stage": "canary", "canary": False}
RULE = {"stage": "rule"}
SHADOW = {"stage": "shadow"}


def later(at, first, **more):
    return again(at, first) | {"stage": "online", "canary": None} | more


@pytest.mark.parametrize(("begun", "counts"), [(INSIDE, True), (OUTSIDE, False), (RULE, False), ({}, True)])
@pytest.mark.parametrize("held_out", [True, False])
def test_a_unit_counts_where_the_policy_chose_for_it_first_in_both_groups_alike(
    tmp_path, begun, counts, held_out
):
    unit = decided(0, held_out=held_out, **begun)
    found = written(tmp_path, [unit], [rewarded(unit, (60, 10.0))])
    assert profits(found) == ([10.0] if counts else [])
    assert (found.outside, found.balance.units) == (int(not counts), int(counts))
    assert list(found.units.held_out) == ([held_out] if counts else [])


def test_a_unit_outside_stays_out_when_it_comes_in_and_one_inside_stays_in(tmp_path):
    outside, inside = decided(0, "visitor:out", **OUTSIDE), decided(1, "visitor:in", **INSIDE)
    came, went = later(DAY, outside, **INSIDE), later(DAY + 1, inside, **RULE)
    decisions = [outside, inside, came, went]
    rewards = [
        rewarded(each, ((each is came or each is went) and (2 * DAY, 5.0)) or (60, 1.0)) for each in decisions
    ]
    found = written(tmp_path, decisions, rewards)
    assert (profits(found), found.outside) == ([6.0], 1)


def test_a_unit_seen_in_shadow_begins_with_its_first_decision_after_it(tmp_path):
    first = decided(0, **SHADOW)
    second = later(10 * DAY, first)
    rewards = [
        rewarded(first, (60, 100.0), (10 * DAY + 60, 3.0), cost=7.0),
        rewarded(second, (11 * DAY, 20.0), (16 * DAY, 1.0)),
    ]
    found = written(tmp_path, [first, second], rewards)
    assert profits(found) == [24.0]
    assert (found.in_shadow, found.outside, found.begun_before, found.units.at_s.size) == (0, 0, 0, 1)


def test_a_unit_seen_in_shadow_and_then_outside_of_the_canary_is_left_out(tmp_path):
    first = decided(0, **SHADOW)
    second, third = later(DAY, first, **OUTSIDE), later(2 * DAY, first)
    found = written(tmp_path, [first, second, third], map(rewarded, [first, second, third]))
    assert (profits(found), found.in_shadow, found.outside) == ([], 0, 1)


def test_a_unit_seen_in_shadow_alone_is_left_out_and_one_that_began_before_the_records_too(tmp_path):
    alone, before = decided(0, "visitor:a", **SHADOW), decided(1, "visitor:b", **SHADOW)
    before["assigned_at"] = decided(-DAY)["at"]
    after = later(DAY, before)
    found = written(tmp_path, [alone, before, after], map(rewarded, [alone, before, after]))
    assert (profits(found), found.in_shadow, found.begun_before) == ([], 1, 1)


def test_what_is_left_out_and_the_stage_are_said(tmp_path):
    units = [decided(0, "user:a", **OUTSIDE), decided(1, "user:b", **SHADOW), decided(2, "user:c", **INSIDE)]
    said = heading(written(tmp_path, units, map(rewarded, units)))
    assert "stage of the rollout: canary" in said
    assert "left out: 1 outside of the canary, or of the rollout's rule" in said
    assert "left out: 1 decided upon in shadow alone" in said
    assert "rollout" not in heading(written(tmp_path, [decided(0)], []))


@pytest.mark.parametrize("rule", [None, "always:ten_percent"])
def test_the_records_of_a_worker_say_who_is_in_the_test(tmp_path, rule):
    rollout = {"stage": "canary", "share": 0.5, "rule": rule}
    of = shop(offer(), holdout=0.5, rules=rules("0s"), rollout=rollout)
    desk = Written(of=of)
    decisions = [desk.idle(n, f"v{n}")[0] for n in range(40)]
    desk.idle(30 * DAY, "bob")
    desk.write(tmp_path)
    found = read_lift(tmp_path)["default"]
    inside = [each for each in decisions if each["canary"]]
    assert found.units.at_s.size == len(inside)
    assert found.outside == len(decisions) - len(inside) > 5
    assert list(found.units.held_out) == [each["holdout"] for each in inside]
    assert 0 < found.units.held_out.sum() < len(inside)


# Criteria


def rich(number, stage=INSIDE, better=5.0):
    """Units of which those with the policy earn so much more; a tenth is held out."""
    units = [decided(n, f"visitor:{n}", held_out=n % 10 == 0, **stage) for n in range(number)]
    return units, [
        rewarded(unit, (60, 20.0 + better * (n % 10 != 0) + n % 3)) for n, unit in enumerate(units)
    ]


def asked(directory, number=2000, *, persons=1000, lift_above=0.0, **more):
    lift = written(directory, *rich(number, **more))
    return promotion(PromotionCriteria(persons=persons, lift_above=lift_above), lift)


def test_criteria_are_met_with_enough_persons_and_an_interval_above(tmp_path):
    found = asked(tmp_path)
    assert found.is_met
    assert found.lower > 0
    assert found.sentence().startswith("promotion from canary: met: 2,000 of 1,000 persons; lift in profit")


@pytest.mark.parametrize(
    "more",
    [
        {"persons": 2001},
        {"lift_above": 5.0},
        {"better": 0.0},
        {"better": -5.0},
        {"stage": RULE},
        {"stage": SHADOW},
        {"number": 10, "persons": 1},
    ],
)
def test_criteria_are_not_met_with_too_few_or_too_little(tmp_path, more):
    found = asked(tmp_path, **more)
    assert not found.is_met
    assert ": not yet: " in found.sentence()


def test_criteria_are_not_met_where_the_holdout_is_out_of_balance(tmp_path):
    units = [decided(n, f"visitor:{n}", held_out=n % 2 == 0, **INSIDE) for n in range(2000)]
    rewards = [rewarded(unit, (60, 10.0 + 20 * (n % 2))) for n, unit in enumerate(units)]
    found = promotion(PromotionCriteria(persons=1), written(tmp_path, units, rewards))
    assert not found.is_met
    assert "the holdout is out of balance" in found.sentence()


def offers_file(directory, rollout):
    path = directory / "offers.toml"
    path.write_text(f"[markets.default]\nmargin_rate = 0.4\n[markets.default.rollout]\n{rollout}\n")
    return str(path)


def test_lift_says_how_far_a_market_is_only_with_its_offers_file(tmp_path, capsys):
    written(tmp_path, *rich(2000))
    offers = offers_file(tmp_path, 'stage = "canary"\npromote_when = { persons = 3000, lift_above = 1 }')
    path = tmp_path / "lift.json"
    assert main(["lift", str(tmp_path), "--offers", offers, "--json", str(path)]) == 0
    assert "promotion from canary: not yet: 2,000 of 3,000 persons" in capsys.readouterr().out
    figures = orjson.loads(path.read_bytes())["default"]
    assert (figures["stage"], figures["outside_rollout"]) == ("canary", 0)
    promoted = figures["promotion"]
    assert (promoted["is_met"], promoted["persons"], promoted["persons_wanted"]) == (False, 2000, 3000)
    assert promoted["lower"] == figures["profit"]["lower"] > promoted["lift_above"] == 1.0
    assert main(["lift", str(tmp_path), "--json", str(path)]) == 0
    assert "promotion" not in capsys.readouterr().out
    assert "promotion" not in orjson.loads(path.read_bytes())["default"]


def test_lift_says_nothing_of_a_market_without_criteria(tmp_path, capsys):
    written(tmp_path, *rich(20))
    assert main(["lift", str(tmp_path), "--offers", offers_file(tmp_path, 'stage = "canary"')]) == 0
    assert "promotion" not in capsys.readouterr().out


def test_a_wrong_offers_file_is_refused(tmp_path, capsys):
    written(tmp_path, [decided(0)])
    assert main(["lift", str(tmp_path), "--offers", offers_file(tmp_path, 'stage = "rule"')]) == 2
    assert "stage rule must come with rule" in capsys.readouterr().err
