"""Enriched events of Snowplow, as JSON or as tab-separated values, with the entities of its ecommerce.

The visitor is the first of ``domain_userid``, the user of a mobile session, ``network_userid`` and
``domain_sessionid`` that is there: without consent the tracker leaves out those before.
"""

from datetime import UTC, datetime
from typing import Final

from schemas.adapters.decoded import Decoded, Fields, event_of
from schemas.adapters.snowplow_events import ORDERS, SHOP, what
from schemas.adapters.snowplow_rows import entity, row_of
from schemas.adapters.values import given, granted_if, id_of, locale_of, with_dropped
from schemas.message import Message
from schemas.rejected import InvalidEvent

SESSION: Final = "com_snowplowanalytics_snowplow_client_session_1"
NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""The network_userid of those whom the collector is not to know."""

TIMES: Final = ("derived_tstamp", "collector_tstamp")


def read(message: Message) -> Decoded:
    """The event that a row reports; raises InvalidEvent or pydantic's ValidationError."""
    dropped: list[str] = []
    row = row_of(message.value or b"", dropped)
    fields = what(row, dropped)
    event_id = id_of(row.get("event_id"))
    if event_id is None:
        raise InvalidEvent("invalid", "event_id is missing")
    session = _first_entity(row, SESSION)
    user = _user(row)
    visitor = _first(
        row.get("domain_userid"), session.get("userId"), _network_user(row), row.get("domain_sessionid")
    )
    if visitor is None and fields["type"] not in ORDERS:
        visitor = user
        if visitor is None:
            raise InvalidEvent("invalid", "domain_userid, network_userid and domain_sessionid are missing")
    medium = row.get("refr_medium")
    page, step = _first_entity(row, f"{SHOP}page_1"), _first_entity(row, f"{SHOP}checkout_step_1")
    fields |= {
        "id": event_id,
        "time": _time(row, dropped),
        "visitor_id": visitor,
        "user_id": user,
        "session_id": _first(row.get("domain_sessionid"), session.get("sessionId")),
        "device": row.get("dvce_type"),
        # A referrer of the shop's own pages is where nobody came from.
        "source": _first(row.get("mkt_source"), None if medium == "internal" else medium),
        "timezone": row.get("os_timezone"),
        "locale": locale_of(_first(page.get("locale"), page.get("language"), row.get("br_lang"))),
        "consent": granted_if(step.get("marketing_opt_in")),
    }
    return with_dropped(event_of(given(fields)), dropped)


def _user(row: Fields) -> object:
    user = _first_entity(row, f"{SHOP}user_1")
    return _first(row.get("user_id"), None if user.get("is_guest") else user.get("id"))


def _network_user(row: Fields) -> object:
    """Return the collector's cookie; what a server sends comes with a new one each time."""
    network = row.get("network_userid")
    return None if network == NOBODY or row.get("platform") == "srv" else network


def _first_entity(row: Fields, key: str) -> Fields:
    return next(iter(entity(row, key)), {})


def _first(*ids: object) -> object:
    return next((found for each in ids if (found := id_of(each)) is not None), None)


def _time(row: Fields, dropped: list[str]) -> datetime:
    wrong = []
    for name in TIMES:
        text = row.get(name)
        if text is None:
            continue
        try:
            at = datetime.fromisoformat(text)
        except (TypeError, ValueError):
            wrong.append(name)
        else:
            dropped += wrong
            # Tab-separated times have no zone: all of them are UTC.
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at
    problem = "should be a time like 2026-01-31T12:00:00.000Z" if wrong else "is missing"
    raise InvalidEvent("invalid", f"{TIMES[0]} {problem}")
