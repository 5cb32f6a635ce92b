"""Policies side by side: the same simulated shoppers, who react, or the same recorded events, who cannot."""

import json

import orjson
import pytest

from flows.cli import main
from flows.demo.settings import OFFERS as DEMO
from flows.settings import read_settings
from flows.studies.backtest.compare import (
    backtest,
    check_policies,
    recorded_run,
    simulated_run,
    with_demo_offers,
)
from flows.studies.backtest.shoppers import Shoppers, WorldLength, shoppers_of, world_of
from operators.simulation import World
from schemas.errors import SetupError
from tests.builders import carted, ordered, told

SPECS = ("none", "always:free_shipping")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Two policies over the same 250 carts, and where their files are."""
    out = tmp_path_factory.mktemp("compared") / "out"
    settings = with_demo_offers(read_settings(seed=4))
    run = simulated_run(Shoppers(visits_per_hour=6000), settings, WorldLength(decisions=250))
    return backtest(run, SPECS, settings, out), out


def records(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_every_policy_meets_the_same_carts(compared):
    rows, out = compared
    none, always = (
        {each["cart_id"]: each for each in records(out / folder / "decisions.jsonl")}
        for folder in ("none", "always-free_shipping")
    )
    assert none.keys() == always.keys()
    assert 240 <= len(none) <= 300
    assert [row["decisions"] + row["holdout_decisions"] for row in rows] == [len(none), len(always)]


def test_decisions_name_their_policy(compared):
    _, out = compared
    always = records(out / "always-free_shipping" / "decisions.jsonl")
    assert {each["policy"] for each in always} == {"always:free_shipping"}
    assert {each["arm"] for each in always if not each["holdout"]} == {"free_shipping"}


def test_shoppers_react_to_the_offers_of_each_policy(compared):
    (none, always), _ = compared
    assert none["offers"] == 0
    assert always["offers"] == always["decisions"]
    assert always["conversion"]["mean"] > none["conversion"]["mean"] + 0.02
    mean, low, high = always["difference_to_first"].values()
    assert low < mean < high
    assert mean == pytest.approx(always["profit_per_decision"]["mean"] - none["profit_per_decision"]["mean"])


def test_regret_is_exact_and_that_of_no_offer_is_the_whole_advantage_of_the_oracle(compared):
    (none, always), out = compared
    truths = [each for each in records(out / "none" / "truth.jsonl") if not each["holdout"]]
    assert len(truths) == none["decisions"]
    assert none["regret"] == pytest.approx(sum(each["best"] - each["no_offer"] for each in truths))
    assert none["share_of_oracle"] == pytest.approx(0.0)
    assert always["regret"] < none["regret"]
    assert 0.1 < always["share_of_oracle"] < 0.7


@pytest.mark.parametrize("folder", ["none", "always-free_shipping"])
def test_the_profit_is_the_expected_one_but_for_chance(compared, folder):
    _, out = compared
    expected = {each["decision_id"]: each["value"] for each in records(out / folder / "truth.jsonl")}
    away = [
        each["profit"] - expected[each["decision_id"]] for each in records(out / folder / "rewards.jsonl")
    ]
    assert len(away) == len(expected)
    assert abs(sum(away)) < 4 * sum(each**2 for each in away) ** 0.5


def test_shoppers_of_the_holdout_buy_the_same_under_every_policy(compared):
    _, out = compared
    bought = [
        {
            each["decision_id"]: each["orders"]
            for each in records(out / folder / "rewards.jsonl")
            if each["holdout"]
        }
        for folder in ("none", "always-free_shipping")
    ]
    assert bought[0] == bought[1]
    assert bought[0]


def test_no_visitor_comes_after_the_end_of_a_world_but_all_finish_their_visits():
    settings = with_demo_offers(read_settings())
    world = World(0, world_of(Shoppers(), settings, WorldLength(visitors=40)))
    events = world.events_until(world.settings.starts_at_s + 3 * 86_400.0)
    first = {}
    for each in events:
        first.setdefault(each["session_id"], each["time"])
    assert len({each["visitor_id"] for each in events}) == 40
    assert len(first) >= 40
    assert world.next_s == float("inf")


def test_a_file_describes_the_shoppers(tmp_path):
    path = tmp_path / "world.toml"
    path.write_text("visits_per_hour = 100\nseasons = true\n")
    assert shoppers_of(str(path)) == Shoppers(visits_per_hour=100, seasons=True)
    assert shoppers_of("default") == Shoppers()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cart_share = 2", r"cart_share must be less than or equal to 1; got 2"),
        ("speed = 2", "speed must not be there; the key is unknown"),
        ("cart_share =", "world.toml must be TOML in UTF-8; got: "),
        (None, "the shoppers must be `default` or a TOML file; got '.*world.toml': No such file"),
    ],
)
def test_shoppers_that_cannot_be_simulated_are_refused(tmp_path, text, words):
    path = tmp_path / "world.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SetupError, match=words):
        shoppers_of(str(path))


def test_shoppers_of_an_unknown_market_are_refused():
    with pytest.raises(SetupError, match="the market of the shoppers must be one of default; got 'moon'"):
        world_of(Shoppers(market="moon"), with_demo_offers(read_settings()), WorldLength(visitors=1))


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        (["magic"], "policy must be one of linear_thompson, .*; got 'magic'"),
        (["linucb:width=2"], "policy linucb takes the settings .*; got 'width'"),
        (["always:moon"], "policy always:moon: the arm must be one of no_offer, .*; got 'moon'"),
        (["none", "none"], "each policy must be given once; got 'none' twice"),
    ],
)
def test_policies_that_cannot_be_built_are_refused(specs, words):
    with pytest.raises(SetupError, match=words):
        check_policies(specs, read_settings())


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "events.jsonl"
    events = [carted(0), carted(1, "bob"), ordered(400, "bob"), told("shown", 9000, "default.x")]
    path.write_bytes(b"\n".join(map(orjson.dumps, events)))
    return path


def test_a_backtest_of_a_recording_warns_that_shoppers_do_not_react(recording, tmp_path, capsys):
    figures = tmp_path / "figures.json"
    command = ["backtest", str(recording), "--policy", "none", "--policy", "always:free_shipping"]
    assert main([*command, "--out", str(tmp_path / "out"), "--json", str(figures)]) == 0
    assert "The shoppers of a recording do not react" in capsys.readouterr().out
    written = json.loads(figures.read_text())
    assert written["reacting"] is False
    none, always = written["policies"]
    assert (none["decisions"], none["offers"], always["offers"]) == (2, 0, 2)
    assert none["profit_per_decision"]["mean"] == always["profit_per_decision"]["mean"] == 50 * 0.35 / 2
    assert "regret" not in none
    assert "difference_to_first" not in always
    assert not (tmp_path / "out" / "none" / "truth.jsonl").exists()


def test_what_a_file_lets_choose_in_a_market_does_not_choose_in_a_comparison(recording, tmp_path):
    offers = tmp_path / "offers.toml"
    own = 'policy = "uniform"\nrollout = { stage = "shadow" }\nholdout = 0.0\n'
    offers.write_text(DEMO.read_text().replace("holdout = 0.1\n", own))
    settings, out = read_settings(offers=offers), tmp_path / "out"
    (always,) = backtest(recorded_run([recording], "native"), SPECS[1:], settings, out)
    decisions = records(out / "always-free_shipping" / "decisions.jsonl")
    assert {(each["policy"], each["stage"]) for each in decisions} == {(SPECS[1], "online")}
    assert always["offers"] == len(decisions) > 0


def test_one_policy_with_two_settings_is_two_policies(recording, tmp_path):
    out = tmp_path / "out"
    specs = ["linear_thompson", "linear_thompson:floor=1"]
    run = recorded_run([recording], "native")
    assert [row["policy"] for row in backtest(run, specs, read_settings(), out)] == specs
    found = records(out / "linear_thompson-floor-1" / "decisions.jsonl")
    assert {each["policy"] for each in found} == {specs[1]}
    for each in found:
        assert set(each["probabilities"].values()) == {1 / len(each["eligible"])}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "either EVENTS or --shoppers must be given; got neither"),
        (["EVENTS", "--shoppers", "default"], "either EVENTS or --shoppers must be given; got both"),
        (["EVENTS", "--visitors", "5"], "--visitors and --decisions go with --shoppers; got EVENTS"),
        (["missing.jsonl"], "the input must be a file that can be read; got 'missing.jsonl'"),
        (
            ["--shoppers", "default", "--visitors", "5", "--decisions", "5"],
            "--visitors or --decisions must be given, not both",
        ),
        (["EVENTS", "--out", "FULL"], "must be new or empty; got: files in it"),
    ],
)
def test_arguments_that_exclude_each_other_are_refused(recording, tmp_path, capsys, words, message):
    places = {"EVENTS": str(recording), "FULL": str(tmp_path)}
    command = ["backtest", *(places.get(word, word) for word in words), "--policy", "none"]
    assert main(command) == 2
    assert message in capsys.readouterr().err


def test_a_count_of_zero_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["backtest", "--shoppers", "default", "--visitors", "0", "--policy", "none"])
    assert "must be a whole number from 1; got '0'" in capsys.readouterr().err
