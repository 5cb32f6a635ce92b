"""``control`` as a marketer uses it, with a topic in memory."""

import re

import pytest

from flows.cli import main
from flows.commands import control
from flows.controls.log import ControlLog
from flows.settings import read_settings
from schemas.controls import control_key
from schemas.message import Message

OFFERS = """\
[markets.default]
holdout = 0.05
[markets.uk]
currency = "GBP"

[[offers]]
name = "ten"
kind = "percent_off"
value = 10
channel = "email"
expires_after = "1h"
reward_window = "2h"

[[offers]]
name = "five"
kind = "amount_off"
value = 5
channel = "email"
expires_after = "1h"
reward_window = "2h"
paused = true
"""


class Topic:
    """What ``ControlTopic`` does, without a broker; all of a test share the records."""

    def __init__(self, settings, records):
        self._settings = settings
        self.records = records

    def log(self):
        made = ControlLog(self._settings.shop(), self._settings.check_shop)
        made.read(
            Message(value, key.encode(), topic="shop.controls", partition=0, offset=offset)
            for offset, (key, value) in enumerate(self.records)
        )
        return made

    def send(self, record):
        self.records.append((control_key(record), record.model_dump_json().encode()))


class Shell:
    """Runs the command, and knows what it said and sent."""

    def __init__(self, capfd, offers):
        self.capfd = capfd
        self.offers = offers
        self.records = []

    def __call__(self, *words, by="ann"):
        name = [] if by is None or words[0] in READS else ["--by", by]
        code = main(["control", *words, *name, "--offers", str(self.offers)])
        said = self.capfd.readouterr()
        assert "Traceback" not in said.err
        assert code == 0, said.err
        return said.out

    def refused(self, *words, by="ann"):
        code = main(["control", *words, "--by", by, "--offers", str(self.offers)])
        said = self.capfd.readouterr()
        assert (code, said.out) == (2, "")
        assert said.err.count("\n") == 1
        return said.err

    @property
    def shop(self):
        settings = read_settings(offers=self.offers)
        return Topic(settings, self.records).log().history.in_force.shop


READS = ("show", "history", "diff", "consent")


@pytest.fixture
def shell(capfd, tmp_path, monkeypatch):
    offers = tmp_path / "offers.toml"
    offers.write_text(OFFERS)
    made = Shell(capfd, offers)
    monkeypatch.setattr(control, "ControlTopic", lambda settings: Topic(settings, made.records))
    return made


def test_a_setting_is_changed_and_the_new_version_named(shell):
    assert shell("set", "markets.uk.holdout", "0.1", "rules.cooldown.after_offer", "12h") == (
        "  markets.uk.holdout: 0.05 -> 0.1\n  rules.cooldown.after_offer: 1d -> 12h\nVersion 1 is in force.\n"
    )
    assert shell.shop.markets["uk"].holdout == 0.1


def test_show_says_who_set_what_when_and_why(shell):
    assert shell("show") == "The offers file alone is in force: controls have changed nothing.\n"
    shell("set", "markets.uk.holdout", "0.1", "--comment", "for the test")
    said = shell("show")
    assert said.startswith("Version 1 is in force. It differs from the offers file in:\n")
    assert re.search(
        r"markets\.uk\.holdout = 0\.1  \(file: 0\.05; version 1, ann, \d{4}-.*Z, 'for the test'\)", said
    )


def test_show_names_the_criteria_of_rollouts(shell):
    rollout = '{stage = "canary", promote_when = {persons = 2000, lift_above = 0.05}}'
    shell("set", "markets.uk.rollout", rollout)
    said = shell("show")
    assert "Criteria of promotion, which `offerstream lift --offers` reports on" in said
    assert "markets.uk.rollout: from canary, with 2,000 persons and the interval" in said
    assert "above 0.05\n" in said


def test_show_of_one_path_says_what_holds_there(shell):
    assert shell("show", "markets.uk.holdout") == "0.05\n"
    shell("set", "markets.uk.holdout", "0.1")
    assert shell("show", "markets.uk.holdout").startswith(
        "0.1\nmarkets.uk.holdout was set by controls: version 1, ann, "
    )
    assert '"currency": "GBP"' in shell("show", "markets.uk")


def test_an_offer_is_paused_and_resumed_and_the_file_holds_again(shell):
    assert "offers.ten.paused: false -> true" in shell("pause", "ten")
    assert shell.shop.offers[0].paused
    assert shell("pause", "ten") == "Nothing to change: that is so already.\n"
    assert "offers.ten.paused: true -> false" in shell("resume", "ten")
    assert shell("show") == "The offers file alone is in force (version 2).\n"


def test_an_offer_that_the_file_pauses_is_resumed_by_setting_it(shell):
    shell("resume", "five")
    assert not shell.shop.offers[1].paused
    shell("pause", "five")
    assert shell.shop.offers[1].paused


def test_all_offers_are_paused_at_once(shell):
    shell("pause", "--all")
    assert all(offer.paused for offer in shell.shop.offers)
    shell("resume", "--all")
    assert not any(offer.paused for offer in shell.shop.offers)


def test_an_offer_is_paused_in_one_market(shell):
    shell("pause", "ten", "--market", "uk")
    assert shell.shop.offers[0].markets == ("default",)
    shell("resume", "ten", "--market", "uk")
    assert shell.shop.offers[0].markets is None
    shell("pause", "ten", "--market", "uk")
    shell("pause", "ten", "--market", "default")
    assert shell.shop.offers[0].paused


def test_a_market_is_killed_and_revived(shell):
    shell("kill", "--market", "uk")
    assert (shell.shop.markets["uk"].killed, shell.shop.killed) == (True, False)
    shell("kill")
    assert shell.shop.killed
    shell("resume")
    shell("resume", "--market", "uk")
    assert not shell.shop.markets["uk"].killed
    assert not shell.shop.killed


def test_an_offer_is_added_and_taken_back(shell):
    shell(
        "set",
        "offers.two",
        '{kind = "points", value = 2, channel = "app", expires_after = "1h", reward_window = "1h"}',
    )
    assert shell.shop.offers[-1].name == "two"
    shell("set", "offers.two", "null")
    assert [offer.name for offer in shell.shop.offers] == ["ten", "five"]


def proposed(said):
    return re.search(r"Proposed as (c-\d{8}-[0-9a-f]{6}):", said)[1]


def test_a_proposal_is_approved_by_another_name(shell):
    change = proposed(shell("set", "markets.uk.holdout", "0.1", "--propose"))
    assert shell.shop.markets["uk"].holdout == 0.05
    assert f"{change}: markets.uk.holdout -> 0.1  (ann, " in shell("show")
    assert "by must be another name" in shell.refused("approve", change, by="Ann")
    assert shell("approve", change, by="bob") == "Version 2 is in force.\n"
    assert shell.shop.markets["uk"].holdout == 0.1


def test_a_proposal_is_withdrawn(shell):
    change = proposed(shell("propose", "killed", "true"))
    assert shell("withdraw", change, by="bob") == (
        f"Withdrawn: {change} of ann cannot be approved any more.\n"
    )
    assert "change must be one of the open proposals, none" in shell.refused("approve", change, by="bob")


def test_with_four_eyes_a_change_is_a_proposal_and_a_pause_is_not(shell):
    shell.offers.write_text(f"four_eyes = true\n{OFFERS}")
    proposed(shell("set", "markets.uk.holdout", "0.1"))
    assert "Version 2 is in force." in shell("pause", "ten")
    proposed(shell("resume", "ten"))


def test_the_history_has_every_record(shell):
    assert shell("history") == "Controls have changed nothing yet.\n"
    shell("set", "markets.uk.holdout", "0.1")
    change = proposed(shell("pause", "ten", "--propose", "--comment", "too dear"))
    shell("approve", change, by="bob")
    shell.records.append(("change/x", shell.records[0][1]))
    first, second, third, last = shell("history").splitlines()
    assert re.fullmatch(r" +1  \S+ \S+Z  ann +markets\.uk\.holdout 0\.05 -> 0\.1", first)
    assert second.endswith(f"ann          proposed {change}: offers.ten.paused false -> true, 'too dear'")
    assert third.endswith(f"bob          approved {change} of ann: offers.ten.paused false -> true")
    assert "refused: id must be another for each change" in last


def test_two_versions_are_compared(shell):
    shell("set", "markets.uk.holdout", "0.1")
    shell("set", "markets.uk.holdout", "0.2", "killed", "true")
    assert shell("diff", "1") == "markets.uk.holdout: 0.1 -> 0.2\nkilled: false -> true\n"
    assert shell("diff", "0", "1") == "markets.uk.holdout: 0.05 -> 0.1\n"
    assert shell("diff", "2", "2") == "Versions 2 and 2 do not differ.\n"


def test_a_consent_is_noted(shell):
    assert shell("consent", "--user", "u-1", "--deny", "email", "--grant", "app", "--market", "uk") == (
        "Noted.\n"
    )
    ((key, value),) = shell.records
    assert key == "consent/uk/user:u-1/app,email"
    assert b'"consent":{"app":true,"email":false}' in value


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "markets.uk.holdout", "2"), "markets.uk.holdout must be less than or equal to 1"),
        (("set", "markets.uk.holdout"), "PATH VALUE must be pairs"),
        (("set", "a..b", "1"), "set must have paths like markets.uk.holdout; got 'a..b'"),
        (("set", "killed", "null"), "killed must have been set by controls to be taken back"),
        (("set", "markets.uk.policy", "magic"), "markets.uk.policy: "),
        (("pause",), "OFFER must be given, or --all"),
        (("pause", "tne"), "OFFER must be one of ten, five; got 'tne'"),
        (("kill", "--market", "fr"), "--market must be one of default, uk; got 'fr'"),
        (("approve", "c-1"), "change must be one of the open proposals, none; got 'c-1'"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_and_not_sent(shell, words, said):
    assert said in shell.refused(*words)
    assert shell.records == []


def test_a_path_that_is_none_is_refused(shell):
    assert main(["control", "show", "markets.uk.holdot", "--offers", str(shell.offers)]) == 2
    assert "PATH must be one of the offers file" in shell.capfd.readouterr().err


def test_a_dry_run_sends_nothing(shell, tmp_path):
    (tmp_path / "ledger").mkdir()
    said = shell("kill", "--dry-run", "--state", str(tmp_path))
    assert said.startswith("It would change:\n  killed: false -> true\ndefault: no decisions yet.\n")
    assert shell.records == []
