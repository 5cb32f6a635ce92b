"""The dates and days of a campaign."""

from datetime import date, datetime

import pytest

from operators.decisions.rules.campaign import Campaign
from operators.decisions.rules.holding import Publication
from tests.builders import offer
from tests.operators.decisions.rules.asking import configured, held_until, local, not_held, now, of

BERLIN = "Europe/Berlin"


def reason(text, *, zone=BERLIN, held=not_held, **dates):
    """Why an offer with dates is not made at a time in Berlin."""
    made = offer(**dates)
    return configured(Campaign(Publication(held)), of(made, zone=BERLIN)).removes(
        made, now(local(text, BERLIN), zone=zone)
    )


def test_an_offer_without_dates_is_made_at_any_time():
    assert reason("2026-11-30T12:00") is None


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York"])
def test_dates_are_days_of_the_market(zone):
    dates = {"starts": date(2026, 12, 1), "ends": date(2026, 12, 24)}
    assert reason("2026-11-30T23:59:59", zone=zone, **dates) == "not_started"
    assert reason("2026-12-01T00:00", zone=zone, **dates) is None
    assert reason("2026-12-24T23:59:59", zone=zone, **dates) is None
    assert reason("2026-12-25T00:00", zone=zone, **dates) == "campaign_ended"


def test_times_are_by_the_clock_of_the_market():
    dates = {"starts": datetime(2026, 12, 1, 9), "ends": datetime(2026, 12, 1, 18)}  # noqa: DTZ001  local times
    assert reason("2026-12-01T08:59:59", **dates) == "not_started"
    assert reason("2026-12-01T17:59:59", **dates) is None
    assert reason("2026-12-01T18:00", **dates) == "campaign_ended"


def test_an_offer_is_made_on_its_weekdays():
    assert reason("2026-11-28T00:00", weekdays=["sat", "sun"]) is None
    assert reason("2026-11-29T23:59:59", weekdays=["sat", "sun"]) is None
    assert reason("2026-11-30T00:00", weekdays=["sat", "sun"]) == "weekday"


def test_what_counts_is_when_the_offer_would_be_published():
    until = {"held": held_until(local("2026-12-01T07:00", BERLIN))}
    assert reason("2026-11-30T23:00", **until, ends=date(2026, 11, 30)) == "campaign_ended"
    assert reason("2026-11-30T23:00", **until, starts=date(2026, 12, 1)) is None
    assert reason("2026-11-30T23:00", **until, weekdays=["mon"]) == "weekday"
    assert reason("2026-11-30T23:00", **until, weekdays=["tue"]) is None
