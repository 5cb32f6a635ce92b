"""What an input file is: known by its contents, whatever its name, or refused in a sentence that says it."""

import bz2
import gzip
import json
import lzma
import re
import tarfile
import zipfile
from io import BytesIO

import pytest

from flows.files.input_file import HEAD_BYTES, examine
from flows.files.json_elements import JsonElements
from flows.files.text_lines import Lines
from schemas.adapters import CSV_HEADER, REES46_HEADER
from schemas.errors import DataError, SetupError

EVENTS = [{"type": "page_viewed", "id": "1", "more": {"a": [{}]}}, {"type": "searched", "id": "2"}]
LINES = b"".join(json.dumps(each).encode() + b"\n" for each in EVENTS)
PRETTY = b"\n".join(json.dumps(each, indent=1).encode() for each in EVENTS)
ROW = b"2019-10-01 00:00:00 UTC,view,446,2103,,shiseido,35.79,5413,72d7\n"
ROWS = REES46_HEADER + b"\n" + ROW


def examined(tmp_path, data, form="native", name="events"):
    path = tmp_path / name
    path.write_bytes(data)
    return examine(path, form)


def records(file):
    raw, unpacked = file.open()
    with raw:
        unpacked.seek(file.first_position)
        return list(file.records(unpacked, file.first_offset, file.first_position))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_gzip_is_known_by_its_first_bytes(tmp_path, name, packed):
    if name.endswith(".gz") and packed is bytes:
        with pytest.raises(DataError, match=r"a\.jsonl\.gz must be gzip from end to end; got: Not a gzipped"):
            examined(tmp_path, LINES, name=name)
    else:
        assert len(records(examined(tmp_path, packed(LINES), name=name))) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n \r\n",
        b"\xef\xbb\xbf",
        LINES,
        b"\xef\xbb\xbf\n" + LINES,
        b"{}",
        b"no event\n" + LINES,
        b'{"type": "page\n' + LINES,
        b'{"type": {"a": 1}\n' + LINES,
        b"[started at 10:00]\n" + LINES,
        b'{"a": NaN}\n' + LINES,
        b"{'type': 'page_viewed'}\n",
        b'{"a": "' + b"x" * HEAD_BYTES + b'"}\n' + LINES,
    ],
)
def test_json_lines_are_known_also_by_others_than_the_first(tmp_path, data):
    assert examined(tmp_path, data).records is Lines


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(EVENTS).encode(),
        b"\xef\xbb\xbf \n" + json.dumps(EVENTS, indent=2).encode(),
        b"[" + LINES.replace(b"\n", b",\n") + b"]",
        PRETTY,
        PRETTY.replace(b"\n", b"\r\n"),
        PRETTY.replace(b"\n", b"\r"),
        LINES.replace(b"\n", b""),
        LINES.replace(b"\n", b",\n"),
        b"".join(b"\x1e" + line + b"\n" for line in LINES.splitlines()),
        b"[" + LINES.splitlines()[0] + b"]\n[" + LINES.splitlines()[1] + b"]\n",
    ],
)
def test_other_json_is_read_element_by_element(tmp_path, data):
    file = examined(tmp_path, data)
    assert file.records is JsonElements
    assert [(offset, json.loads(value)) for offset, value in records(file)] == list(enumerate(EVENTS))


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_the_header_of_a_csv_is_found_and_counted_as_a_line(tmp_path, ends):
    file = examined(tmp_path, b"\xef\xbb\xbf" + ROWS.replace(b"\n", ends), "rees46")
    assert file.headers == ((CSV_HEADER, REES46_HEADER),)
    assert records(file) == [(1, ROW.strip())]


def test_a_csv_without_a_header_has_the_columns_of_rees46(tmp_path):
    for delimiter in (b",", b";", b"\t"):
        row = ROW.replace(b",", delimiter)
        file = examined(tmp_path, b"\n" + row + row, "rees46")
        assert file.headers == ((CSV_HEADER, REES46_HEADER.replace(b",", delimiter)),)
        assert records(file) == [(1, row.strip()), (2, row.strip())]


def test_what_tells_excel_the_delimiter_is_no_header(tmp_path):
    file = examined(tmp_path, b"sep=;\r\n" + ROWS.replace(b",", b";"), "rees46")
    assert [offset for offset, _ in records(file)] == [2]


def test_a_row_of_csv_goes_on_in_quotes_by_the_delimiter_of_its_header(tmp_path):
    header = b"event_time;event_type;product_id;price;user_id;note\n"
    row = b'2019-10-01 00:00:00 UTC;view;446;35.79;5413;"two\nlines, really"'
    file = examined(tmp_path, header + row + b"\n" + row, "rees46")
    assert records(file) == [(1, row), (3, row)]


def archived(kind):
    packed = BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a.jsonl", LINES)
    else:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("a.jsonl"), BytesIO())
        return gzip.compress(packed.getvalue(), mtime=0)
    return packed.getvalue()


@pytest.mark.parametrize("form", ["native", "segment", "rees46"])
@pytest.mark.parametrize(
    ("data", "name"),
    [
        (LINES.decode().encode("utf-16"), "UTF-16"),
        (LINES.decode().encode("utf-16-be"), "UTF-16"),
        (ROWS.decode().encode("utf-16-le"), "UTF-16"),
        (LINES.decode().encode("utf-32"), "UTF-32"),
        (ROWS.decode().encode("utf-32-be"), "UTF-32"),
        (gzip.compress(LINES.decode().encode("utf-16"), mtime=0), "UTF-16"),
        (archived("zip"), "a zip archive, as xlsx files are"),
        (archived("tar"), "a tar archive"),
        (bz2.compress(LINES), "a bzip2 file"),
        (lzma.compress(LINES), "an xz file"),
        (gzip.compress(gzip.compress(LINES, mtime=0), mtime=0), "gzip within gzip"),
        (b"PAR1\x15\x04\x15", "a Parquet file"),
        (b"\x28\xb5\x2f\xfd\x04\x58", "a zstd file"),
        (b"Obj\x01\x04\x14avro.codec", "an Avro file"),
        (bytes(range(256)) * 9, "binary data"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "HTML"),
        (b'\n<HTML lang="en">{"a": 1}', "HTML"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "XML"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_its_name(tmp_path, data, name, form):
    kind = "CSV" if form == "rees46" else "JSON"
    words = f"events must be {kind} in UTF-8, plain or gzip, for the format {form}; it looks like {name}"
    with pytest.raises(DataError, match=rf"/{re.escape(words)}$"):
        examined(tmp_path, data, form)


@pytest.mark.parametrize(
    ("form", "data", "name"),
    [
        ("native", ROWS, "CSV of the format rees46"),
        ("native", b"a,b,c\n1,2,3\n", "CSV"),
        ("segment", b"a\tb\tc\n1\t2\t3\n", "CSV"),
        ("native", b"Good morning", "plain text"),
        ("native", b"[section]\nkey=1", "plain text"),
        ("native", b"[1,\n2]", "JSON without objects"),
        ("native", b"null\n1,2,3", "JSON without objects"),
        ("native", json.dumps(LINES.decode()).encode(), "JSON without objects"),
        ("rees46", LINES, "JSON"),
        ("rees46", PRETTY, "JSON"),
        ("rees46", json.dumps(EVENTS).encode(), "JSON"),
    ],
)
def test_a_file_of_another_format_is_refused_by_its_name(tmp_path, form, data, name):
    with pytest.raises(DataError, match=rf"for the format {form}; it looks like {name}$"):
        examined(tmp_path, data, form)


@pytest.mark.parametrize(
    "value", [b"\t".join([b"", *[b"a"] * 130]), b"\t".join([*[b"a"] * 130, b""]), b'{"event_id": "e-1"}']
)
def test_a_file_of_snowplow_is_lines_of_tab_separated_values_or_json(tmp_path, value):
    file = examined(tmp_path, b"\n" + value + b"\r\n" + value, "snowplow")
    assert records(file) == [(1, value), (2, value)]


@pytest.mark.parametrize("data", [b"a\tb\n", b"Good morning", bytes(range(256)) * 9, ROWS])
def test_a_file_of_other_columns_is_none_of_snowplow(tmp_path, data):
    with pytest.raises(DataError, match=r"must be JSON or tab-separated values in UTF-8, .* it looks like"):
        examined(tmp_path, data, "snowplow")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            b"event_time,event_type,product_id,user_id",
            "its header must have price; got 'event_time,event_type,",
        ),
        (b"event_type;product_id;price", "its header must have event_time, user_id; got 'event_type;"),
        (b"ts,kind,sku", "its header must have event_time, event_type, product_id, price, user_id"),
        (REES46_HEADER + b",price", "its header must have price once; got 'event_time,"),
    ],
)
def test_a_header_that_lacks_a_column_is_refused_with_the_column_and_what_is_there(tmp_path, header, words):
    with pytest.raises(DataError, match=rf"/events: {words}"):
        examined(tmp_path, header + b"\n1,2,3\n", "rees46")


def test_a_missing_file_stops_at_start(tmp_path):
    with pytest.raises(SetupError, match=r"the input must be a file that can be read; got '.*none.jsonl'"):
        examine(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no gzip", "Not a gzipped file"),
        (gzip.compress(bytes(range(256)) * 99, mtime=0)[:-9], "Compressed file ended before"),
        (gzip.compress(b"line\n" * 99, mtime=0)[:10] + b"\xff" * 99, "Error -3 while decompressing data"),
    ],
)
def test_a_broken_gzip_file_is_named_with_what_is_wrong(tmp_path, content, reason):
    with pytest.raises(DataError, match=rf"a\.jsonl\.gz must be gzip from end to end; got: {reason}"):
        examined(tmp_path, content, name="a.jsonl.gz")
