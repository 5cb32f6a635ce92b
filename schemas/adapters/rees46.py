"""Rows of CSV with the columns of the REES46 data sets of shop behaviour, for replay.

``user_id`` is the visitor and ``user_session`` the session. A row has no id: its event id is visitor,
partition and offset, since equal rows may follow one another. A purchase is an order of one piece. A time
without a zone is UTC, as all times of the data sets are.
"""

import csv
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from schemas.adapters.decoded import Decoded, event_of
from schemas.adapters.reasons import text_of
from schemas.errors import DataError
from schemas.message import Message
from schemas.rejected import InvalidEvent

CSV_HEADER: Final = "csv-header"
"""The message header in which a file's rows carry its header line; without it, columns are REES46's."""
REES46_HEADER: Final = (
    b"event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
)
REQUIRED: Final = ("event_time", "event_type", "product_id", "price", "user_id")
OPTIONAL: Final = ("category_id", "category_code", "user_session")
TYPES: Final = {
    "view": "product_viewed",
    "cart": "cart_item_added",
    "remove_from_cart": "cart_item_removed",
    "purchase": "order_completed",
}
DELIMITERS: Final = ",;\t|"

_ZONE: Final = " UTC"
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?", re.IGNORECASE
)
_DECIMAL_COMMA: Final = re.compile(r"\d+,\d\d?")
_NAMELESS: Final = str.maketrans("", "", " _-\ufeff")
_KNOWN: Final = {name.translate(_NAMELESS) for name in (*REQUIRED, *OPTIONAL, "brand")}


class Columns(NamedTuple):
    """Where a file's rows have what an event needs. ``cells`` picks it from a row with "" appended."""

    delimiter: str
    width: int
    at: int
    is_spaced: bool
    cells: Callable[[list[str]], tuple[str, ...]]


class Header(NamedTuple):
    """The header of a file, and whether it is the file's first line."""

    text: bytes
    delimiter: str
    is_line: bool


def header_of(line: bytes) -> Header:
    """The header of a file that begins with `line`.

    A first line without a known column's name that has numbers is a row of a file without a header, whose
    columns are those of REES46. DataError names the required columns that a header lacks.
    """
    text = line.decode(errors="replace")
    delimiter, names = _names(text)
    if _KNOWN.isdisjoint(names) and any(name[:1].isdigit() for name in names):
        widths = {len(_split(text, each)): each for each in DELIMITERS}
        delimiter = widths.get(len(REES46_HEADER.split(b",")), ",")
        return Header(REES46_HEADER.replace(b",", delimiter.encode()), delimiter, is_line=False)
    return Header(line, columns_of(line).delimiter, is_line=True)


@lru_cache(maxsize=64)
def columns_of(header: bytes) -> Columns:
    """The columns of the rows under this header, by its names in any order and case.

    DataError names the required columns that are not there, or a column that is there twice.
    """
    text = header.decode(errors="replace")
    delimiter, names = _names(text)
    found = {column: names.count(column.translate(_NAMELESS)) for column in (*REQUIRED, *OPTIONAL)}
    got = text.strip().lstrip("\ufeff")
    if missing := [column for column in REQUIRED if not found[column]]:
        raise DataError(f"its header must have {', '.join(missing)}; got {got[:200]!r}")
    if twice := [column for column, times in found.items() if times > 1]:
        raise DataError(f"its header must have {', '.join(twice)} once; got {got[:200]!r}")
    places = {column: names.index(column.translate(_NAMELESS)) if found[column] else -1 for column in found}
    return Columns(
        delimiter,
        len(names),
        places["event_time"],
        any(cell != cell.strip() for cell in _split(text.rstrip("\r\n"), delimiter)),
        itemgetter(*places.values()),
    )


def _names(header: str) -> tuple[str, list[str]]:
    """The delimiter with which a header has most known names, and all names without case and spaces."""
    split = {
        delimiter: [cell.translate(_NAMELESS).strip().lower() for cell in _split(header, delimiter)]
        for delimiter in DELIMITERS
    }
    return max(split.items(), key=lambda each: len(_KNOWN.intersection(each[1])))


def _split(header: str, delimiter: str) -> list[str]:
    return next(csv.reader((header.strip("\r\n"),), delimiter=delimiter), [])


_REES46_COLUMNS: Final = columns_of(REES46_HEADER)


def read(message: Message) -> Decoded:
    """The event in one row; raises InvalidEvent or pydantic's ValidationError."""
    columns = _columns(message)
    cells = _cells(text_of(message.value or b"").rstrip("\r\n"), columns)
    if len(cells) != columns.width:
        raise InvalidEvent("invalid", f"the row has {len(cells)} of {columns.width} columns")
    cells.append("")
    at, kind, sku, price, visitor, category_id, category_code, session = columns.cells(cells)
    if kind not in TYPES:
        if kind.translate(_NAMELESS).lower() == "eventtype":
            raise InvalidEvent("invalid", "the header line is not an event")
        raise InvalidEvent("unknown_type", f"event_type {kind!r} is not known")
    if columns.delimiter != "," and _DECIMAL_COMMA.fullmatch(price):
        price = price.replace(",", ".")
    event: dict[str, Any] = {
        "type": TYPES[kind],
        "id": f"{visitor}-{message.partition}-{message.offset}",
        "time": _rfc3339(at),
        "visitor_id": visitor,
        "session_id": session or None,
    }
    product = {"sku": sku, "price": price, "category": category_code or category_id or None}
    if kind == "view":
        event.update(product)
    else:
        event["items"] = (product,)
    if kind == "purchase":
        event["order_id"] = event["id"]
    # Not strict: in CSV every number is text.
    return event_of(event)


def time_reader(header: bytes) -> Callable[[bytes], datetime]:
    """The function that says when a row under this header happened, with a look at nothing else.

    It raises InvalidEvent, IndexError or ValueError.
    """
    columns = columns_of(header)
    delimiter, at = columns.delimiter.encode(), columns.at

    def time_of(row: bytes) -> datetime:
        if columns.is_spaced or b'"' in row:
            return _datetime(_cells(text_of(row), columns)[at].encode())
        return _datetime(row.split(delimiter, at + 1)[at])

    return time_of


@lru_cache(maxsize=1)
def _datetime(at: bytes) -> datetime:
    # Rows of the same second follow one another.
    return datetime.fromisoformat(_rfc3339(at.decode()))


def _rfc3339(at: str) -> str:
    if at.endswith(_ZONE):
        return at.removesuffix(_ZONE) + "Z"
    found = _TIME.fullmatch(at)
    if found is None:
        raise InvalidEvent(
            "invalid", "event_time should look like 2019-10-01 00:00:00 UTC or 2019-10-01T00:00:00Z"
        )
    time, zone = found.groups()
    if zone is None or zone[0] not in "+-":
        return f"{time}Z"
    return time + zone if len(zone) > 3 else f"{time}{zone}:00"


def _columns(message: Message) -> Columns:
    for name, header in message.headers:
        if name == CSV_HEADER:
            return columns_of(header)
    return _REES46_COLUMNS


def _cells(row: str, columns: Columns) -> list[str]:
    if '"' not in row:
        cells = row.split(columns.delimiter)
    else:
        try:
            cells = next(csv.reader((row,), delimiter=columns.delimiter, strict=True))
        except csv.Error as error:
            raise InvalidEvent("invalid", f"not CSV: {error}") from None
    return [cell.strip() for cell in cells] if columns.is_spaced else cells
