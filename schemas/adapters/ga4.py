"""Google Analytics 4: payloads of the Measurement Protocol, rows of the export, events of a tag server.

All carry the same events with the same parameters, as JSON. A payload may have several; each is an event of
its own. None has an id: it follows from who, what, when and all that was said.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from schemas.adapters.batches import json_of
from schemas.adapters.decoded import Decoded, Fields, event_of
from schemas.adapters.ga4_events import ORDERS, Hit, what
from schemas.adapters.ga4_params import first, params_of, said
from schemas.adapters.reasons import parse
from schemas.adapters.values import first_id, given, id_of, locale_of, object_in, with_dropped
from schemas.message import Message
from schemas.rejected import InvalidEvent

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
INDEX: Final = "batch_event_index"
INDEXES: Final = ("batch_page_id", "batch_ordering_id", INDEX, "event_bundle_sequence_id")


class Sent(NamedTuple):
    """An event and what stands around it. ``times`` are where its time may stand, the best first."""

    hit: Hit
    visitor: object
    user: object
    times: tuple[tuple[str, object], ...]
    around: Fields
    indexes: tuple[object, ...]


def parts(message: Message) -> Sequence[Message] | None:
    """The events of a payload, each as a payload of its own; None where it holds one."""
    value = message.value or b""
    if b'"events"' not in value:
        return None
    payload = parse(value)
    events = payload.get("events") if isinstance(payload, dict) else None
    if not isinstance(events, list) or len(events) < 2:
        return None
    # Two events that say the same are two all the same: their places in the payload tell them apart.
    numbered = [
        {INDEX: index} | event if isinstance(event, dict) else event for index, event in enumerate(events)
    ]
    payloads = (payload | {"events": [event]} for event in numbered)
    return [replace(message, value=json_of(each)) for each in payloads]


def read(message: Message) -> Decoded:
    """The event of a row, or of a payload with one; raises InvalidEvent or pydantic's ValidationError."""
    body = parse(message.value or b"")
    if not isinstance(body, dict):
        raise InvalidEvent("invalid", "a payload or a row must be a JSON object")
    dropped: list[str] = []
    sent = _sent(body, message.timestamp_s, dropped)
    fields = what(sent.hit, dropped)
    at = _time(sent, dropped)
    event_id = _id(sent, at)
    visitor = sent.visitor
    if visitor is None and fields["type"] not in ORDERS:
        visitor = sent.user
        if visitor is None:
            raise InvalidEvent("invalid", "it has no client and no user, as without consent")
    if fields["type"] == "order_completed" and fields["order_id"] is None:
        fields["order_id"] = event_id
    params, device = sent.hit.params, object_in(sent.around, "device", dropped)
    fields |= {
        "id": event_id,
        "time": at,
        "visitor_id": visitor,
        "user_id": sent.user,
        "session_id": first_id(params, ("ga_session_id", "session_id")),
        "market": params.get("market"),
        "device": device.get("category"),
        "locale": locale_of(said(first(device, "language", otherwise=params.get("language")))),
        "source": params.get("source"),
    }
    if fields["source"] is None:
        fields["source"] = object_in(sent.around, "collected_traffic_source", dropped).get("manual_source")
    # Not strict: BigQuery writes whole numbers as text.
    return with_dropped(event_of(given(fields)), dropped)


def _sent(body: Fields, timestamp_s: float | None, dropped: list[str]) -> Sent:
    if "events" in body:
        return _of_payload(body, timestamp_s, dropped)
    if "event_name" in body:
        return _of_row(body, timestamp_s, dropped)
    raise InvalidEvent(
        "invalid", "it has neither events, as a payload, nor event_name, as a row of the export"
    )


def _of_payload(payload: Fields, timestamp_s: float | None, dropped: list[str]) -> Sent:
    events = payload["events"]
    if not isinstance(events, list) or len(events) != 1 or not isinstance(events[0], dict):
        raise InvalidEvent("invalid", "events should be a list of objects, not an empty one")
    (event,) = events
    params = dict(object_in(event, "params", dropped))
    items = _list(params.pop("items", None), dropped)
    times = (
        ("timestamp_micros", event.get("timestamp_micros")),
        ("timestamp_micros", payload.get("timestamp_micros")),
        _received(timestamp_s),
    )
    visitor = first_id(payload, ("client_id", "app_instance_id"))
    hit = Hit(_name(event.get("name")), params, items, {})
    return Sent(hit, visitor, id_of(payload.get("user_id")), times, payload, (event.get(INDEX),))


def _of_row(row: Fields, timestamp_s: float | None, dropped: list[str]) -> Sent:
    """Return the event of a row; one without ``event_params``, as of a tag server, is all parameters."""
    params = params_of(row.get("event_params", row))
    if params is None:
        dropped.append("event_params")
    items = _list(row.get("items"), dropped)
    hit = Hit(_name(row["event_name"]), params or {}, items, object_in(row, "ecommerce", dropped))
    times = (("event_timestamp", row.get("event_timestamp")), _received(timestamp_s))
    visitor, user = first_id(row, ("user_pseudo_id", "client_id")), id_of(row.get("user_id"))
    return Sent(hit, visitor, user, times, row, tuple(row.get(name) for name in INDEXES))


def _received(timestamp_s: float | None) -> tuple[str, float | None]:
    return "timestamp", None if timestamp_s is None else timestamp_s * 1e6


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidEvent("invalid", "the name of an event should be text")
    return name.strip().lower().replace(" ", "_")


def _time(sent: Sent, dropped: list[str]) -> datetime:
    wrong = []
    for name, micros in sent.times:
        if micros is None:
            continue
        try:
            at: datetime = EPOCH + timedelta(microseconds=_whole(micros))
        except (TypeError, ValueError, OverflowError):
            wrong.append(name)
        else:
            dropped += wrong
            return at
    name = sent.times[0][0]
    problem = "should be a number of microseconds since 1970" if wrong else "is missing"
    raise InvalidEvent("invalid", f"{name} {problem}")


def _whole(number: Any) -> int:  # noqa: ANN401  JSON is anything
    """A whole number, also as text, and as a float writes it."""
    try:
        return int(number)
    except ValueError:
        return int(float(number))


def _id(sent: Sent, at: datetime) -> str:
    who = sent.user if sent.visitor is None else sent.visitor
    said = [who, sent.hit.name, at.isoformat(), sent.indexes, sent.hit.params, sent.hit.items]
    return blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def _list(items: object, dropped: list[str]) -> list[Any]:
    if isinstance(items, list):
        return items
    if items is not None:
        dropped.append("items")
    return []
