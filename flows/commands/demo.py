"""``offerstream demo``."""

import argparse
from pathlib import Path

from flows.demo.run import demo
from flows.demo.settings import DemoSettings
from flows.demo.view import View

USUAL = DemoSettings()
EXAMPLES = """\
  offerstream demo
  offerstream demo --seconds 40
  offerstream demo --incident checkout
  offerstream demo --seconds 300 --seed 7 --no-browser --out demo"""


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
    parser.add_argument(
        "--incident",
        choices=("checkout",),
        help="let something break after a quarter of the time: no order is completed any more",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the address of the live page, and open nothing"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="directory of its records and report (default: a new one here, offerstream-demo)",
    )


def run(args: argparse.Namespace) -> None:
    """Run the demo until its time is over or Ctrl-C."""
    seconds = args.seconds or None
    chosen = DemoSettings(
        seconds,
        args.speed,
        args.visits_per_hour,
        args.seed,
        incident=args.incident,
        browser=not args.no_browser,
        out=args.out,
    )
    demo(chosen, View())
