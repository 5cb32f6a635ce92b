"""``summary.json``: what a run over files read, what it wrote, and how good its models are at the end."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from flows.files.jsonl import FILES
from operators.ingest.counts import Counts
from operators.ingest.message_reader import SourceReader
from schemas.shop import Shop

SUMMARY: Final = "summary.json"


class _Rejected(msgspec.Struct):
    id: str
    class_: str = msgspec.field(name="class")
    reason: str = ""


_rejected: Final = msgspec.json.Decoder(_Rejected).decode


class RunSummary:
    """Collects what the summary needs while a run goes on. Bounded by its partitions, shards and markets."""

    def __init__(self) -> None:
        self._readers: list[SourceReader] = []
        self._figures: dict[str, dict[str, float]] = {}

    def include(self, reader: SourceReader) -> SourceReader:
        """Count what a reader reads; return the reader."""
        self._readers.append(reader)
        return reader

    def measure(self, items: Iterable[tuple[str, dict[str, float]]]) -> None:
        """Keep the latest figures of every station."""
        self._figures.update(items)

    def write(self, out: Path, shop: Shop) -> dict[str, Any]:
        """Write the summary of a run that wrote its files into ``out``, and return it."""
        rejects = _summed(reader.rejects for reader in self._readers)
        summary = {
            "input": self._counts(),
            "rejects": rejects,
            "dropped": _summed(reader.dropped for reader in self._readers),
            "markets": {name: self._figures.get(name, {}) for name in shop.markets},
            "holdout": {name: market.holdout for name, market in shop.markets.items()},
            "examples": _examples(out, rejects),
            **_records_in(out),
        }
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        (out / SUMMARY).write_bytes(orjson.dumps(summary, option=options))
        return summary

    def _counts(self) -> dict[str, int]:
        counts = [msgspec.structs.asdict(reader.counts) for reader in self._readers]
        return {name: sum(each[name] for each in counts) for name in Counts.__struct_fields__}


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return dict(sum((Counter(each) for each in counts), Counter()))


def _examples(out: Path, classes: Collection[str]) -> dict[str, str]:
    """Return the first rejected record of each class in the file: where it stood and what was wrong."""
    found: dict[str, str] = {}
    with (out / "rejected.jsonl").open("rb") as lines:
        for line in lines:
            if len(found) == len(classes):
                break
            record = _rejected(line)
            found.setdefault(record.class_, f"for example {record.id}: {record.reason}")
    return found


def _records_in(out: Path) -> dict[str, Any]:
    """Return how many records of each kind there are, and decisions and rewards by arm."""
    records: dict[str, int] = {}
    arms: dict[str, dict[str, float]] = {}
    for name in (name for names in FILES.values() for name in names):
        records[name] = 0
        with (out / f"{name}.jsonl").open("rb") as lines:
            for line in lines:
                records[name] += 1
                if name in ("decisions", "rewards"):
                    _count(arms, name, orjson.loads(line))
    return {"records": records, "arms": arms}


def _count(arms: dict[str, dict[str, float]], name: str, record: dict[str, Any]) -> None:
    arm = arms.setdefault(record["arm"], {"decisions": 0, "rewards": 0, "orders": 0, "profit": 0.0})
    arm[name] += 1
    if name == "rewards":
        arm["orders"] += len(record["orders"])
        arm["profit"] += record["profit"]
