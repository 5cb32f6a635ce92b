"""What could not be accepted: the untouched bytes, where they came from, a class and a reason."""

import base64
import hashlib
import re
from typing import Annotated, Final, Literal, NamedTuple, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.dead_letters import Headers, dead_letter_headers, split_headers
from schemas.message import UNREADABLE_HEADERS, Header, Message, place_of

RejectClass = Literal[
    "empty",
    "empty_key",
    "encoding",
    "not_json",
    "schema",
    "too_deep",
    "too_large",
    "unknown_type",
    "unknown_market",
    "currency",
    "invalid",
    "control",
    "late",
    "clock",
    "internal",
]
CutPart = Literal["value", "headers", "key"]
REJECT_CLASSES: Final[tuple[RejectClass, ...]] = get_args(RejectClass)
CUT_PARTS: Final[tuple[CutPart, ...]] = get_args(CutPart)
REASON_CHARS: Final = 200
KEEP_BYTES: Final = 900_000
"""How much of a value is kept: with headers it stays below librdkafka's default limit of a message."""

PLACE: Final = re.compile(rb"[\w.-]{1,249}/\d{1,9}/\d{1,19}(/\d{1,9})?")
"""Where a message stood, or a part of it."""

ROUTE_BYTES: Final = 200
HEADER_BYTES: Final = 10
FRAME_BYTES: Final = 256
"""The lengths of a header's parts, and a record's frame in a batch of its own with ``ce_id``, ``ce_type``."""


class InvalidEvent(Exception):  # noqa: N818  invalid data is a value on its way to a stream, not an error
    """A message that is no valid event, with its class and a short reason for people."""

    def __init__(self, class_: RejectClass, reason: str) -> None:
        reason = reason if len(reason) <= REASON_CHARS else reason[: REASON_CHARS - 1] + "…"
        super().__init__(class_, reason)
        self.class_ = class_
        self.reason = reason

    def __str__(self) -> str:
        """Class and reason, as a log line has them."""
        return f"{self.class_}: {self.reason}"


class RejectedRecord(NamedTuple):
    """A rejected message as the topic carries it: key and value as they came, everything else in headers.

    ``headers`` are the message's own and then those of ``schemas.dead_letters``.
    """

    id: str
    value: bytes | None
    headers: tuple[Header, ...]
    key: bytes | None = None

    @property
    def source(self) -> tuple[str, int]:
        """The topic and the number of the partition that the message came from."""
        topic, partition, *_ = self.id.split("/")
        return topic, int(partition)

    @property
    def route(self) -> str:
        """What decides its partition: the key, so that the messages of a key stay in order; else the id."""
        if self.key is None:
            return self.id
        try:
            return self.key.decode() if len(self.key) <= ROUTE_BYTES else hashlib.sha256(self.key).hexdigest()
        except UnicodeDecodeError:
            return hashlib.sha256(self.key).hexdigest()

    @property
    def size_bytes(self) -> int:
        """An upper bound of what it takes in Kafka, not compressed, with ``ce_id`` and ``ce_type``."""
        headers = sum(len(name.encode()) + len(value or b"") + HEADER_BYTES for name, value in self.headers)
        return len(self.id.encode()) + len(self.key or b"") + len(self.value or b"") + headers + FRAME_BYTES


class RejectedHeader(BaseModel):
    """A header of a rejected message; one without a value has neither field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: str | None = None
    value_base64: str | None = None


class Rejected(BaseModel):
    """A rejected message as a JSON line; on the topic, key and value are its own and the rest is in headers.

    ``id`` is topic/partition/offset, and the position of a part: of a message with several events, each is
    rejected by itself. A key or a value that is not UTF-8 stands in ``key_base64`` or
    ``value_base64`` instead; neither is there where there was none. ``headers`` are the message's own.
    ``cut`` names what is not whole; ``length`` and ``sha256`` are those of the whole value where it was cut.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    id: str
    class_: Annotated[RejectClass, Field(alias="class")]
    reason: Annotated[str, Field(max_length=REASON_CHARS)]
    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    timestamp: AwareDatetime | None = None
    key: str | None = None
    key_base64: str | None = None
    headers: tuple[RejectedHeader, ...] | None = None
    cut: tuple[CutPart, ...] | None = None
    length: Annotated[int, Field(ge=0)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    value: str | None = None
    value_base64: str | None = None


def reject(message: Message, invalid: InvalidEvent, keep_bytes: int = KEEP_BYTES) -> RejectedRecord:
    """Return the record that says why `message` was rejected; of a longer value `keep_bytes` are kept."""
    cause = invalid.__cause__ if invalid.class_ == "internal" else None
    headers = dead_letter_headers(message, invalid.class_, invalid.reason, cause)
    if headers.own == UNREADABLE_HEADERS:
        headers = _with_cut(headers.replaced(()), "headers")
    record = RejectedRecord(place_of(message), message.value, headers.all(), message.key)
    return _with_value_cut(record, headers, keep_bytes)


def shrunk(record: RejectedRecord, max_bytes: int) -> RejectedRecord:
    """Return a record that takes at most `max_bytes`: less of the value, else no own headers, else no key.

    Our headers are always kept, so that it may still be larger.
    """
    headers = split_headers(record.headers)
    if headers is None or record.size_bytes <= max_bytes:
        return record
    without_value = _with_value_cut(record, headers, 0)
    if without_value.size_bytes > max_bytes and headers.own:
        headers = _with_cut(headers.replaced(()), "headers")
        record = record._replace(headers=headers.all())
        without_value = _with_value_cut(record, headers, 0)
    if without_value.size_bytes > max_bytes and record.key is not None:
        headers = _with_cut(headers, "key")
        record = record._replace(headers=headers.all(), key=None)
        without_value = _with_value_cut(record, headers, 0)
    return _with_value_cut(record, headers, max(0, max_bytes - without_value.size_bytes))


def with_cut(headers: tuple[Header, ...], part: CutPart) -> tuple[Header, ...]:
    """Return the headers of a rejected record with the word that this part of it is not the message's own."""
    parts = split_headers(headers)
    return headers if parts is None else _with_cut(parts, part).all()


def rejected_record(message: Message) -> RejectedRecord | None:
    """Return the rejected record that a message of the topic is, None where it is no such record."""
    headers = split_headers(message.headers)
    match headers:
        case Headers(before=(*_, ("ce_id", bytes(id_)), ("ce_type", b"rejected"))) if PLACE.fullmatch(id_):
            headers = headers._replace(before=())
            return RejectedRecord(id_.decode(), message.value, headers.all(), message.key)
        case _:
            return None


def rejected_line(record: RejectedRecord) -> Rejected:
    """Return `record` as a JSON line holds it; raises ValueError where its headers are others."""
    headers = split_headers(record.headers)
    if headers is None:
        raise ValueError(f"{record.id} must have the headers of a rejected record")
    ours = {name: value.decode() for name, value in headers.ours().items() if name != "headers"}
    own = [{"name": name, **_text_or_base64("value", value)} for name, value in headers.own]
    cut = ours.pop("cut").split(",") if "cut" in ours else None
    return Rejected.model_validate(
        {
            "id": record.id,
            **ours,
            "cut": cut,
            "headers": own or None,
            **_text_or_base64("key", record.key),
            **_text_or_base64("value", record.value),
        }
    )


def _with_value_cut(record: RejectedRecord, headers: Headers, keep_bytes: int) -> RejectedRecord:
    value = record.value
    if value is None or len(value) <= keep_bytes:
        return record
    ours = headers.ours()
    if "sha256" not in ours:
        headers = headers.replaced(
            headers.own, length=str(len(value)), sha256=hashlib.sha256(value).hexdigest()
        )
    return record._replace(value=value[:keep_bytes], headers=_with_cut(headers, "value").all())


def _with_cut(headers: Headers, part: CutPart) -> Headers:
    cut = headers.ours().get("cut", b"").decode().split(",")
    parts = [each for each in CUT_PARTS if each == part or each in cut]
    return headers.replaced(headers.own, cut=",".join(parts))


def _text_or_base64(name: str, data: bytes | None) -> dict[str, str]:
    if data is None:
        return {}
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(data).decode()}
