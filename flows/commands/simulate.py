"""``offerstream simulate``."""

import argparse
import dataclasses
from pathlib import Path

from flows.commands.common import add_bootstrap, add_settings, settings_of
from flows.simulation.kafka_link import places
from flows.simulation.run import SimulationSettings, simulate

EXAMPLES = """\
  offerstream simulate --bootstrap localhost:9092 --speed 60 --visits-per-hour 2000
  offerstream simulate --out events.jsonl --seconds 3600 --seed 7
  offerstream simulate --out month.jsonl --seconds 2592000 --broken-checkout 15 18"""

CHOSEN = ("speed", "visits_per_hour", "cart_share", "seed", "seconds", "market", "broken_checkout")
USUAL = {field.name: field.default for field in dataclasses.fields(SimulationSettings)}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``simulate``."""
    add_bootstrap(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON lines there instead of to Kafka")
    parser.add_argument("--seconds", type=float, help="end after so many seconds")
    parser.add_argument(
        "--broken-checkout",
        type=float,
        nargs=2,
        metavar=("FROM", "TO"),
        help="an incident: between these days after the start no order comes through",
    )
    add_shoppers(parser)
    add_settings(parser)


def add_shoppers(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how busy the shop is."""
    parser.add_argument("--speed", type=float, help=f"simulated seconds a second (default: {USUAL['speed']})")
    parser.add_argument(
        "--visits-per-hour",
        type=float,
        help=f"a simulated hour's visits (default: {USUAL['visits_per_hour']})",
    )
    parser.add_argument("--cart-share", type=float, help="share of visits with a cart")
    parser.add_argument("--seed", type=int, help="the same seed gives the same shoppers (default: 0)")
    parser.add_argument("--market", help="market of the shoppers (default: default)")


def run(args: argparse.Namespace) -> None:
    """Let shoppers shop."""
    settings = settings_of(args)
    to = places(settings) if args.out is None else args.out
    chosen = {name: getattr(args, name) for name in CHOSEN if getattr(args, name) is not None}
    if args.broken_checkout is not None:
        chosen["broken_checkout"] = tuple(args.broken_checkout)
    simulate(SimulationSettings(settings.shop(), to, **chosen))
