"""``offerstream live``."""

import argparse
from pathlib import Path

from flows.cluster.membership import ALONE, Member
from flows.cluster.supervisor import supervise
from flows.commands.common import add_bootstrap, add_settings, pair, positive, settings_of
from flows.commands.ui import add_page
from flows.worker.live import live
from flows.worker.state_failures import state_error
from schemas.adapters import FORMATS
from schemas.errors import OfferstreamError, SetupError, expected_error

OTHERS = ", ".join(name for name in FORMATS if name != "native")
EXAMPLES = """\
  offerstream live --bootstrap localhost:9092 --state /var/lib/offerstream --offers offers.toml
  offerstream live --kafka-file client.properties --state state --from earliest --shadow
  offerstream live --bootstrap localhost:9092 --state state --events shop.events --events web.segment \\
      --format web.segment=segment --set session_gap=20m
  offerstream live --config worker.toml --schema-registry https://registry:8081
  offerstream live --config worker.toml --ui
  offerstream live --config worker.toml --processes 2
  offerstream live --config worker.toml --process 1 --addresses 10.0.0.1:7400,10.0.0.2:7400"""


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
    add_page(parser)
    together = parser.add_argument_group("several processes")
    together.add_argument(
        "--processes", type=positive, metavar="N", help="run as so many processes on this machine"
    )
    together.add_argument(
        "--process", type=int, metavar="I", help="be process I, from 0, of those at --addresses"
    )
    together.add_argument(
        "--addresses",
        type=_addresses,
        metavar="H:P,H:P",
        help="where each process listens for the others, the same for all: only on a private network",
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
        ui=args.ui,
        ui_tokens=args.ui_tokens,
    )
    member = _member(args)
    try:
        if args.processes is None:
            live(settings, ordered=args.ordered, member=member)
        else:
            supervise(settings, args.processes, ordered=args.ordered)
    except OfferstreamError:
        raise
    except Exception as error:
        failure = state_error(error, settings.state)
        if failure is None or expected_error(error) is not None:
            raise
        raise failure from error


def _member(args: argparse.Namespace) -> Member:
    """Return which process of several it is; raises SetupError for arguments that do not go together."""
    if args.processes is not None and (args.process is not None or args.addresses is not None):
        raise SetupError("--processes is for one machine, --process and --addresses are for several")
    if (args.process is None) != (args.addresses is None):
        raise SetupError("--process and --addresses must be given together")
    return ALONE if args.addresses is None else Member(args.process, args.addresses)


def _addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(each.strip() for each in text.split(","))
    for each in addresses:
        host, _, port = each.rpartition(":")
        if not host or not port.isdecimal():
            raise argparse.ArgumentTypeError(f"must be HOST:PORT,HOST:PORT; got {text!r}")
    if len(set(addresses)) < len(addresses):
        raise argparse.ArgumentTypeError(f"must all be different; got {text!r}")
    return addresses
