"""``offerstream explain``."""

import argparse
import sys
import time
from datetime import timedelta
from pathlib import Path

import msgspec

from flows.commands.common import add_bootstrap, add_settings, check_json, duration, settings_of, writing
from flows.kafka.cluster import Cluster
from flows.observability.printable import terminal_width
from flows.settings import Settings
from flows.studies.explain.decision_story import DecisionStory
from flows.studies.explain.explained import explained
from flows.studies.explain.from_files import story_in_files
from flows.studies.explain.from_topics import story_in_topics
from flows.studies.explain.text import as_text
from schemas.records import encode

SINCE = timedelta(days=7)
STANDARD_OUTPUT = Path("-")
EXAMPLES = """\
  offerstream explain dda7873c0e884161b23b5c63 --bootstrap localhost:9092 --offers offers.toml
  offerstream explain dda7873c0e884161b23b5c63 --since 30d --json explanation.json
  offerstream explain dda7873c0e884161b23b5c63 --from replayed --json -"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``explain``."""
    parser.add_argument("id", metavar="ID", help="offer_id or decision_id, as records have it")
    parser.add_argument(
        "--from",
        dest="directory",
        type=Path,
        metavar="DIR",
        help="look in a directory that replay, export or backtest wrote, not in the topics",
    )
    parser.add_argument(
        "--since",
        type=duration,
        default=SINCE,
        metavar="DURATION",
        help="how far back the topics are read, the newest records first (default: 7d)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write it for machines; - prints that and no sentences"
    )
    add_bootstrap(parser)
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Print why a decision was taken and what came of it."""
    path: Path | None = args.json
    if path != STANDARD_OUTPUT:
        check_json(path)
    settings = settings_of(args)
    found = explained(_story(args, settings), settings.shop())
    written = msgspec.json.format(encode(found), indent=2) + b"\n"
    if path == STANDARD_OUTPUT:
        sys.stdout.write(written.decode())
        return
    if path is not None:
        with writing("--json", path):
            path.write_bytes(written)
    sys.stdout.write(as_text(found, terminal_width(100)))


def _story(args: argparse.Namespace, settings: Settings) -> DecisionStory:
    if args.directory is not None:
        return story_in_files(args.directory, args.id)
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    since_s = time.time() - args.since.total_seconds()
    return story_in_topics(cluster, settings.output_topics, args.id, since_s)
