"""Settings that cannot work together stop a command at start, with the names of both."""

import pytest

from flows.settings import read_settings
from flows.worker.setting_rules import RULES
from schemas.errors import SetupError

WRONG = {
    "SESSION_GAP must be at least IDLE_AFTER, 2m, .*; got 1m": {"session_gap": "1m"},
    "SESSION_GAP must be at least IDLE_AFTER, 1h, .*; got 30m": {"idle_after": "1h"},
    "MAX_LEAD must be at least LATENESS, 10m, .*; got 5m": {"lateness": "10m"},
    "EMIT_AFTER must have a time zone, .*; got 2026-01-01T08:00:00": {"emit_after": "2026-01-01T08:00:00"},
    "CORRECTION must be at most 3650d; got 999999999d": {"correction": "999999999d"},
    "SEED must be at most 9223372036854775807; got 9223372036854775808": {"seed": 2**63},
}


@pytest.mark.parametrize("words", WRONG)
def test_settings_that_do_not_go_together_are_refused(words):
    with pytest.raises(SetupError, match=f"^{words}$"):
        read_settings(None, **WRONG[words])


def test_every_rule_has_an_example_that_breaks_it():
    for rule in RULES:
        words = f"{rule.longer.upper()} must be at least {rule.shorter.upper()}"
        assert any(each.startswith(words) for each in WRONG)


def test_limits_may_be_reached():
    read_settings(None, session_gap="2m", max_lead="10s", seed=2**63 - 1)


def settings_with(tmp_path, freshness, **given):
    offers = tmp_path / "offers.toml"
    offers.write_text(f"[markets.uk]\n[rules.freshness]\n{freshness}\n")
    return read_settings(None, offers=offers, **given)


def test_a_channel_that_is_stale_before_events_can_be_late_is_refused(tmp_path):
    settings_with(tmp_path, "app = '10s'").shop()
    words = r"offers.toml: rules.freshness.app of market uk must be at least LATENESS, 10s, .*; got 9s$"
    with pytest.raises(SetupError, match=words):
        settings_with(tmp_path, "app = '9s'").shop()


def test_what_happens_at_once_may_be_stale_sooner_than_events_may_be_late(tmp_path):
    settings_with(tmp_path, "on_site = '1s'", triggers="cart_changed,cart_idle").shop()


def test_the_order_of_their_sources_does_not_matter(tmp_path, monkeypatch):
    config = tmp_path / "worker.toml"
    config.write_text("session_gap = '20m'")
    monkeypatch.setenv("OFFERSTREAM_IDLE_AFTER", "25m")
    with pytest.raises(SetupError, match=r"^SESSION_GAP must be at least IDLE_AFTER, 25m, .*; got 20m$"):
        read_settings(config)
    assert read_settings(config, idle_after="5m").session_gap > read_settings(idle_after="5m").idle_after
