"""Quiet hours are those of the clock on the person's wall."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from operators.decisions.rules.quiet_hours import QuietHoursRule, quiet_until_s
from schemas.rules import QuietHours
from tests.builders import T0, moment, offer, rules, shop, situation

NIGHT = QuietHours(start="21:00", end="08:00")
NOON = QuietHours(start="12:00", end="13:00")


def until(hours, clock, zone):
    """When quiet hours are over at a time, by the clock there."""
    tz = ZoneInfo(zone)
    at_s = datetime.fromisoformat(clock).replace(tzinfo=tz).timestamp()
    ends_s = quiet_until_s(hours, situation(moment(at_s - T0), zone=zone))
    return None if ends_s is None else datetime.fromtimestamp(ends_s, tz).strftime("%a %H:%M")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"])
def test_a_night_ends_in_the_morning_of_whoever_is_asleep(zone):
    assert until(NIGHT, "2026-11-30T20:59:59", zone) is None
    assert until(NIGHT, "2026-11-30T21:00:00", zone) == "Tue 08:00"
    assert until(NIGHT, "2026-12-01T00:00:00", zone) == "Tue 08:00"
    assert until(NIGHT, "2026-12-01T07:59:59", zone) == "Tue 08:00"
    assert until(NIGHT, "2026-12-01T08:00:00", zone) is None


def test_hours_within_a_day_end_on_it():
    assert until(NOON, "2026-11-30T11:59:59", "UTC") is None
    assert until(NOON, "2026-11-30T12:30:00", "UTC") == "Mon 13:00"
    assert until(NOON, "2026-11-30T13:00:00", "UTC") is None


@pytest.mark.parametrize(("clock", "hours"), [("2026-03-28T22:00:00", 9), ("2026-10-24T22:00:00", 11)])
def test_the_night_is_shorter_or_longer_where_the_clocks_change(clock, hours):
    zone = ZoneInfo("Europe/Berlin")
    at = datetime.fromisoformat(clock).replace(tzinfo=zone)
    ends_s = quiet_until_s(NIGHT, situation(moment(at.timestamp() - T0), zone="Europe/Berlin"))
    assert timedelta(seconds=ends_s - at.timestamp()) == timedelta(hours=hours)


def test_an_end_in_the_hour_that_comes_twice_is_after_the_moment():
    early = QuietHours(start="21:00", end="02:30")
    zone = ZoneInfo("Europe/Berlin")
    for fold in (0, 1):
        at = datetime(2026, 10, 25, 2, 15, tzinfo=zone, fold=fold)
        ends_s = quiet_until_s(early, situation(moment(at.timestamp() - T0), zone="Europe/Berlin"))
        assert ends_s == at.timestamp() + 15 * 60


def test_an_end_that_the_clock_skips_is_when_it_goes_forward():
    skipped = QuietHours(start="21:00", end="02:30")
    at = datetime(2026, 3, 29, 1, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    ends_s = quiet_until_s(skipped, situation(moment(at.timestamp() - T0), zone="Europe/Berlin"))
    assert 3600.0 <= ends_s - at.timestamp() <= 5400.0


def test_a_channel_holds_or_drops_as_it_is_set():
    of = shop(
        rules=rules(
            quiet_hours={
                "email": {"start": "21:00", "end": "08:00"},
                "app": {"start": "21:00", "end": "08:00", "then": "drop"},
            }
        )
    )
    rule, now = QuietHoursRule(), situation(moment(0))
    rule.configure(of, of.markets["default"])
    mail, push, banner = (offer(channel=channel) for channel in ("email", "app", "on_site"))
    assert [rule.removes(each, now) for each in (mail, push, banner)] == [None, "quiet_hours", None]
    held = [rule.holds_until_s(each, now) for each in (mail, push, banner)]
    assert held == [T0 + 9 * 3600 + 46 * 60 + 40, None, None]
