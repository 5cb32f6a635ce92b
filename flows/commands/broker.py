"""``offerstream broker``."""

import argparse
import signal
import sys
from pathlib import Path
from threading import Event

from flows.kafka.broker_process import EmbeddedBroker

EXAMPLES = """\
  offerstream broker --port 9092
  offerstream broker --port 9092 --data broker-data"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``broker``."""
    parser.add_argument("--port", type=int, default=9092, help="0: any free port (default: %(default)s)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="directory that keeps its data (default: a temporary one)"
    )


def run(args: argparse.Namespace) -> None:
    """Run the embedded broker until SIGTERM or Ctrl-C."""
    asked = Event()
    with EmbeddedBroker(args.port, args.data) as broker:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: asked.set())
        sys.stdout.write(f"listening on {broker.bootstrap}\n")
        sys.stdout.flush()
        asked.wait()
