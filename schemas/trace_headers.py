"""The W3C trace context of a record, as it stands in headers or in the attributes of an envelope."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from schemas.message import Header

PARENT: Final = "traceparent"
STATE: Final = "tracestate"

_LENGTHS: Final = (len(PARENT), len(STATE))
_PARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_STATE: Final = re.compile(r"[\x20-\x7e]{1,512}")


class TraceHeaders(NamedTuple):
    """A ``traceparent`` of the right shape, and the ``tracestate`` beside it."""

    parent: str
    state: str | None = None


class FoundTrace(NamedTuple):
    """The trace of a record, None where it has none, and the names of what is odd."""

    trace: TraceHeaders | None
    dropped: tuple[str, ...] = ()


NOT_FOUND: Final = FoundTrace(None)


def trace_in_headers(headers: Iterable[Header]) -> FoundTrace:
    """Return the trace that headers carry; their names may be written in any case.

    >>> trace_in_headers([("TraceParent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]).trace
    TraceHeaders(parent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', state=None)
    """
    found: dict[str, Any] = {}
    for name, value in headers:
        if len(name) in _LENGTHS and value is not None and (plain := name.lower()) in (PARENT, STATE):
            found.setdefault(plain, value.decode(errors="replace"))
    return trace_in(found) if found else NOT_FOUND


def trace_in(attributes: Mapping[str, Any]) -> FoundTrace:
    """Return the trace that attributes carry; a state without its parent is none."""
    parent, state = attributes.get(PARENT), attributes.get(STATE)
    if parent is None:
        return NOT_FOUND
    if not isinstance(parent, str) or not _PARENT.fullmatch(parent):
        return FoundTrace(None, (PARENT,))
    if state is None or state == "":
        return FoundTrace(TraceHeaders(parent))
    if not isinstance(state, str) or not _STATE.fullmatch(state):
        return FoundTrace(TraceHeaders(parent), (STATE,))
    return FoundTrace(TraceHeaders(parent, state))
