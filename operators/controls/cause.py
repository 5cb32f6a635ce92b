"""What is told of a change that took effect, on its way to the audit trail."""

from typing import Any

import msgspec

from operators.controls.history import Entry


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed what, what held before, and who approved it."""

    change: str
    set: dict[str, Any]
    before: dict[str, Any]
    by: str
    approved_by: str | None
    comment: str | None


def cause_of(entry: Entry) -> bytes:
    """Return what is told of a change that took effect."""
    change = entry.change
    cause = Cause(
        change=change.id,
        set=change.set,
        before=entry.before,
        by=change.by,
        approved_by=entry.approved_by,
        comment=change.comment,
    )
    return msgspec.json.encode(cause)


def read_cause(cause: bytes) -> Cause:
    """Return what was told."""
    return msgspec.json.decode(cause, type=Cause)
