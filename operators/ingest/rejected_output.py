"""A rejected record as a record for the outside, and back."""

import msgspec

from operators.streaming.messages import OutputRecord
from schemas.rejected import RejectedRecord


def rejected_output(record: RejectedRecord, since_s: float | None = None) -> OutputRecord:
    """Return what is sent of a rejected record; ``since_s`` is the timestamp of the message it came from."""
    return OutputRecord(
        "rejected",
        "rejected",
        record.route,
        record.id,
        record.value or b"",
        record.headers,
        since_s,
        own_key=record.key,
        is_null=record.value is None,
    )


def rejected_record_of(output: OutputRecord) -> RejectedRecord:
    """Return the rejected record that is sent as ``output``."""
    key = output.key.encode() if output.own_key is msgspec.UNSET else output.own_key
    return RejectedRecord(output.id, None if output.is_null else output.value, output.headers, key)
