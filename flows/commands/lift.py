"""``offerstream lift``."""

import argparse
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from flows.commands.common import add_criteria, add_json, check_json, write_json
from flows.observability.printable import terminal_width
from flows.studies.lift.promotion import promotion, read_criteria
from flows.studies.lift.run import HORIZON, read_lift
from flows.studies.lift.view import NAIVE_NOTE, figures, heading, table
from schemas.errors import SetupError

EXAMPLES = """\
  offerstream lift replayed
  offerstream lift exported --json lift.json
  offerstream lift exported --offers offers.toml"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``lift``."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="directory that replay or export wrote")
    parser.add_argument(
        "--days",
        type=float,
        default=HORIZON / timedelta(days=1),
        help="how long a unit's orders count from its first eligible moment (default: %(default)g)",
    )
    add_criteria(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print a table for each market, and how far it is from the criteria of its rollout."""
    if not 0 < args.days <= HORIZON / timedelta(days=1):
        raise SetupError(f"--days must be above 0 and at most {HORIZON.days}; got {args.days:g}")
    check_json(args.json)
    criteria = read_criteria(args.offers)
    lifts = read_lift(args.directory, timedelta(days=args.days))
    console = Console(width=terminal_width(120))
    if not lifts:
        console.print(f"{args.directory} holds no decision, so there is nothing to compare", markup=False)
    found = {name: figures(lift) for name, lift in lifts.items()}
    for name, lift in lifts.items():
        console.print(heading(lift), highlight=False, markup=False)
        console.print(table(lift))
        if name in criteria:
            progress = promotion(criteria[name], lift)
            found[name]["promotion"] = progress.figures()
            console.print(progress.sentence(), highlight=False, markup=False)
    console.print(NAIVE_NOTE, highlight=False)
    write_json(args.json, found)
