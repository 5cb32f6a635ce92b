"""``offerstream report``."""

import argparse
import sys
from pathlib import Path

from flows.commands.common import add_criteria, add_json, check_json, write_json, writing
from flows.studies.lift.promotion import read_criteria
from flows.studies.report.gather import gather
from flows.studies.report.page import BADGES, page

EXAMPLES = """\
  offerstream report replayed
  offerstream report exported --out report.html --offers offers.toml
  offerstream report compared/linear_thompson"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``report``."""
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="directory that replay, export or backtest wrote"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="HTML file to write (default: DIR/report.html)"
    )
    add_criteria(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page and print the verdicts of the self-diagnosis."""
    check_json(args.json)
    markets = gather(args.directory, read_criteria(args.offers))
    out: Path = args.directory / "report.html" if args.out is None else args.out
    with writing("--out", out):
        out.write_text(page(args.directory.resolve().name, markets), encoding="utf-8")
    for market in markets:
        for verdict in market.verdicts():
            sys.stdout.write(f"{market.name}: {BADGES[verdict.level]}: {verdict.sentence}\n")
        if (promotion := market.promotion()) is not None:
            sys.stdout.write(f"{market.name}: {promotion.sentence()}\n")
    write_json(args.json, {market.name: market.plain_figures() for market in markets})
    sys.stdout.write(f"{out}\n")
