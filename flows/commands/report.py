"""``offerstream report``."""

import argparse
import sys
from pathlib import Path

from flows.commands.common import writing
from flows.studies.report.gather import gather
from flows.studies.report.page import BADGES, page

EXAMPLES = """\
  offerstream report replayed
  offerstream report exported --out report.html
  offerstream report compared/linear_thompson"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``report``."""
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="directory that replay, export or backtest wrote"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="HTML file to write (default: DIR/report.html)"
    )


def run(args: argparse.Namespace) -> None:
    """Write the page and print the verdicts of the self-diagnosis."""
    markets = gather(args.directory)
    out: Path = args.directory / "report.html" if args.out is None else args.out
    with writing("--out", out):
        out.write_text(page(args.directory.resolve().name, markets), encoding="utf-8")
    for market in markets:
        for verdict in market.verdicts():
            sys.stdout.write(f"{market.name}: {BADGES[verdict.level]}: {verdict.sentence}\n")
    sys.stdout.write(f"{out}\n")
