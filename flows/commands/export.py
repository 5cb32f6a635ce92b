"""``offerstream export``."""

import argparse
import sys
from pathlib import Path

from flows.commands.common import add_bootstrap, add_settings, settings_of
from flows.kafka.cluster import Cluster
from flows.studies.export import Exported, export_topics

EXAMPLES = """\
  offerstream export --bootstrap localhost:9092 --out exported
  offerstream export --bootstrap localhost:9092 --out exported --set topics=offers=my.offers"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``export``."""
    add_bootstrap(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty directory")
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Write the files and print how many records there are."""
    settings = settings_of(args)
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    for stream, count in export_topics(cluster, settings.output_topics, args.out).items():
        sys.stdout.write(f"{stream}: {count.written}{_passed_over(count)}\n")


def _passed_over(count: Exported) -> str:
    found = (
        (count.tombstones, "tombstones"),
        (count.foreign, "of other producers"),
        (count.notes, "notes of redrive"),
    )
    words = ", ".join(f"{number} {what}" for number, what in found if number)
    return f" (passed over: {words})" if words else ""
