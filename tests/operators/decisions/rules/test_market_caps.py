"""Caps of a market in total: by calendar hour, day and week in its time zone."""

import pytest

from operators.decisions.rules.holding import Publication
from operators.decisions.rules.market_caps import MarketCaps
from schemas.limits import Cap
from tests.builders import DAY, HOUR, T0, offer
from tests.operators.decisions.rules.asking import configured, entry, held_until, local, not_held, now, of

MAIL = offer("mail", channel="email")


def desk(held=not_held, zone="UTC", **cap):
    caps = {"few": Cap(**{"per": "market", "at_most": 2, "by": "day"} | cap)} if cap is not None else {}
    return configured(MarketCaps(Publication(held)), of(offer(), MAIL, zone=zone, caps=caps))


def made(rule, *times, arm="ten_percent", **more):
    for at in times:
        rule.decided(entry(at, arm, f"visitor at {at}", **more))


def test_the_offer_after_the_last_one_that_is_allowed_is_removed_whoever_had_them():
    rule = desk()
    made(rule, 0)
    assert rule.removes(offer(), now(10)) is None
    made(rule, 20)
    assert rule.removes(offer(), now(30)) == "cap_total"


def test_decisions_without_an_offer_do_not_count_in_total():
    rule = desk(at_most=1)
    made(rule, 0, arm=None)
    assert rule.removes(offer(), now(10)) is None


def test_a_cap_of_some_offers_or_channels_counts_and_removes_only_those():
    rule = desk(at_most=1, offers=["mail"], channels=["email"])
    made(rule, 0)
    assert rule.removes(MAIL, now(10)) is None
    made(rule, 20, arm="mail")
    assert (rule.removes(MAIL, now(30)), rule.removes(offer(), now(30))) == ("cap_total", None)


def test_a_day_of_the_market_begins_at_its_midnight_wherever_the_person_is():
    rule = desk(zone="America/New_York", at_most=1)
    made(rule, local("2026-11-30T23:30", "America/New_York"))
    assert rule.removes(offer(), now(local("2026-11-30T23:59", "America/New_York"), zone="Asia/Tokyo"))
    assert not rule.removes(offer(), now(local("2026-12-01T00:00", "America/New_York"), zone="Asia/Tokyo"))


def test_an_offer_counts_in_total_when_it_is_published():
    rule = desk(held=held_until(local("2026-11-30T07:00")), at_most=1)
    made(rule, local("2026-11-29T22:00"), published=local("2026-11-30T07:00"))
    assert rule.removes(offer(), now(local("2026-11-29T23:00"))) == "cap_total"


def test_a_cap_that_controls_add_knows_what_went_before():
    rule = configured(MarketCaps(Publication(not_held)), of())
    made(rule, 0, 10)
    assert rule.removes(offer(), now(20)) is None
    configured(rule, of(caps={"few": Cap(per="market", at_most=2, by="day")}))
    assert rule.removes(offer(), now(20)) == "cap_total"


def test_after_a_crash_the_count_is_that_of_the_snapshot_and_of_the_ledger_after_it():
    rule = desk()
    made(rule, 0)
    resumed = desk()
    resumed.restore(rule.state())
    made(resumed, 10)
    assert resumed.removes(offer(), now(20)) == "cap_total"


@pytest.mark.parametrize("by", ["hour", "day", "week"])
def test_windows_that_are_over_are_forgotten(by):
    rule = desk(by=by)
    sizes = set()
    for at in range(0, int(30 * DAY), int(HOUR)):
        made(rule, at)
        rule.forget(T0 + at)
        if at > 8 * DAY:
            sizes.add(sum(len(windows) for windows in rule._counts.values()))
    assert sizes == {3}
    rule.forget(float("inf"))
    assert rule.removes(offer(), now(at)) is None or by != "hour"
