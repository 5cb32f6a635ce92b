"""Files as shops and tools produce them: replayed alike however they are written, or refused in a line."""

import gzip
import json
import random
import re
from contextlib import redirect_stderr
from io import StringIO

import pytest

from flows.cli import main
from schemas.adapters import REES46_HEADER
from tests.builders import carted, ordered, viewed

EVENTS = sorted(
    (
        event
        for number in range(12)
        for event in (
            viewed(60 * number, f"v{number}"),
            carted(60 * number + 5, f"v{number}", price=20.0 + number),
            *([ordered(60 * number + 400, f"v{number}")] if number % 3 == 0 else []),
        )
    ),
    key=lambda event: event["time"],
)
TEXT = "".join(json.dumps(event) + "\n" for event in EVENTS)
COLUMNS = REES46_HEADER.decode().split(",")
ROWS = [
    ["2019-10-01 00:00:00 UTC", "view", "446", "2103", "shoes.kids", "acme", "35.79", "v1", "s1"],
    ["2019-10-01 00:00:05 UTC", "cart", "446", "2103", "shoes.kids", "acme", "35.79", "v1", "s1"],
    ["2019-10-01 00:00:07 UTC", "view", "447", "2103", "", "", "5.00", "v2", ""],
    ["2019-10-01 00:20:00 UTC", "purchase", "446", "2103", "shoes.kids", "acme", "35.79", "v1", "s1"],
]


def shuffled(text):
    lines = text.splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    return "".join(lines)


def csv_of(names, delimiter=",", ends="\n"):
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    lines = [delimiter.join(names), *(delimiter.join(row.get(name, "7") for name in names) for row in rows)]
    return (ends.join(lines) + ends).encode()


def replayed(tmp_path, data, *args, name="input"):
    """What a replay of a file of these bytes writes; the files are called alike, so that offsets are too."""
    path = tmp_path / name
    path.write_bytes(data)
    out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
    assert main(["replay", str(path), *args, "--out", str(out)]) == 0
    return {each.name: each.read_bytes() for each in out.iterdir()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return replayed(tmp_path_factory.mktemp("plain"), TEXT.encode())


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(TEXT.encode()),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace("\n", "\n\n \n").encode(),
        TEXT.rstrip().encode(),
        json.dumps(EVENTS).encode(),
        json.dumps(EVENTS, indent=2).encode(),
        "\n".join(json.dumps(event, indent="\t") for event in EVENTS).encode(),
        "".join(map(json.dumps, EVENTS)).encode(),
        shuffled(TEXT).encode(),
        gzip.compress(b"".join(reversed(TEXT.encode().splitlines(keepends=True)))),
        json.dumps(EVENTS[::-1], indent=1).encode(),
    ],
    ids=[
        *("gzip without a suffix", "byte order mark", "carriage return and newline", "carriage return"),
        *("blank lines", "no newline at the end", "array", "indented array", "indented objects"),
        *("objects on one line", "shuffled", "backwards in gzip", "backwards in an array"),
    ],
)
def test_the_same_events_give_the_same_files_whatever_they_are_written_in(tmp_path, data, plain):
    assert json.loads(plain["summary.json"])["input"]["processed"] == len(EVENTS)
    assert replayed(tmp_path, data) == plain


def test_a_line_that_is_rejected_is_named_by_its_number_also_where_the_file_was_sorted(tmp_path):
    lines = shuffled(TEXT).splitlines()
    lines[7:7] = ["", "no event", '{"type": "page_viewed"}']
    written = replayed(tmp_path, "\n".join(lines).encode())
    rejected = [json.loads(line) for line in written["rejected.jsonl"].splitlines()]
    assert [(each["offset"], each["class"]) for each in rejected] == [(8, "not_json"), (9, "invalid")]


def test_a_broken_object_in_an_array_is_rejected_by_its_number(tmp_path):
    objects = [json.dumps(event, indent=1) for event in EVENTS]
    objects[5:5] = [objects[0].replace('"time"', '"when"')]
    objects[3:3] = [objects[3].rstrip("}")]
    written = replayed(tmp_path, f"[{','.join(objects)}]".encode())
    rejected = [json.loads(line) for line in written["rejected.jsonl"].splitlines()]
    assert [(each["offset"], each["class"]) for each in rejected] == [(3, "not_json"), (6, "invalid")]
    assert json.loads(written["summary.json"])["input"]["processed"] == len(EVENTS)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return replayed(tmp_path_factory.mktemp("rows"), csv_of(COLUMNS), "--format", "rees46")


@pytest.mark.parametrize(
    "data",
    [
        csv_of(["", *COLUMNS]),
        csv_of(["Unnamed: 0", *COLUMNS[::-1], "note"]),
        csv_of(COLUMNS, ";", "\r\n"),
        csv_of(COLUMNS, "\t", "\r"),
        csv_of(COLUMNS).replace(b"event_time,event_type", b"EVENT_TIME,Event_Type"),
        csv_of(COLUMNS).replace(b" UTC", b""),
        re.sub(rb" (\S+) UTC", rb"T\1Z", csv_of(COLUMNS)),
        csv_of([name for name in COLUMNS if name != "brand"]),
        csv_of([*COLUMNS, "note"], ";").replace(b";7\n", b';"a;b\nc"\n').replace(b"\nc", b""),
        b"\xef\xbb\xbf" + csv_of(COLUMNS),
        gzip.compress(csv_of(COLUMNS)),
    ],
    ids=[
        *("index of pandas", "another order", "semicolons", "tabs", "another case", "no zone", "ISO 8601"),
        *("no brand", "delimiters in quotes", "byte order mark", "gzip without a suffix"),
    ],
)
def test_the_same_rows_give_the_same_files_whatever_their_header(tmp_path, data, rows):
    assert json.loads(rows["summary.json"])["input"]["processed"] == len(ROWS)
    assert rows["decisions.jsonl"].count(b"\n") == 1
    assert replayed(tmp_path, data, "--format", "rees46") == rows


def test_rows_that_are_sorted_keep_their_ids(tmp_path):
    header, *lines = csv_of(COLUMNS).splitlines()
    written = replayed(tmp_path, b"\n".join([header, *lines[::-1]]), "--format", "rees46")
    assert json.loads(written["rewards.jsonl"])["orders"] == ["v1-0-1"]


@pytest.mark.parametrize("command", [["replay"], ["backtest", "--policy", "none"]])
@pytest.mark.parametrize(
    ("form", "data", "words"),
    [
        ("native", TEXT.encode("utf-16"), "must be JSON in UTF-8, .* it looks like UTF-16"),
        ("native", b"<!doctype html><html></html>", "it looks like HTML"),
        ("rees46", b"PK\x03\x04" + bytes(99), "it looks like a zip archive, as xlsx files are"),
        ("native", csv_of(COLUMNS), "it looks like CSV of the format rees46"),
        ("rees46", TEXT.encode(), "must be CSV in UTF-8, .* it looks like JSON"),
        ("rees46", csv_of(COLUMNS[:-2]), r"its header must have user_id; got 'event_time,.*,price'"),
        ("native", gzip.compress(TEXT.encode())[:-9], "must be gzip from end to end; got: Compressed file"),
    ],
)
def test_a_file_that_is_none_of_these_is_refused_in_one_line(tmp_path, command, form, data, words):
    path = tmp_path / "input"
    path.write_bytes(data)
    with redirect_stderr(StringIO()) as said:
        assert main([*command, str(path), "--format", form, "--out", str(tmp_path / "out")]) == 2
    start = re.escape(f"offerstream {command[0]}: {path}")
    assert re.fullmatch(rf"{start}:?[^\n]* {words}[^\n]*\n", said.getvalue())
