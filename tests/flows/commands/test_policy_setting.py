"""The setting `policy` takes the words of `backtest`, and a restart with others says what is in force."""

import logging
from datetime import timedelta

import pytest
from bytewax.testing import run_main

from flows.cli import main
from flows.settings import read_settings
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.ledger import Ledgers
from schemas.errors import SetupError
from tests.laws.shopping import dataflow_of, decisions_in, log, messages, settings

WORDS = "linear_thompson:floor=0.02,half_life=1000"


def test_the_policy_and_its_settings_may_come_from_any_source(tmp_path, monkeypatch):
    config = tmp_path / "worker.toml"
    config.write_text(f'policy = "{WORDS}"')
    assert read_settings(config).policy == WORDS
    monkeypatch.setenv("OFFERSTREAM_POLICY", "uniform")
    assert read_settings(config).policy == "uniform"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("magic", "POLICY must be one of linear_thompson, .*; got 'magic'"),
        ("linucb:width=2", "POLICY linucb takes the settings seed, floor, .*; got 'width'"),
        ("linucb:floor=high", "POLICY linucb: floor=high cannot be: Expected `float`, got `str`"),
        ("linucb:floor=2", "POLICY floor must be a probability from 0 to 1; got 2"),
        ("always:moon", "policy always:moon: the arm must be one of no_offer, .*; got 'moon'"),
    ],
)
def test_a_spec_of_no_policy_stops_the_worker_at_start(words, message):
    with pytest.raises(SetupError, match=message):
        read_settings(policy=words).shop()


def test_the_worker_refuses_a_wrong_setting_of_its_policy(tmp_path, capsys):
    command = ["live", "--state", str(tmp_path / "state"), "--set", "policy=linucb:width=2,floor=0.1"]
    assert main(command) == 2
    assert "POLICY linucb takes the settings" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


@pytest.fixture(scope="module")
def events():
    return log()


@pytest.fixture
def run(events, tmp_path):
    """Runs the dataflow over the shopping on one state, to its end or until a crash after some batches."""
    ledgers = Ledgers()

    def decided(policy, crash_after=None):
        flow, ends = dataflow_of(
            messages(events), settings(policy=policy), ledgers=ledgers, batch=20, crash_after=crash_after
        )
        store = recovery_config(tmp_path / "recovery")
        run_main(flow, epoch_interval=timedelta(0), recovery_config=store)
        return decisions_in(ends["decisions"].items)

    return decided


def drawn(decisions):
    return [each for each in decisions if each["is_trainable"] and each["market"] == "default"]


def test_a_changed_floor_takes_effect_after_a_crash_and_the_policy_keeps_its_updates(run, events, caplog):
    caplog.set_level(logging.INFO, "offerstream")
    run("linear_thompson", crash_after=len(events) // 40)
    after = drawn(run("linear_thompson:floor=0.5"))
    found = [each for each in after if each["policy"] == "linear_thompson:floor=0.5"]
    assert len(found) > 20
    assert min(each["policy_version"] for each in found) > 5
    for each in found:
        assert min(each["probabilities"].values()) >= 0.5 / len(each["eligible"]) * (1 - 1e-9)
    (line,) = [each for each in caplog.messages if "market default" in each]
    assert "policy linear_thompson:seed=0,floor=0.5,half_life=4000.0," in line
    assert "resumes after" in line


@pytest.mark.parametrize("words", ["linear_thompson:half_life=50", "linucb"])
def test_another_policy_starts_untrained_after_a_crash_and_logs_it(run, events, caplog, words):
    run("linear_thompson", crash_after=len(events) // 40)
    found = [each for each in drawn(run(words)) if each["policy"] == words]
    assert min(each["policy_version"] for each in found) == 0
    lines = [each for each in caplog.records if "market default" in each.message]
    assert [each.levelname for each in lines] == ["WARNING"]
    assert f"policy {words.partition(':')[0]}:" in lines[0].message
    assert lines[0].message.endswith("starts untrained; the state was of linear_thompson")
