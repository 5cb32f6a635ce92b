"""``offerstream visitor``."""

import argparse
import sys
from pathlib import Path

import orjson

from flows.commands.common import add_settings, settings_of
from flows.studies.visitor import visitor

EXAMPLES = """\
  offerstream visitor v-1042 --state /var/lib/offerstream
  offerstream visitor v-1042 --market uk --state state --offers offers.toml"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``visitor``."""
    parser.add_argument("id", metavar="ID", help="the visitor_id of the events")
    parser.add_argument("--market", default="default", help="the visitor's market (default: %(default)s)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="state directory of the worker")
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Print features, cart, scores and decisions as JSON."""
    known = visitor(settings_of(args, state=args.state), args.market, args.id)
    sys.stdout.write(orjson.dumps(known, option=orjson.OPT_INDENT_2).decode() + "\n")
