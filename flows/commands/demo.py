"""``offerstream demo``."""

import argparse

from flows.demo.run import demo
from flows.demo.settings import DemoSettings
from flows.demo.view import View

USUAL = DemoSettings()
EXAMPLES = """\
  offerstream demo
  offerstream demo --seconds 40
  offerstream demo --seconds 300 --speed 600 --seed 7"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``demo``."""
    parser.add_argument(
        "--seconds", type=float, default=USUAL.seconds, help="0: until Ctrl-C (default: %(default)g)"
    )
    parser.add_argument(
        "--speed", type=float, default=USUAL.speed, help="simulated seconds per second (default: %(default)g)"
    )
    parser.add_argument(
        "--visits-per-hour",
        type=float,
        default=USUAL.visits_per_hour,
        help="visits per simulated hour (default: %(default)g)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=USUAL.seed,
        help="another seed gives other shoppers (default: %(default)d)",
    )


def run(args: argparse.Namespace) -> None:
    """Run the demo until its time is over or Ctrl-C."""
    seconds = args.seconds or None
    demo(DemoSettings(seconds, args.speed, args.visits_per_hour, args.seed), View())
