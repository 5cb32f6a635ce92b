"""``offerstream restore``."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from flows.backup.restore import Restored, Topics, restore
from flows.commands.common import add_bootstrap, add_settings, settings_of
from flows.kafka.cluster import Cluster
from operators.decisions.reconciling import Reconciled

EXAMPLES = """\
  offerstream restore /backups/offerstream-20261130 --state /var/lib/offerstream --offers offers.toml
  offerstream restore /backups/now --config worker.toml --reconcile"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``restore``."""
    parser.add_argument("copy", type=Path, metavar="DIR", help="what `offerstream backup` has written")
    parser.add_argument("--state", type=Path, metavar="DIR", help="state directory to make, new or empty")
    parser.add_argument(
        "--reconcile",
        action="store_true",
        help="put the decisions that were published after the backup into the ledger",
    )
    add_bootstrap(parser)
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Put the copy back and say what it is."""
    settings = settings_of(args, state=args.state)
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    topics = Topics(cluster, settings.output_topics)
    done = restore(args.copy, settings.state, topics, settings.shop(), reconciles=args.reconcile)
    sys.stdout.writelines(_lines(done, settings.state))


def _lines(done: Restored, state: Path) -> Iterator[str]:
    made = datetime.fromtimestamp(done.manifest.made_at_s, UTC)
    yield f"{state}: the state before epoch {done.manifest.epoch}, as it was backed up on {made:%F %TZ}\n"
    for topic, count in sorted(done.ahead.items()):
        yield f"{topic}: {count} records were published since; none is published again\n"
    for market, found in done.reconciled.items():
        yield f"market {market}: {', '.join(_words(found))}\n"


def _words(found: Reconciled) -> Iterator[str]:
    yield f"{found.added} decisions put into the ledger, {found.known} stood there"
    if found.withheld:
        yield f"{found.withheld} offers that were not published are withheld"
    if found.unknown_arms:
        yield f"{found.unknown_arms} have an arm that the offers file lacks, and cost nothing"
