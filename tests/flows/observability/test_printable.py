"""What files and topics hold is printed, and commands no terminal."""

import io
import logging

import orjson
import pytest

from flows.cli import main
from flows.observability.logs import JsonFormatter, TextFormatter
from flows.observability.printable import PrintableStream
from tests.builders import carted

RED = "\x1b[31mred\x1b]0;title\x07"
WRITTEN = r"\x1b[31mred\x1b]0;title\x07"


def test_a_stream_writes_control_characters_out_and_takes_no_colours():
    stream = io.StringIO()
    printed = PrintableStream(stream)
    printed.write(f"{RED}\n")
    printed.writelines(["a\tb\r\n", "\u202eback\x9b"])
    assert stream.getvalue() == f"{WRITTEN}\na\tb\\x0d\n\\u202eback\\x9b"
    assert not printed.isatty()


@pytest.fixture
def crafted(tmp_path):
    """A file of events, of a market and with a name that command a terminal."""
    path = tmp_path / f"{RED}.jsonl"
    path.write_bytes(orjson.dumps(carted(0, market=RED)) + b"\n")
    return path


@pytest.mark.parametrize(
    "words",
    [["check"], ["replay", "--out", "out"], ["report"], ["lift"], ["evaluate", "--policy", "uniform"]],
    ids=lambda words: words[0],
)
def test_no_command_prints_control_characters_of_what_it_reads(words, crafted, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    command, *options = words
    main([command, str(crafted), *options])
    said = capfd.readouterr()
    assert "\x1b" not in said.out + said.err
    assert r"\x1b" in said.out + said.err


def entry(message, *args):
    error = ValueError(RED)
    return logging.LogRecord("offerstream", logging.WARNING, "", 0, message, args, (ValueError, error, None))


def test_a_line_of_the_log_has_a_time_with_its_zone_and_a_level():
    first, last = TextFormatter().format(entry("first\nsecond %s", RED)).splitlines()
    assert first[10] == "T"
    assert first[23:] == f"Z WARNING offerstream: first second {WRITTEN} event=library"
    assert last == f"ValueError: {WRITTEN}"


def test_a_log_in_json_has_an_object_a_line():
    line = JsonFormatter().format(entry("first\nsecond %s", RED))
    assert "\n" not in line
    found = orjson.loads(line)
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "warning",
        "logger": "offerstream",
        "event": "library",
        "message": f"first\nsecond {RED}",
        "error": f"ValueError: {RED}",
    }
