"""``offerstream schemas``."""

import argparse
import sys
from pathlib import Path

from flows.commands.common import writing
from schemas.json_schemas import schema_files

EXAMPLES = """\
  offerstream schemas --out docs/schemas"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schemas``."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory of the files")


def run(args: argparse.Namespace) -> None:
    """Write one JSON Schema for each kind of record."""
    texts = schema_files()
    with writing("--out", args.out, "directory"):
        args.out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (args.out / name).write_text(text)
    sys.stdout.write(f"{len(texts)} schemas in {args.out}\n")
