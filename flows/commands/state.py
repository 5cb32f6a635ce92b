"""``offerstream state``."""

import argparse
import sys
from pathlib import Path

from flows.cluster.state_move import state_move
from flows.worker.state_check import check_state
from schemas.errors import StateError

EXAMPLES = """\
  offerstream state check --state /var/lib/offerstream
  offerstream state move /mnt/p0 /mnt/p1 /mnt/p2
  offerstream state move /mnt/p0 --empty /mnt/p1"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``state``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read all of it, and say which part is damaged")
    check.add_argument("--state", type=Path, default=Path("state"), metavar="DIR", help="the state directory")
    move = actions.add_parser("move", help="move what another process owns when their number changes")
    move.add_argument(
        "directories",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="the state directory of each process from now on, from process 0",
    )
    move.add_argument(
        "--empty",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="the state directory of a process that there will be no more; may be repeated",
    )


def run(args: argparse.Namespace) -> None:
    """Do what is asked; raises StateError where a part is damaged."""
    if args.action == "check":
        _check(args.state)
    else:
        moved = state_move(args.directories, args.empty, lambda line: sys.stdout.write(f"{line}\n"))
        sys.stdout.write(f"moved {moved} parts; each process now holds what it owns\n")


def _check(directory: Path) -> None:
    """Print a line for each part; raises StateError where one is damaged."""
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
