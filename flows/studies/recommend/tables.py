"""Tables of visits or baskets, as public data sets have them: a line a product."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flows.studies.recommend.groups import Kind, RecordedGroup
from schemas.errors import DataError

GROUPS: Final[dict[str, Kind]] = {"session_id": "visits", "basket_id": "baskets"}
ITEMS: Final = ("item_id", "product_id", "sku")
TIMES: Final = ("eventdate", "transaction_timestamp", "at")
PLACES: Final = ("timeframe",)
"""The columns that say which group, which product, when, and in which order within a group."""
MARKET: Final = "default"


def is_table(path: Path) -> bool:
    """Return whether a file begins with a header that has a column of groups and one of products."""
    with path.open("rb") as file:
        head = file.readline(10_000).decode("utf-8", "replace")
    columns = {column.strip().strip('"') for column in head.split(_delimiter(head))}
    return bool(columns & GROUPS.keys()) and bool(columns & set(ITEMS))


def table_groups(path: Path) -> list[RecordedGroup]:
    """Return the visits or the baskets of a table by time, equal times by the order of the file.

    Raises DataError with the line where a time cannot be read or a column is missing.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.readline()
        file.seek(0)
        rows = csv.DictReader(file, delimiter=_delimiter(head))
        names = rows.fieldnames or ()
        of_group, item, time = (_column(path, names, known) for known in (tuple(GROUPS), ITEMS, TIMES))
        place = next((name for name in PLACES if name in names), None)
        groups: dict[str, list[tuple[float, float, int, str]]] = defaultdict(list)
        for number, row in enumerate(rows, start=2):
            try:
                where = 0.0 if place is None else float(row[place])
                groups[row[of_group]].append((_time_s(row[time]), where, number, row[item]))
            except (TypeError, ValueError):
                raise DataError(f"{path}, line {number}: a row must have a time and its place") from None
    kind = GROUPS[of_group]
    found = [
        (lines[0][0], number, RecordedGroup(lines[-1][0], MARKET, kind, _skus(kind, lines)))
        for number, lines in enumerate(map(sorted, groups.values()))
    ]
    return [group for _, _, group in sorted(found)]


def _skus(kind: Kind, lines: list[tuple[float, float, int, str]]) -> tuple[str, ...]:
    skus = [sku for *_, sku in lines]
    return tuple(skus if kind == "visits" else dict.fromkeys(skus))


def _column(path: Path, names: Sequence[str], known: tuple[str, ...]) -> str:
    found = [name for name in known if name in names]
    if not found:
        raise DataError(f"{path}: a table must have a column {' or '.join(known)}")
    return found[0]


def _delimiter(head: str) -> str:
    return max(",;\t", key=head.count)


def _time_s(text: str) -> float:
    """Return the time in seconds; one without a zone is UTC.

    >>> _time_s("1970-01-02"), _time_s("1970-01-01T01:00:00+01:00")
    (86400.0, 0.0)
    """
    at = datetime.fromisoformat(text)
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp()
