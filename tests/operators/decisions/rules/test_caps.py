"""Caps per person: by calendar hour, day and week, from the ledger alone."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.decisions.calendar_windows import window_start_s
from operators.decisions.rules.caps import Caps
from operators.decisions.rules.holding import Publication
from operators.decisions.rules.person_history import Histories
from schemas.limits import Cap
from tests.builders import DAY, HOUR, MINUTE, OFTEN, T0, offer
from tests.operators.decisions.rules.asking import Past, configured, held_until, local, not_held, now, of

MAIL = offer("mail", channel="email")


class Desk:
    """The rule over what was decided before."""

    def __init__(self, held=not_held, **caps):
        self.past = Past()
        caps = {name: Cap(**cap) for name, cap in caps.items()}
        self.rule = configured(
            Caps(Histories(self.past.ledger), Publication(held)), of(offer(), MAIL, caps=caps)
        )

    def reason(self, at, *visitors, asked="ten_percent", **more):
        return self.rule.removes(offer(asked) if asked != "mail" else MAIL, now(at, *visitors, **more))


def a_day(at_most=1, **more):
    return {"at_most": at_most, "by": "day"} | more


def test_the_offer_after_the_last_one_that_is_allowed_is_removed():
    desk = Desk(few=a_day(2))
    desk.past.decided(0)
    assert desk.reason(10) is None
    desk.past.decided(20)
    assert desk.reason(30) == "cap"


def test_decisions_without_an_offer_do_not_count():
    desk = Desk(few=a_day())
    desk.past.decided(0, None)
    assert desk.reason(10) is None


def test_nobody_may_have_an_offer_under_a_cap_of_none():
    assert Desk(none=a_day(0)).reason(0) == "cap"


def test_each_person_has_a_count_of_their_own():
    desk = Desk(few=a_day())
    desk.past.decided(0, visitor="bob")
    assert desk.reason(10, "ann") is None


def test_whoever_logs_in_counts_with_all_their_devices():
    desk = Desk(few=a_day())
    desk.past.decided(0, visitor="phone")
    assert desk.reason(10, "laptop", "phone", user="ann") == "cap"


def test_the_same_offer_by_visitor_and_by_user_counts_once():
    desk = Desk(few=a_day(2))
    desk.past.decided(0, visitor="phone", user="ann")
    assert desk.reason(10, "phone", user="ann") is None


def test_an_offer_to_a_user_counts_on_a_device_not_seen_before():
    desk = Desk(few=a_day())
    desk.past.decided(0, visitor="phone", user="ann")
    assert desk.reason(10, "laptop", user="ann") == "cap"


def test_a_cap_of_some_offers_counts_and_removes_only_those():
    desk = Desk(few=a_day(offers=["ten_percent"]))
    desk.past.decided(0, "mail")
    assert desk.reason(10) is None
    desk.past.decided(20)
    assert (desk.reason(30), desk.reason(30, asked="mail")) == ("cap", None)


def test_a_cap_of_a_channel_counts_and_removes_only_what_is_on_it():
    desk = Desk(few=a_day(channels=["email"]))
    desk.past.decided(0)
    assert desk.reason(10, asked="mail") is None
    desk.past.decided(20, "mail")
    assert (desk.reason(30), desk.reason(30, asked="mail")) == (None, "cap")


def test_an_offer_that_is_no_longer_in_the_file_counts_on_every_channel():
    desk = Desk(few=a_day(channels=["email"]))
    desk.past.decided(0, "gone")
    assert desk.reason(10, asked="mail") == "cap"


def test_a_cap_of_another_market_does_not_hold():
    of_uk = of(caps={"few": Cap(**a_day(0))})
    rule = Caps(Histories(Past().ledger), Publication(not_held))
    rule.configure(
        of_uk.model_copy(update={"caps": {"few": Cap(**a_day(0, markets=["uk"]))}}), of_uk.markets["default"]
    )
    assert rule.removes(offer(), now()) is None


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata"])
def test_the_day_begins_at_midnight_where_the_person_is(zone):
    desk = Desk(few=a_day())
    desk.past.decided(local("2026-11-30T23:59:59", zone))
    assert desk.reason(local("2026-11-30T23:59:59.5", zone), zone=zone) == "cap"
    assert desk.reason(local("2026-12-01T00:00:00", zone), zone=zone) is None


def test_midnight_elsewhere_begins_no_day():
    desk = Desk(few=a_day())
    desk.past.decided(local("2026-11-30T23:59:00", "Europe/Berlin"))
    later = local("2026-12-01T00:01:00", "Europe/Berlin")
    assert desk.reason(later, zone="Europe/London") == "cap"
    assert desk.reason(later, zone="Europe/Berlin") is None


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)], ids=["summer begins", "summer ends"]
)
def test_a_day_on_which_the_clocks_change_is_one_day(day, hours):
    first = local(f"{day}T00:00:00", "Europe/Berlin")
    desk = Desk(few=a_day())
    desk.past.decided(first)
    last = first + hours * HOUR - 1
    assert desk.reason(last, zone="Europe/Berlin") == "cap"
    assert desk.reason(last + 1, zone="Europe/Berlin") is None


def test_the_hour_that_comes_twice_is_two_hours():
    desk = Desk(few={"at_most": 1, "by": "hour"})
    desk.past.decided(local("2026-10-25T02:30", "Europe/Berlin"))
    assert desk.reason(local("2026-10-25T02:59", "Europe/Berlin"), zone="Europe/Berlin") == "cap"
    assert desk.reason(local("2026-10-25T02:05", "Europe/Berlin", fold=1), zone="Europe/Berlin") is None


def test_a_week_begins_on_monday():
    desk = Desk(few={"at_most": 1, "by": "week"})
    desk.past.decided(local("2026-11-23T00:00"))
    assert desk.reason(local("2026-11-29T23:59:59")) == "cap"
    assert desk.reason(local("2026-11-30T00:00")) is None


def test_an_offer_counts_when_it_is_published():
    desk = Desk(few=a_day())
    desk.past.decided(local("2026-11-29T22:00"), published=local("2026-11-30T07:00"))
    assert desk.reason(local("2026-11-29T23:00")) is None
    assert desk.reason(local("2026-11-30T12:00")) == "cap"


def test_two_offers_are_not_held_until_the_same_day_that_has_room_for_one():
    desk = Desk(held=held_until(local("2026-11-30T07:00")), few=a_day())
    desk.past.decided(local("2026-11-29T22:00"), published=local("2026-11-30T07:00"))
    assert desk.reason(local("2026-11-29T23:00")) == "cap"


def test_a_moment_that_comes_late_counts_what_was_decided_after_it():
    desk = Desk(few=a_day())
    desk.past.decided(100)
    assert desk.reason(50) == "cap"


def test_decisions_a_little_out_of_order_all_count():
    desk = Desk(few={"at_most": 2, "by": "hour"})
    for at in (HOUR, HOUR - 20 * MINUTE, HOUR - 10 * MINUTE):
        desk.past.decided(local("2026-11-30T12:00") + at - HOUR + 30 * MINUTE)
    assert desk.reason(local("2026-11-30T12:40")) == "cap"


def test_without_a_cap_the_ledger_is_not_read():
    desk = Desk()
    desk.past.ledger.named = None  # type: ignore[method-assign]
    assert desk.reason(0) is None


def test_only_what_may_count_is_read():
    desk = Desk(few={"at_most": 9, "by": "hour"})
    for day in range(9):
        desk.past.decided(day * DAY)
    read = []
    named = desk.past.ledger.named
    desk.past.ledger.named = lambda name: (read.append(entry) or entry for entry in named(name))
    desk.reason(8 * DAY)
    assert len(read) == 3  # of today, of the day before, and the first that is too old


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"])


@OFTEN
@given(
    zone=ZONES,
    by=st.sampled_from(["hour", "day", "week"]),
    after_s=st.floats(0, 400 * DAY, allow_nan=False),
)
def test_a_window_holds_its_start_and_the_time_it_is_asked_for(zone, by, after_s):
    at_s, zone = T0 + after_s, ZoneInfo(zone)
    start_s = window_start_s(by, at_s, zone)
    longest = {"hour": timedelta(minutes=90), "day": timedelta(hours=25), "week": timedelta(days=7, hours=1)}
    assert start_s <= at_s < start_s + longest[by].total_seconds()
    assert window_start_s(by, start_s, zone) == start_s
