"""``offerstream backup``."""

import argparse
import sys
from pathlib import Path

from flows.backup.take import BackedUp, back_up
from flows.commands.common import add_settings, duration, settings_of

EXAMPLES = """\
  offerstream backup --state /var/lib/offerstream /backups/offerstream-20261130
  offerstream backup --config worker.toml /var/lib/backups/now && \\
      tar --create --zstd --file - -C /var/lib/backups now | ssh vault 'cat > now.tar.zst'"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``backup``."""
    parser.add_argument("to", type=Path, metavar="DIR", help="a new or empty directory")
    parser.add_argument("--state", type=Path, metavar="DIR", help="state directory of the worker")
    parser.add_argument(
        "--wait",
        default="30s",
        type=duration,
        metavar="TIME",
        help="how long a running worker may take to answer (default: %(default)s)",
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Make the copy and say what it is."""
    settings = settings_of(args, state=args.state)
    sys.stdout.write(_words(back_up(settings.state, args.to, args.wait.total_seconds()), args.to))


def _words(done: BackedUp, to: Path) -> str:
    whose = "no worker is running"
    if done.by:
        whose = "by the worker that has it" if done.by == 1 else f"by the {done.by} processes that have it"
    return (
        f"{to}: the state before epoch {done.epoch} ({whose}), {done.size / 1e6:.1f} MB in {done.files} "
        f"files, {done.linked / 1e6:.1f} MB of it shared with the state directory, in {done.seconds:.1f} s\n"
    )
