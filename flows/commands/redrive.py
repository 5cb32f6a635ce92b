"""``offerstream redrive``."""

import argparse
import sys
from collections.abc import Iterable
from datetime import datetime

from flows.commands.common import add_bootstrap, add_settings, positive, settings_of
from flows.kafka.cluster import Cluster
from flows.studies.redrive import Asked, RedriveCounts, Result, redrive
from schemas.rejected import REJECT_CLASSES

EXAMPLES = """\
  offerstream redrive --bootstrap localhost:9092 --class unknown_market --dry-run
  offerstream redrive --bootstrap localhost:9092 --class unknown_market --since 2026-11-20T14:00:00Z
  offerstream redrive --bootstrap localhost:9092 --class invalid --class unknown_type --limit 100"""

ALL = "all"
LATE = "What is older by now than `max_late` allows is rejected as late once more; orders never are.\n"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``redrive``."""
    add_bootstrap(parser)
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        required=True,
        choices=(*REJECT_CLASSES, ALL),
        metavar="CLASS",
        help=f"class of the records to write back ({', '.join(REJECT_CLASSES)}, or {ALL}); may be repeated",
    )
    parser.add_argument("--since", type=instant, metavar="TIME", help="only what was rejected from then on")
    parser.add_argument("--until", type=instant, metavar="TIME", help="only what was rejected before then")
    parser.add_argument("--limit", type=positive, metavar="N", help="write back at most so many records")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be written back, and write nothing"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Write records back and say how many of what."""
    settings = settings_of(args)
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    classes = frozenset(REJECT_CLASSES if ALL in args.classes else args.classes)
    asked = Asked(classes, args.since, args.until, args.limit, args.dry_run)
    counts = redrive(cluster, settings.topic_of("rejected"), asked)
    sys.stdout.writelines(_lines(counts, sorted(classes), dry_run=args.dry_run))


def instant(text: str) -> datetime:
    """Return a time of RFC 3339; argparse says what is wrong with anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"must be a time such as 2026-11-20T14:00:00Z; got {text!r}")
    return found


def _lines(counts: RedriveCounts, classes: Iterable[str], *, dry_run: bool) -> Iterable[str]:
    of_classes = {class_: 0 for class_, _ in counts.results} or dict.fromkeys(classes, 0)
    for class_ in sorted(of_classes):
        found = [(result, counts.results[class_, result]) for result in Result]
        words = [_words(result, number, dry_run=dry_run) for result, number in found if number]
        yield f"{class_}: {', '.join(words) or 'none'}\n"
    if skipped := [f"{number} {what}" for what, number in sorted(counts.skipped.items())]:
        yield f"passed over: {', '.join(skipped)}\n"
    if any(result is Result.REDRIVEN for _, result in counts.results):
        yield LATE


def _words(result: Result, number: int, *, dry_run: bool) -> str:
    would_be = "would be " if dry_run and result is Result.REDRIVEN else ""
    return f"{number} {would_be}{result}"
