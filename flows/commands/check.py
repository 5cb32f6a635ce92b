"""``offerstream check``."""

import argparse
import sys

from flows.commands.common import (
    add_bootstrap,
    add_format,
    add_json,
    add_settings,
    check_json,
    positive,
    settings_of,
    write_json,
)
from flows.studies.check.figures import figures
from flows.studies.check.run import check
from flows.studies.check.view import text

EXAMPLES = """\
  offerstream check events.jsonl
  offerstream check web.orders shop.events --bootstrap localhost:9092 --offers offers.toml
  offerstream check web.segment --format segment --limit 100000 --json found.json"""
LIMIT = 10_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``check``."""
    parser.add_argument(
        "inputs", nargs="+", metavar="TOPIC|FILE", help="files as for replay; what is no file here is a topic"
    )
    add_format(parser, None)
    parser.add_argument(
        "--limit",
        type=positive,
        default=LIMIT,
        metavar="N",
        help="how much of each is read: the first records of a file, the newest of a topic "
        f"(default: {LIMIT:,})",
    )
    add_bootstrap(parser)
    parser.add_argument(
        "--schema-registry", metavar="URL", help="Schema Registry, with which values in Avro are read"
    )
    add_json(parser)
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Print what is in the files and topics; return 1 where nothing or little of it would be taken."""
    check_json(args.json)
    settings = settings_of(args, schema_registry=args.schema_registry)
    found = check(args.inputs, args.format, args.limit, settings)
    sys.stdout.write(text(found))
    write_json(args.json, figures(found))
    return int(found.is_little)
