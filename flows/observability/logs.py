"""The log: a line an entry for people, or a JSON object, with level and time zone."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal

from typing_extensions import override

from flows.observability.printable import printable

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextFormatter(logging.Formatter):
    """Writes ``2026-01-31T12:00:00.000Z INFO offerstream: started``, without control characters."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        words = " ".join(record.getMessage().splitlines())
        text = f"{_time(record)} {record.levelname} {record.name}: {words}"
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        return printable(text)


class JsonFormatter(logging.Formatter):
    """Writes an object a line, with ``time``, ``level``, ``logger``, ``message`` and, if any, ``error``."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
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
