"""Files of events in the present directory, for tests of commands."""

from pathlib import Path

import orjson


def write(*events, name="events.jsonl"):
    """Write events, or lines as they are, each on a line of its own."""
    lines = (each if isinstance(each, bytes) else orjson.dumps(each) for each in events)
    Path(name).write_bytes(b"\n".join(lines))
