"""``offerstream replay``."""

import argparse
import sys
from pathlib import Path

from flows.commands.common import add_format, add_settings, settings_of
from flows.studies.ending import ending
from flows.studies.replay import replay
from flows.studies.summary import SUMMARY

EXAMPLES = """\
  offerstream replay events.jsonl --out out
  offerstream replay 2019-Oct.csv.gz --format rees46 --out out --offers offers.toml
  offerstream replay mon.jsonl tue.jsonl --out out --set policy=epsilon_greedy --set seed=7"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``replay``."""
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="files, plain or gzip, of JSON or CSV"
    )
    add_format(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty directory")
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Replay the files and print what was taken and what was not."""
    settings = settings_of(args)
    summary = replay(args.inputs, args.format, args.out, settings)
    sentences = ending(summary, args.inputs, args.format, settings)
    sys.stdout.write("\n".join((*sentences, f"All figures: {args.out / SUMMARY}")) + "\n")
