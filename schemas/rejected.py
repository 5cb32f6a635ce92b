"""What could not be accepted: the untouched bytes, where they came from, a class and a reason."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, NamedTuple, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.message import Message

RejectClass = Literal[
    "empty",
    "empty_key",
    "encoding",
    "not_json",
    "too_deep",
    "too_large",
    "unknown_type",
    "unknown_market",
    "invalid",
    "late",
    "clock",
    "internal",
]
REJECT_CLASSES: Final[tuple[RejectClass, ...]] = get_args(RejectClass)
REASON_CHARS: Final = 200
KEEP_BYTES: Final = 900_000
"""How much of a value is kept: with headers it stays below librdkafka's default limit of a message."""


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
    """A rejected message as the topic carries it: the value as it came, everything else in headers."""

    id: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Rejected(BaseModel):
    """A rejected message as a JSON line; on the topic, ``value`` is the value and the rest headers.

    ``id`` is topic/partition/offset. A value that is not UTF-8 stands in ``value_base64`` instead; ``length``
    and ``sha256`` are those of the whole value and given where it was cut.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    id: str
    class_: Annotated[RejectClass, Field(alias="class")]
    reason: Annotated[str, Field(max_length=REASON_CHARS)]
    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    timestamp: AwareDatetime | None = None
    length: Annotated[int, Field(ge=0)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    value: str | None = None
    value_base64: str | None = None


def reject(message: Message, invalid: InvalidEvent, keep_bytes: int = KEEP_BYTES) -> RejectedRecord:
    """The record that says why `message` was rejected; of a longer value the first `keep_bytes` are kept."""
    value = message.value if message.value is not None else b""
    place = (message.topic, str(message.partition), str(message.offset))
    headers = [
        ("class", invalid.class_.encode()),
        ("reason", invalid.reason.encode(errors="replace")),
        *zip(("topic", "partition", "offset"), map(str.encode, place), strict=True),
    ]
    if (timestamp := _rfc3339(message.timestamp_s)) is not None:
        headers.append(("timestamp", timestamp.encode()))
    if len(value) > keep_bytes:
        headers.append(("length", str(len(value)).encode()))
        headers.append(("sha256", hashlib.sha256(value).hexdigest().encode()))
        value = value[:keep_bytes]
    return RejectedRecord("/".join(place), value, tuple(headers))


def rejected_line(record: RejectedRecord) -> Rejected:
    """`record` as a JSON line holds it."""
    fields = {name: value.decode() for name, value in record.headers}
    try:
        fields["value"] = record.value.decode()
    except UnicodeDecodeError:
        fields["value_base64"] = base64.b64encode(record.value).decode()
    return Rejected.model_validate({"id": record.id, **fields})


def _rfc3339(at_s: float | None) -> str | None:
    if at_s is None:
        return None
    try:
        at = datetime.fromtimestamp(at_s, UTC)
    except (ValueError, OverflowError, OSError):  # a producer may claim any 64-bit number
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
