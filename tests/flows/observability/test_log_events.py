"""Every line of the log has an event and its fields, for people and for machines."""

import json
import logging
import re
from pathlib import Path

import pytest

from flows.observability import log_events
from flows.observability.log_events import LogEvent, tell
from flows.observability.logs import JsonFormatter, TextFormatter

ROOT = Path(log_events.__file__).parents[1]
CODE = {path: path.read_text() for path in ROOT.rglob("*.py") if path.name != "log_events.py"}


@pytest.fixture
def lines():
    """What is logged, as text and as JSON."""
    said, log = [], logging.getLogger("offerstream.test")
    log.setLevel(logging.DEBUG)

    class Heard(logging.Handler):
        def emit(self, record):
            said.append((TextFormatter().format(record), json.loads(JsonFormatter().format(record))))

    heard = Heard()
    log.addHandler(heard)
    yield log, said
    log.removeHandler(heard)


def test_a_line_has_words_an_event_and_fields(lines):
    log, said = lines
    tell(log, LogEvent.POLICY_RESUMED, market="de", policy="lin ucb", updates=3)
    [(text, entry)] = said
    assert text.endswith(
        "INFO offerstream.test: market de: policy lin ucb resumes after 3 updates "
        'event=policy_resumed market=de policy="lin ucb" updates=3'
    )
    assert entry["event"] == "policy_resumed"
    assert (entry["market"], entry["updates"], entry["level"]) == ("de", 3, "info")


def test_an_error_is_shown_with_its_event(lines):
    log, said = lines
    tell(log, LogEvent.PROCESS_FAILED, error=ValueError("why"))
    assert "ValueError: why" in said[0][0]
    assert said[0][1]["event"] == "process_failed"


def test_what_a_library_logs_has_an_event_too(lines):
    log, said = lines
    log.warning("something %s", "else")
    assert said[0][0].endswith("something else event=library")
    assert said[0][1]["event"] == "library"


def test_a_field_never_replaces_what_every_line_has(lines):
    log, said = lines
    log.info("words", extra={"event": "x", "fields": {"level": "mine"}})
    assert said[0][1]["level"] == "info"


def test_no_line_is_written_past_the_table():
    past = re.compile(r"\blog(?:ger)?\.(?:debug|info|warning|error|exception|critical)\(")
    assert [str(path) for path, text in CODE.items() if past.search(text)] == []


def test_every_event_of_the_table_is_written_somewhere():
    code = "\n".join(CODE.values())
    assert [each.name for each in LogEvent if f"LogEvent.{each.name}" not in code] == []
