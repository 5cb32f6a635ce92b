"""``offerstream visitor``."""

import argparse
import sys
from pathlib import Path

import orjson

from flows.commands.common import add_bootstrap, add_settings, settings_of
from flows.studies.everywhere import everywhere
from flows.studies.visitor import visitor

EXAMPLES = """\
  offerstream visitor v-1042 --state /var/lib/offerstream
  offerstream visitor v-1042 --market uk --state state --offers offers.toml
  offerstream visitor v-1042 --everywhere --backup backups/monday --bootstrap localhost:9092"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``visitor``."""
    parser.add_argument("id", metavar="ID", help="the visitor_id of the events; --everywhere: or the user_id")
    parser.add_argument("--market", default="default", help="the visitor's market (default: %(default)s)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="state directory of the worker")
    parser.add_argument(
        "--everywhere",
        action="store_true",
        help="say where the id stands, in files of the state and, with --bootstrap, in topics; exit code 1 "
        "where it does",
    )
    parser.add_argument(
        "--backup",
        dest="backups",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="--everywhere: a backup to look through too; may be repeated",
    )
    add_bootstrap(parser)
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Print features, cart, scores and decisions as JSON; or where the id stands, and return 1 if it does."""
    settings = settings_of(args, state=args.state)
    if not args.everywhere:
        known = visitor(settings, args.market, args.id)
        sys.stdout.write(orjson.dumps(known, option=orjson.OPT_INDENT_2).decode() + "\n")
        return 0
    directories = [settings.state, *args.backups]
    found = everywhere(settings, directories, args.id, with_topics=args.bootstrap is not None)
    for each in found:
        sys.stdout.write(f"{each.where}: {each.what} ({each.times})\n")
    if not found:
        looked = ", ".join([*map(str, directories), *(["the topics"] if args.bootstrap is not None else [])])
        sys.stdout.write(f"nowhere in {looked}\n")
    return int(bool(found))
