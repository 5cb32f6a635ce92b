"""One pass over the files of a run: every record in the order of time, each to its market."""

import heapq
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Final

import orjson

from flows.studies.lift.records import Record
from flows.studies.report.market import Market
from flows.studies.report.records import KINDS, NEEDED, read
from flows.studies.summary import SUMMARY
from schemas.errors import SetupError

MOST_MARKETS: Final = 50


def gather(directory: Path) -> list[Market]:
    """Return the markets of a run, by name. Memory grows with the log only by what the lift remembers.

    Raises SetupError where files are missing, where a line is not what it should be, and for more than 50
    markets.
    """
    _check(directory)
    holdout = _holdout(directory)
    watched = (directory / "drifts.jsonl").exists()
    markets = {name: Market(name, share, watched=watched) for name, share in holdout.items()}
    for record in _in_order(directory):
        market = markets.get(record.market)
        if market is None:
            if len(markets) >= MOST_MARKETS:
                raise SetupError(f"{directory} must hold at most {MOST_MARKETS} markets; got more")
            market = markets[record.market] = Market(record.market, None, watched=watched)
        market.take(record)
    seen = [market for market in markets.values() if market.decisions or market.quality.count]
    return sorted(seen or markets.values(), key=attrgetter("name"))


def _check(directory: Path) -> None:
    missing = [f"{name}.jsonl" for name in NEEDED if not (directory / f"{name}.jsonl").is_file()]
    if not missing:
        return
    runs = sorted(path.parent.name for path in directory.glob("*/decisions.jsonl"))
    hint = f"; it holds several runs, name one: {', '.join(runs)}" if runs else ""
    raise SetupError(
        f"DIR must hold the files that replay, export or backtest write; {directory} lacks "
        f"{', '.join(missing)}{hint}"
    )


def _in_order(directory: Path) -> Iterator[Record]:
    """Return the records of all files by time. Each file is sorted already, as ``settle`` leaves it."""
    paths = ((directory / f"{name}.jsonl", kind) for name, kind in KINDS.items())
    found = [read(path, kind) for path, kind in paths if path.exists()]
    return heapq.merge(*found, key=attrgetter("at"))


def _holdout(directory: Path) -> dict[str, float]:
    """Return the holdout that was set, by market, where the run's summary says it."""
    try:
        said = orjson.loads((directory / SUMMARY).read_bytes()).get("holdout", {})
        return {str(name): float(share) for name, share in said.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SetupError(f"{directory / SUMMARY} must be what replay wrote; got: {error.strerror}") from None
    except (ValueError, AttributeError, TypeError) as error:
        raise SetupError(f"{directory / SUMMARY} must be what replay wrote; got: {error}") from None
