"""What a file is that is no text of events, in words for whoever gave it."""

import re
from collections.abc import Mapping
from typing import Final

SIGNATURES: Final[Mapping[bytes, str]] = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive, as xlsx files are",
    b"PK\x05\x06": "an empty zip archive",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\x1f\x8b": "gzip within gzip",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\0": "an xz file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x04\x22\x4d\x18": "an lz4 file",
    b"\xff\x06\0\0sNaPpY": "a snappy file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"ARROW1": "an Arrow file",
    b"FEA1": "a Feather file",
    b"SQLite format 3\0": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"%PDF-": "a PDF file",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    # Longer ones first: UTF-32 begins like UTF-16.
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_TAR: Final = slice(257, 262)
_SAMPLE_BYTES: Final = 512
_HTML: Final = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_CONTROL: Final = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")


def known_format(head: bytes) -> str | None:
    """Return what a file is whose first bytes say that it is no text in UTF-8.

    >>> known_format(b"PAR1...."), known_format(b'{"a": 1}')
    ('a Parquet file', None)
    """
    for signature, name in SIGNATURES.items():
        if head.startswith(signature):
            return name
    if head[_TAR] == b"ustar":
        return "a tar archive"
    return _wide(head[:_SAMPLE_BYTES])


def _wide(sample: bytes) -> str | None:
    """Return the encoding of text without a mark in which every character has several bytes."""
    zeros = [sample[start::4].count(0) * 4 > len(sample) // 2 for start in range(4)]
    if sum(zeros) == 3:
        return "UTF-32"
    return "UTF-16" if zeros in ([True, False] * 2, [False, True] * 2) else None


def described(head: bytes) -> str:
    """Return what a file looks like that has no line of the format it was read in.

    >>> described(b"<!DOCTYPE html><html>"), described(b"a;b;c"), described(b"Hello!")
    ('HTML', 'CSV', 'plain text')
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if _CONTROL.search(head[:4096]):
        return "binary data"
    if _HTML.match(text):
        return "HTML"
    if text.startswith(b"<"):
        return "XML"
    if text.startswith((b"{", b"[")):
        return "JSON"
    first_line = text.splitlines()[0] if text else b""
    return (
        "CSV"
        if any(first_line.count(delimiter) > 1 for delimiter in (b",", b";", b"\t", b"|"))
        else "plain text"
    )
