"""``offerstream report``."""

import argparse
import sys
from pathlib import Path

from flows.studies.report.gather import gather
from flows.studies.report.page import BADGES, page
from schemas.errors import SetupError

EXAMPLES = """\
  offerstream report replayed
  offerstream report exported --out report.html
  offerstream report compared/linear_thompson"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``report``."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="what replay, export or backtest wrote")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (default: DIR/report.html)")


def run(args: argparse.Namespace) -> None:
    """Write the page, and say what the self-diagnosis says."""
    markets = gather(args.directory)
    out: Path = args.directory / "report.html" if args.out is None else args.out
    try:
        out.write_text(page(args.directory.resolve().name, markets), encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"--out must be a file that can be written; got {str(out)!r}: {error.strerror}"
        ) from None
    for market in markets:
        for verdict in market.verdicts():
            sys.stdout.write(f"{market.name}: {BADGES[verdict.level]}: {verdict.sentence}\n")
    sys.stdout.write(f"{out}\n")
