"""``offerstream state``."""

import argparse
import sys
from pathlib import Path

from flows.cluster.state_move import state_move

EXAMPLES = """\
  offerstream state move /mnt/p0 /mnt/p1 /mnt/p2
  offerstream state move /mnt/p0 --empty /mnt/p1"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``state``."""
    parser.add_argument("action", choices=("move",), help="move what changes its owner to another disk")
    parser.add_argument(
        "directories",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="the state directory of each process from now on, from process 0",
    )
    parser.add_argument(
        "--empty",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="the state directory of a process that there will be no more; may be repeated",
    )


def run(args: argparse.Namespace) -> None:
    """Move the state."""

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")

    moved = state_move(args.directories, args.empty, tell)
    sys.stdout.write(f"moved {moved} parts; each process now holds what it owns\n")
