"""The command evaluates policies on what a replay wrote, and on any log in a CSV file."""

import gzip
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from flows.cli import main
from flows.studies.evaluate.run import EvaluationRequest, evaluate_log, read_log
from schemas.errors import OfferstreamError
from tests.builders import DAY, HOUR, Desk, World, of_type, shop
from tests.laws.shopping import SHOP, log

DATA = os.environ.get("OFFERSTREAM_DATA")
HEADER = "arm,reward,propensity"


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """What a replay of an hour of shopping writes, both markets."""
    directory = tmp_path_factory.mktemp("replayed")
    world = World(SHOP, correction_s=7200.0, visits={"session_gap_s": 360.0})
    world.tell(*log(visitors=300))
    world.end()
    for name in ("decision", "reward"):
        write(directory / f"{name}s.jsonl", map(json.dumps, world.lines(name)))
    return directory


def of_default(directory, name):
    found = map(json.loads, (directory / f"{name}.jsonl").read_text().splitlines())
    return [each for each in found if each["market"] == "default"]


def test_rows_are_the_draws_whose_reward_is_known_without_the_holdout(replayed):
    found = read_log(replayed, "default", {})
    decisions = of_default(replayed, "decisions")
    taken = (replayed / "decisions.jsonl").read_text().count("\n")
    assert len(found.rows) + sum(found.left_out.values()) == taken
    assert found.left_out["holdout"] == sum(each["holdout"] for each in decisions) > 0
    assert found.left_out["of another market"] > 0
    held = {each["visitor_id"] for each in decisions if each["holdout"]}
    assert not held & {row.visitor for row in found.rows}
    assert [row.at for row in found.rows] == sorted(row.at for row in found.rows)
    assert {visitor for _, visitor in found.holdout} == held


@pytest.fixture(scope="module")
def rolled_out(tmp_path_factory):
    """What a worker wrote in all stages, one after another: a day each, ten visitors in each."""
    rule = {"rule": "always:ten_percent"}
    stages = [
        {"stage": "shadow"},
        {"stage": "rule"} | rule,
        {"stage": "canary", "share": 0.5},
        {"stage": "canary", "share": 0.5} | rule,
        {"stage": "online"},
    ]
    desk = Desk(of=shop(holdout=0.2))
    records = []
    for n, stage in enumerate(stages):
        records += desk.control(n * DAY, n + 1, markets__default__rollout=stage)
        records += [each for m in range(10) for each in desk.idle(n * DAY + m, f"v{m} of {n}")]
        records += desk.wait(n * DAY + HOUR * 3)
    directory = tmp_path_factory.mktemp("rolled_out")
    for name in ("decision", "reward"):
        write(directory / f"{name}s.jsonl", map(json.dumps, of_type(records, name)))
    return directory


def test_draws_of_the_rule_are_rows_with_their_probabilities_and_others_of_the_rollout_are_left_out(
    rolled_out,
):
    found = read_log(rolled_out, None, {})
    decisions = of_default(rolled_out, "decisions")
    reasons = Counter(each["reason"] for each in decisions)
    assert reasons.keys() == {None, "holdout", "shadow", "rollout"}
    assert found.left_out == {why: number for why, number in reasons.items() if why is not None}
    assert len(found.rows) == reasons[None]
    drawn = {
        (each["stage"], each["policy"], each["propensity"]) for each in decisions if each["reason"] is None
    }
    rule = "always:ten_percent"
    ours = next(policy for stage, policy, _ in drawn if stage == "online")
    assert drawn == {
        ("rule", rule, 1.0),
        ("canary", rule, 1.0),
        ("canary", ours, 0.8),
        ("online", ours, 0.8),
    }
    assert {row.propensity for row in found.rows} == {1.0, 0.8}
    assert {row.logging["no_offer"] for row in found.rows if row.propensity == 1.0} == {0.0}


def test_a_log_of_the_rule_alone_cannot_say_what_other_arms_would_earn(rolled_out, tmp_path):
    decisions = [each for each in of_default(rolled_out, "decisions") if each["stage"] == "rule"]
    write(tmp_path / "decisions.jsonl", map(json.dumps, decisions))
    write(tmp_path / "rewards.jsonl", (rolled_out / "rewards.jsonl").read_text().splitlines())
    always = evaluate_log(EvaluationRequest(tmp_path, ["none", "always:ten_percent"])).report
    none, rule = always.policies
    assert not none.answerable
    assert rule.overlap.unlogged == 0.0


def test_a_reward_is_its_windows_profit_and_all_later_corrections(tmp_path, replayed):
    one = next(each for each in of_default(replayed, "decisions") if each["is_trainable"])
    closed = next(
        each for each in of_default(replayed, "rewards") if each["decision_id"] == one["decision_id"]
    )
    window, later = closed | {"profit": 3.5}, closed | {"kind": "correction", "profit": -1.25}
    unfinished = one | {"decision_id": "default.open"}
    write(tmp_path / "decisions.jsonl", map(json.dumps, [one, unfinished]))
    write(
        tmp_path / "rewards.jsonl", map(json.dumps, [window, later, later | {"decision_id": "default.open"}])
    )
    found = read_log(tmp_path, None, {})
    assert [row.reward for row in found.rows] == [1.0 + 1.25]
    assert found.left_out == {"open": 1}


def test_the_command_prints_every_estimator_and_writes_json(tmp_path, replayed, capsys):
    wanted = ["--policy", "none", "--policy", "uniform", "--policy", "linear_thompson"]
    path = tmp_path / "estimates.json"
    assert main(["evaluate", str(replayed), "--market", "default", *wanted, "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    for word in ("replay", "ips", "clipped_ips", "snips", "direct", "doubly_robust", "holdout", "as logged"):
        assert word in printed
    report = json.loads(path.read_text())["report"]
    assert [each["policy"] for each in report["policies"]] == ["none", "uniform", "linear_thompson"]
    assert report["trained_rows"] > 0
    assert set(report["policies"][1]["estimates"][1]) == {
        *("estimator", "value", "low", "high", "standard_error", "effective_sample_size", "largest_weight"),
    }


def test_a_policy_that_the_log_cannot_answer_is_flagged_and_is_null_in_json(tmp_path, capsys):
    rows = [f"a,{at % 2},0.999" for at in range(50)] + ["b,1,0.001"]
    path, out = write(tmp_path / "log.csv", [HEADER, *rows]), tmp_path / "o.json"
    assert main(["evaluate", str(path), "--policy", "always:b", "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "WARNING: CANNOT BE ANSWERED FROM THIS LOG" in printed
    assert "anything" in printed
    (policy,) = json.loads(out.read_text())["report"]["policies"]
    assert policy["answerable"] is False
    assert policy["estimates"][1]["high"] is None


def test_a_csv_is_read_by_the_names_of_its_columns(tmp_path):
    lines = [
        "Unnamed: 0,timestamp,item_id,position,click,propensity_score,age,city,mine:a,mine:b",
        "0,2026-01-02,a,1,0,0.5,30,Rome,1.0,0.0",
        "1,2026-01-01,b,2,1,0.25,,,0.5,0.5",
    ]
    first, second = read_log(write(tmp_path / "log.csv", lines), None, {}).rows
    assert (first.arm, first.reward, first.propensity, first.eligible) == ("b", 1.0, 0.25, ("a", "b"))
    assert first.context == {"position": "2"}
    assert second.context == {"age": 30.0, "city": "Rome", "position": "1"}
    assert second.policies == {"mine": {"a": 1.0, "b": 0.0}}


def test_columns_can_be_named_and_rows_have_eligible_arms_and_visitors(tmp_path):
    lines = ["what,profit,p,who,eligible,time", "b,-2.5,0.5,ann,a b,10", "a,1,0.5,ann,a|c,9"]
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    named = {"arm": "what", "reward": "profit", "propensity": "p", "visitor": "who"}
    first, second = read_log(path, None, named).rows
    assert (first.arm, first.eligible, first.visitor) == ("a", ("a", "c"), "ann")
    assert (second.reward, second.eligible) == (-2.5, ("a", "b"))


@pytest.mark.parametrize(
    ("lines", "named", "words"),
    [
        ([HEADER], {}, "must have a header and at least one row"),
        (
            ["arm,reward", "a,1"],
            {},
            r"must have a column propensity or propensity_score or pscore, or one named as the propensity",
        ),
        (
            [HEADER, "a,1,0.5"],
            {"reward": "gain"},
            "must have a column gain, .*; it has arm, reward, propensity",
        ),
        ([HEADER, "a,1,0.5"], {"price": "p"}, "a column can mean one of arm, reward, .*; got 'price'"),
        ([HEADER, "a,1,0.5", "a,1"], {}, r"log\.csv:3: must have 3 columns; got 2"),
        ([HEADER, "a,1,0.5", "b,many,0.5"], {}, r"log\.csv:3: reward must be a number; got 'many'"),
        ([HEADER + ",time", "a,1,0.5,3", "a,1,0.5,"], {}, "must have a time in every row, or in none"),
        ([HEADER, "a,1,nan"], {}, r"log\.csv:2: propensity must be a number; got 'nan'"),
        ([HEADER + ",eligible", "a,1,0.5,b c"], {}, r"log\.csv:2: eligible must list the arm .*, 'a'"),
    ],
)
def test_a_csv_that_is_no_log_is_refused(tmp_path, lines, named, words):
    path = write(tmp_path / "log.csv", lines)
    with pytest.raises(OfferstreamError, match=words):
        read_log(path, None, named)


def test_a_file_that_is_no_csv_is_refused(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OfferstreamError, match="must be a CSV file that can be read"):
        read_log(tmp_path / "log.csv", None, {})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["nowhere", "--policy", "none"],
            "the log must be a directory that replay or export wrote, or a CSV file; got 'nowhere'",
        ),
        (["{dir}", "--policy", "none"], "the market must be one of .*: default, uk; got none"),
        (["{dir}", "--policy", "none", "--market", "us"], "the market must be one of .*; got us"),
        (["{dir}", "--policy", "none", "--column", "arm=a"], "columns can be named for CSV files only"),
        (["{csv}", "--policy", "none", "--market", "uk"], "a market can be chosen for directories"),
        (["{csv}", "--policy", "none"], "must name an arm of the log: a; got 'no_offer'"),
        (["{csv}", "--policy", "best"], "--policy must be none, always:ARM"),
        (["{csv}", "--policy", "uniform", "--json", "{dir}"], "--json must be a file that can be written"),
        (["{empty}", "--policy", "none"], r"rewards\.jsonl must be a file that replay or export wrote"),
    ],
)
def test_wrong_arguments_end_with_2_and_one_line(tmp_path, replayed, capsys, words, message):
    csv, empty = write(tmp_path / "log.csv", [HEADER, "a,1,0.5"]), tmp_path / "empty"
    empty.mkdir()
    given = [word.format(dir=replayed, csv=csv, empty=empty) for word in words]
    assert main(["evaluate", *given]) == 2
    error = capsys.readouterr().err
    assert error.startswith("offerstream evaluate: ")
    assert error.count("\n") == 1
    assert re.search(message, error)


def test_a_broken_line_is_refused_with_its_place(tmp_path):
    write(tmp_path / "rewards.jsonl", ['{"type": "reward", "decision_id": "d", "kind": "window"}'])
    with pytest.raises(
        OfferstreamError,
        match=r"rewards\.jsonl, line 1 must be a record as this version writes it; got: .*profit",
    ):
        read_log(tmp_path, None, {})


def test_a_log_that_holds_a_decision_twice_is_refused_with_its_id(tmp_path, replayed):
    decisions = of_default(replayed, "decisions")
    (tmp_path / "rewards.jsonl").write_bytes((replayed / "rewards.jsonl").read_bytes())
    for twice in (decisions[0], decisions[-1], next(each for each in decisions if each["holdout"])):
        write(tmp_path / "decisions.jsonl", map(json.dumps, [*decisions, twice]))
        words = f"must have each decision once; {re.escape(twice['decision_id'])} is twice"
        with pytest.raises(OfferstreamError, match=words):
            read_log(tmp_path, "default", {})


def test_a_log_in_which_no_window_is_over_is_refused(tmp_path, replayed):
    (tmp_path / "decisions.jsonl").write_bytes((replayed / "decisions.jsonl").read_bytes())
    write(tmp_path / "rewards.jsonl", [])
    with pytest.raises(
        OfferstreamError, match=r"must have decisions whose reward is known; left out: .* open"
    ):
        read_log(tmp_path, "default", {})
    write(tmp_path / "decisions.jsonl", [])
    with pytest.raises(OfferstreamError, match="must have decisions whose reward is known; there are none"):
        read_log(tmp_path, None, {})


@pytest.mark.skipif(DATA is None, reason="OFFERSTREAM_DATA does not name the folder of real data")
def test_real_logs_answer_in_one_direction_and_refuse_in_the_other():
    random, bts = (Path(DATA) / "open_bandit_women" / f"{name}.csv" for name in ("random", "bts"))
    forth = evaluate_log(EvaluationRequest(random, [f"like:{bts}"])).report.policies[0]
    back = evaluate_log(EvaluationRequest(bts, [f"like:{random}", "uniform"])).report
    earned = back.logged
    assert forth.answerable
    for each in forth.estimates:
        assert each.low <= earned.value <= each.high
    for policy in back.policies:
        assert not policy.answerable
        assert policy.overlap.effective_sample_size == pytest.approx(2.0, abs=0.2)
        assert "the log is worth 2" in policy.warnings[0]
