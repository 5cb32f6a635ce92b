"""``offerstream simulate``."""

import argparse
import dataclasses
from pathlib import Path

from flows.commands.common import add_bootstrap, add_settings, settings_of
from flows.simulation.kafka_link import topics_of
from flows.simulation.run import simulate
from flows.simulation.settings import SimulationSettings
from schemas.errors import SetupError

EXAMPLES = """\
  offerstream simulate --bootstrap localhost:9092 --speed 60 --visits-per-hour 2000
  offerstream simulate --out events.jsonl --seconds 3600 --seed 7
  offerstream simulate --out month.jsonl --seconds 2592000 --broken-checkout 15 18"""

CHOSEN = ("speed", "visits_per_hour", "cart_share", "seed", "seconds", "market", "broken_checkout")
USUAL = {field.name: field.default for field in dataclasses.fields(SimulationSettings)}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``simulate``."""
    add_bootstrap(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write JSON lines to this file instead of Kafka; needs --seconds",
    )
    parser.add_argument(
        "--seconds", type=float, help="end after this many seconds (default: run until Ctrl-C)"
    )
    parser.add_argument(
        "--broken-checkout",
        type=float,
        nargs=2,
        metavar=("FROM", "TO"),
        help="an incident: between these days after the start no order is completed",
    )
    add_shoppers(parser)
    add_settings(parser)


def add_shoppers(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for how busy the shop is."""
    parser.add_argument(
        "--speed", type=float, help=f"simulated seconds per second (default: {USUAL['speed']})"
    )
    parser.add_argument(
        "--visits-per-hour",
        type=float,
        help=f"visits per simulated hour (default: {USUAL['visits_per_hour']})",
    )
    parser.add_argument("--cart-share", type=float, help="share of visits with a cart")
    parser.add_argument("--seed", type=int, help="the same seed gives the same shoppers (default: 0)")
    parser.add_argument("--market", help="market of the shoppers (default: default)")


def run(args: argparse.Namespace) -> None:
    """Run the simulation."""
    settings = settings_of(args)
    if args.out is not None and args.seconds is None:
        raise SetupError("--seconds must be given with --out: a file needs an end")
    to = topics_of(settings) if args.out is None else args.out
    chosen = {name: getattr(args, name) for name in CHOSEN if getattr(args, name) is not None}
    if args.broken_checkout is not None:
        chosen["broken_checkout"] = tuple(args.broken_checkout)
    simulate(SimulationSettings(settings.shop(), to, **chosen))
