"""``offerstream backtest --recommend``: how good recommendations would have been."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.commands.common import write_json
from flows.observability.printable import terminal_width
from flows.settings import Settings
from flows.studies.recommend.compare import NOTE, compared
from flows.studies.recommend.groups import RecordedGroup, recorded_groups
from flows.studies.recommend.tables import is_table, table_groups
from operators.recommendations.recommender import RecommenderSettings
from schemas.errors import NothingTakenError, SetupError


def recommend(inputs: Sequence[Path], format_: str, settings: Settings, json: Path | None) -> None:
    """Print a table for the visits and one for the baskets in files.

    Raises SetupError where an input is no file, NothingTakenError where nothing can be predicted.
    """
    for path in inputs:
        if not path.is_file():
            raise SetupError(f"the input must be a file that can be read; got {str(path)!r}")
    tables = [path for path in inputs if is_table(path)]
    events = [path for path in inputs if path not in tables]
    groups: list[RecordedGroup] = recorded_groups(events, format_, settings) if events else []
    for path in tables:
        groups += table_groups(path)
    results = compared(groups, RecommenderSettings())
    if not results:
        raise NothingTakenError(
            f"Nothing was predicted: {len(groups):,} visits and orders were read, and none in their second "
            "half has two products."
        )
    console = Console(width=terminal_width(160))
    for result in results:
        console.print(_table(result))
        console.print(
            f"{result['predictions']:,} predictions over {result['groups']:,} {result['kind']} and "
            f"{result['products']:,} products; a question took {result['milliseconds']:.2f} ms of processor "
            f"time, 99 % of them less than {result['milliseconds_p99']:.2f} ms.",
            highlight=False,
            soft_wrap=True,
        )
    console.print(NOTE, highlight=False, soft_wrap=True)
    write_json(json, {"note": NOTE, "recommendations": results})


def _table(result: dict[str, Any]) -> Table:
    table = Table(title=result["kind"])
    table.add_column("learner")
    for name in ("HR@20", "MRR@20", "new HR@20", "new MRR@20", "weight"):
        table.add_column(name, justify="right")
    for row in result["learners"]:
        figures = [row[name] for name in ("hit_rate", "mrr", "new_hit_rate", "new_mrr")]
        weight = "" if row["weight"] is None else f"{row['weight']:.2f}"
        table.add_row(row["learner"], *(f"{figure:.4f}" for figure in figures), weight)
    return table
