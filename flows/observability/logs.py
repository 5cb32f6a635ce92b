"""The log: a line an entry for people, or a JSON object, with level and time zone."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final, Literal

from typing_extensions import override

from flows.observability.printable import printable

LIBRARY: Final = "library"
"""The event of what others log, such as the client of Kafka."""
WORD: Final = re.compile(r"[\w.,:/+@-]+")

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def said(record: logging.LogRecord) -> dict[str, object]:
    """Return the event of a record and its fields; what a library logs is the event ``library``."""
    return {"event": getattr(record, "event", LIBRARY), **getattr(record, "fields", {})}


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else str(value)


def _field(value: object) -> str:
    """Return a value as one word, in quotes where it is none."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if WORD.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Writes ``2026-01-31T12:00:00.000Z INFO offerstream: said event=name field=1``."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        words = " ".join(record.getMessage().splitlines())
        fields = "".join(f" {name}={_field(value)}" for name, value in said(record).items() if value != "")
        text = f"{_time(record)} {record.levelname} {record.name}: {words}{fields}"
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        return printable(text)


class JsonFormatter(logging.Formatter):
    """Writes an object a line: ``time``, ``level``, ``logger``, ``message``, ``event``, its fields."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: _plain(value) for name, value in said(record).items() if name not in entry}
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry)


FORMATTERS: Final = {"text": TextFormatter, "json": JsonFormatter}


def log_to_stderr(form: LogFormat = "text", level: LogLevel = "info") -> None:
    """Write the log to stderr in this form from now on, entries of this level and above.

    Somebody else's handlers are left alone, and then only they get the log.
    """
    root = logging.getLogger()
    for ours in [one for one in root.handlers if isinstance(one.formatter, tuple(FORMATTERS.values()))]:
        root.removeHandler(ours)
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(FORMATTERS[form]())
        root.addHandler(handler)
        root.setLevel(level.upper())
