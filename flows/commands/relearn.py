"""``offerstream relearn``."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from flows.backup.relearn import READ_FROM, Rebuilt, relearn
from flows.commands.common import add_bootstrap, add_settings, settings_of
from operators.decisions.relearning import Relearned
from schemas.records import Timestamp

EXAMPLES = """\
  offerstream relearn --bootstrap localhost:9092 --state /var/lib/offerstream --offers offers.toml
  offerstream relearn --config worker.toml --from exported --read-from committed
  offerstream relearn --config worker.toml --state trial --set policy=square_cb"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``relearn``."""
    add_bootstrap(parser)
    parser.add_argument("--state", type=Path, metavar="DIR", help="state directory to make, new or empty")
    parser.add_argument(
        "--from",
        dest="records",
        type=Path,
        metavar="DIR",
        help="take the records from the files of an export, not from the topics",
    )
    parser.add_argument(
        "--read-from",
        choices=READ_FROM,
        default="open",
        help="what the worker reads of events: all since the oldest open decision, or from what its group "
        "committed, the ends, the beginnings (default: %(default)s)",
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Rebuild the state and say of what."""
    settings = settings_of(args, state=args.state)
    done = relearn(settings, args.records, args.read_from)
    sys.stdout.writelines(_lines(done, settings.state, args.read_from))


def _lines(done: Rebuilt, state: Path, read_from: str) -> Iterator[str]:
    for market, found in sorted(done.markets.items()):
        yield (
            f"market {market}: {found.decisions} decisions, {done.open_decisions[market]} of them open; "
            f"policy after {done.updates[market]} updates; abandonment model after {found.trained} of "
            f"{found.outcomes} outcomes\n"
        )
        yield from (f"market {market}: {words}\n" for words in _left_out(found))
    where = read_from
    if done.read_from_s is not None:
        where = f"all events since {Timestamp(done.read_from_s)}"
    after = Timestamp(done.emit_after_s)
    yield f"{state}: a worker on it reads {where}, and decides on moments after {after}\n"


def _left_out(found: Relearned) -> Iterator[str]:
    if found.untrained:
        yield f"{found.untrained} outcomes are of an earlier version, without features, and train nothing"
    if found.withheld:
        yield f"{found.withheld} offers have no record and are withheld"
    if found.unrecorded:
        yield f"{found.unrecorded} offers have no decision in the topic; they are followed to their ends"
    if found.unknown_arms:
        yield f"{found.unknown_arms} offers have an arm that the offers file lacks, and cost nothing"
    if found.foreign:
        yield f"{found.foreign} rewards and ends are of decisions that are not in the topic any more"
    if found.capped_otherwise:
        yield f"{found.capped_otherwise} rewards were capped otherwise than before"
