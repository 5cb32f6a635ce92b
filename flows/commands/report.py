"""``offerstream report``."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.commands.common import (
    add_bootstrap,
    add_json,
    add_settings,
    check_json,
    settings_of,
    write_json,
    writing,
)
from flows.kafka.cluster import Cluster
from flows.studies.export import export_topics
from flows.studies.lift.promotion import read_criteria
from flows.studies.report.gather import gather
from flows.studies.report.page import BADGES, page
from flows.studies.report.parity import DEFAULT_FEATURES
from schemas.errors import SetupError

EXAMPLES = """\
  offerstream report replayed
  offerstream report exported --out report.html --offers offers.toml --parity device
  offerstream report --bootstrap localhost:9092 --out report.html"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``report``."""
    parser.add_argument(
        "directory",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="directory that replay, export or backtest wrote; without it the topics are read",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="HTML file to write (default: report.html, in DIR if named)"
    )
    parser.add_argument(
        "--parity",
        action="append",
        default=[],
        metavar="FEATURE",
        help="compare how often offers are made over the values of a feature; may be repeated "
        f"(default: {', '.join(DEFAULT_FEATURES)}, those that there are)",
    )
    add_json(parser)
    add_bootstrap(parser)
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page and print the verdicts of the self-diagnosis."""
    check_json(args.json)
    criteria = read_criteria(args.offers)
    out = _out(args)
    with _records(args) as (title, directory):
        markets = gather(directory, criteria, tuple(dict.fromkeys(args.parity)))
    with writing("--out", out):
        out.write_text(page(title, markets), encoding="utf-8")
    for market in markets:
        for verdict in market.verdicts():
            sys.stdout.write(f"{market.name}: {BADGES[verdict.level]}: {verdict.sentence}\n")
        for parity in market.parity():
            sys.stdout.write(f"{market.name}: parity by {parity.feature}: {parity.sentence()}\n")
        if (promotion := market.promotion()) is not None:
            sys.stdout.write(f"{market.name}: {promotion.sentence()}\n")
    write_json(args.json, {market.name: market.plain_figures() for market in markets})
    sys.stdout.write(f"{out}\n")


def _out(args: argparse.Namespace) -> Path:
    if args.out is not None:
        found: Path = args.out
        return found
    return Path("report.html") if args.directory is None else args.directory / "report.html"


@contextmanager
def _records(args: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Yield what the page is called and the directory of its records, which topics are exported to."""
    if args.directory is not None:
        if args.bootstrap is not None:
            raise SetupError(f"report reads DIR or the topics, not both; got {str(args.directory)!r} as well")
        yield args.directory.resolve().name, args.directory
        return
    settings = settings_of(args)
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    with TemporaryDirectory(prefix="offerstream-report-") as directory:
        export_topics(cluster, settings.output_topics, Path(directory) / "records")
        yield settings.bootstrap, Path(directory) / "records"
