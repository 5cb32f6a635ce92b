"""``offerstream state``."""

import argparse
import sys
from pathlib import Path

from flows.worker.state_check import check_state
from schemas.errors import StateError

EXAMPLES = """\
  offerstream state check --state /var/lib/offerstream"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``state``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read all of it, and say which part is damaged")
    check.add_argument("--state", type=Path, default=Path("state"), metavar="DIR", help="the state directory")


def run(args: argparse.Namespace) -> None:
    """Print a line for each part; raises StateError where one is damaged."""
    directory: Path = args.state
    damaged = []
    for found in check_state(directory):
        sys.stdout.write(f"{'ok     ' if found.is_sound else 'DAMAGED'} {found.part}: {found.says}\n")
        if not found.is_sound:
            damaged.append(found.part)
    if damaged:
        raise StateError(
            f"the state directory {directory} is damaged: {', '.join(damaged)}; bring the directory back as "
            "a whole from a backup, or start with a new one"
        )
