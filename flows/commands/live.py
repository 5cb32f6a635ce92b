"""``offerstream live``."""

import argparse
from pathlib import Path

from flows.commands.common import add_bootstrap, add_settings, pair, settings_of
from flows.worker.live import live
from flows.worker.state_failures import state_error
from schemas.adapters import FORMATS
from schemas.errors import OfferstreamError, expected_error

OTHERS = ", ".join(name for name in FORMATS if name != "native")
EXAMPLES = """\
  offerstream live --bootstrap localhost:9092 --state /var/lib/offerstream --offers offers.toml
  offerstream live --kafka-file client.properties --state state --from earliest --shadow
  offerstream live --bootstrap localhost:9092 --state state --events shop.events --events web.segment \\
      --format web.segment=segment --set session_gap=20m
  offerstream live --config worker.toml --schema-registry https://registry:8081"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``live``."""
    add_bootstrap(parser)
    parser.add_argument("--state", type=Path, metavar="DIR", help="directory of everything it remembers")
    parser.add_argument(
        "--from", dest="begin", choices=("earliest", "latest"), help="what a first start reads"
    )
    parser.add_argument(
        "--events", action="append", metavar="TOPIC", help="topic to read events from; may be repeated"
    )
    parser.add_argument(
        "--format",
        dest="formats",
        action="append",
        default=[],
        type=pair,
        metavar="TOPIC=FORMAT",
        help=f"format of an input topic that is not native: {OTHERS}",
    )
    parser.add_argument(
        "--schema-registry", metavar="URL", help="Schema Registry, with which values in Avro are read"
    )
    parser.add_argument(
        "--shadow", action="store_const", const=True, help="decide and log, but publish no offer"
    )
    parser.add_argument(
        "--emit-after",
        metavar="TIME",
        help="decide on moments after this time (RFC 3339); else after the first start",
    )
    parser.add_argument(
        "--ordered",
        action="store_true",
        help="hold events until nothing older can come: the same log then gives the same decisions",
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Run the worker."""
    settings = settings_of(
        args,
        state=args.state,
        begin=args.begin,
        events_topics=args.events,
        formats=dict(args.formats) or None,
        schema_registry=args.schema_registry,
        shadow=args.shadow,
        emit_after=args.emit_after,
    )
    try:
        live(settings, ordered=args.ordered)
    except OfferstreamError:
        raise
    except Exception as error:
        failure = state_error(error, settings.state)
        if failure is None or expected_error(error) is not None:
            raise
        raise failure from error
