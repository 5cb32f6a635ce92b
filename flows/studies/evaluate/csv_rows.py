"""Any logged bandit data in a CSV file, as rows to evaluate policies on."""

from collections.abc import Mapping
from pathlib import Path

from flows.studies.evaluate.csv_table import CsvTable, is_index
from flows.studies.evaluate.logged_decisions import LoggedRows
from operators.evaluation import Row, Rows
from schemas.errors import DataError


def csv_rows(path: Path, named: Mapping[str, str]) -> LoggedRows:
    """Return the rows of a CSV file (plain or .gz) with a header, in the order of their times.

    ``named`` gives the columns that have none of the usual names. Columns ``POLICY:ARM`` are the
    probabilities of a policy to evaluate. ``eligible`` lists arms separated by spaces or ``|``; without it
    all are. Without ``visitor`` each row is of a visitor of its own. All other columns are the context, as
    numbers where all their values are numbers; ``position`` is a word. Raises DataError for what is missing
    or not a number, with its line.
    """
    table = CsvTable(path)
    place = table.places(named)
    policies = table.policies()
    used = {*place.values(), *(at for arms in policies.values() for at in arms.values())}
    context = {name: at for at, name in enumerate(table.header) if at not in used and not is_index(name)}
    values = {name: table.column(at) for name, at in context.items()}
    if "position" in place:
        values["position"] = [row[place["position"]] for row in table.rows]
    logged_arms = {row[place["arm"]] for row in table.rows}
    every_arm = tuple(sorted(logged_arms | {arm for arms in policies.values() for arm in arms}))
    times = table.column(place["time"]) if "time" in place else range(len(table.rows))
    if "" in times:
        raise DataError(f"{path} must have a time in every row, or in none")
    rows = []
    for at, row in enumerate(table.rows):
        arm = row[place["arm"]]
        eligible = every_arm
        if "eligible" in place:
            eligible = tuple(row[place["eligible"]].replace("|", " ").split())
        if arm not in eligible:
            raise DataError(f"{table.where(at)}: eligible must list the arm that was chosen, {arm!r}")
        rows.append(
            Row(
                arm,
                table.number(at, place["propensity"]),
                table.number(at, place["reward"]),
                row[place["visitor"]] if "visitor" in place else str(at),
                eligible,
                {name: column[at] for name, column in values.items() if column[at] != ""},
                times[at],
                None,
                {name: {a: table.number(at, i) for a, i in arms.items()} for name, arms in policies.items()},
            )
        )
    return LoggedRows(Rows(rows).in_order(), {}, [])
