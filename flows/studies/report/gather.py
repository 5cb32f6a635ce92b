"""One pass over the files of a run: every record in the order of time, each to its market."""

import heapq
from collections.abc import Sequence
from operator import attrgetter, itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Final

from flows.studies.lift.promotion import Criteria
from flows.studies.report.log_files import LOG_FILES
from flows.studies.report.market_report import MarketReport
from flows.studies.report.run_figures import run_figures
from schemas.errors import DataError

MAX_MARKETS: Final = 50


def gather(
    directory: Path, criteria: Criteria = MappingProxyType({}), parity: Sequence[str] = ()
) -> list[MarketReport]:
    """Return the markets of a run, by name; ``criteria`` are those of their rollouts.

    ``parity`` names the features over whose values offers are compared.

    Memory grows with the log only by what the lift remembers, and by what ``MarketReport`` names. Each file
    is sorted by time already, as a replay or an export leaves it. Raises DataError where files are missing,
    where a line is not what it should be, and for more than 50 markets.
    """
    _check_files(directory)
    is_monitored = (directory / "drifts.jsonl").exists()
    of_run = run_figures(directory)

    def report_of(name: str) -> MarketReport:
        return MarketReport(
            name, of_run, is_monitored=is_monitored, criteria=criteria.get(name), parity=parity
        )

    markets = {name: report_of(name) for name in of_run.holdout}
    for at_s, file, record in heapq.merge(*(file.read(directory) for file in LOG_FILES), key=itemgetter(0)):
        market = markets.get(record.market)
        if market is None:
            if len(markets) >= MAX_MARKETS:
                raise DataError(f"{directory} must hold at most {MAX_MARKETS} markets; got more")
            market = markets[record.market] = report_of(record.market)
        market.observe_time(at_s)
        file.add(market, record)
    with_records = [market for market in markets.values() if not market.is_empty]
    return sorted(with_records or markets.values(), key=attrgetter("name"))


def _check_files(directory: Path) -> None:
    required = [f"{file.name}.jsonl" for file in LOG_FILES if file.is_required]
    missing = [name for name in required if not (directory / name).is_file()]
    if not missing:
        return
    runs = sorted(path.parent.name for path in directory.glob("*/decisions.jsonl"))
    hint = f"; it holds several runs, name one: {', '.join(runs)}" if runs else ""
    raise DataError(
        f"{directory} must hold the files that replay, export or backtest write; it lacks "
        f"{', '.join(missing)}{hint}"
    )
