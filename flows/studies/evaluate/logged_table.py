"""Anybody's logged bandit data in a CSV file, as rows to evaluate policies on."""

from collections.abc import Mapping
from pathlib import Path

from flows.studies.evaluate.logged_columns import Table, is_index
from flows.studies.evaluate.logged_decisions import Logged
from operators.evaluation import Row, Rows
from schemas.errors import SetupError


def logged_table(path: Path, named: Mapping[str, str]) -> Logged:
    """Return the rows of a CSV file (plain or .gz) with a header, in the order of their times.

    ``named`` says which column is what where it has none of the usual names. Columns ``POLICY:ARM`` are the
    probabilities of a policy to be evaluated. ``eligible`` lists arms with spaces or ``|`` between them,
    else all are; without ``visitor`` each row is a visitor's only one. All other columns are the context, as
    numbers where all their values are; ``position`` is a word. Raises SetupError for what is missing or is
    no number, with the line.
    """
    table = Table(path)
    place = table.places(named)
    policies = table.policies()
    taken = {*place.values(), *(at for arms in policies.values() for at in arms.values())}
    context = {name: at for at, name in enumerate(table.header) if at not in taken and not is_index(name)}
    values = {name: table.column(at) for name, at in context.items()}
    if "position" in place:
        values["position"] = [line[place["position"]] for line in table.lines]
    every = tuple(
        sorted({line[place["arm"]] for line in table.lines} | {a for p in policies.values() for a in p})
    )
    moments = table.column(place["time"]) if "time" in place else range(len(table.lines))
    if "" in moments:
        raise SetupError(f"{path} must have a time in every row, or in none")
    rows = []
    for at, line in enumerate(table.lines):
        arm = line[place["arm"]]
        eligible = tuple(line[place["eligible"]].replace("|", " ").split()) if "eligible" in place else every
        if arm not in eligible:
            raise SetupError(f"{table.where(at)}: eligible must list the arm that was chosen, {arm!r}")
        rows.append(
            Row(
                arm,
                table.number(at, place["propensity"]),
                table.number(at, place["reward"]),
                line[place["visitor"]] if "visitor" in place else str(at),
                eligible,
                {name: column[at] for name, column in values.items() if column[at] != ""},
                moments[at],
                None,
                {name: {a: table.number(at, i) for a, i in arms.items()} for name, arms in policies.items()},
            )
        )
    return Logged(Rows(rows).in_order(), {}, [])
