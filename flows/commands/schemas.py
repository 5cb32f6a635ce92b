"""``offerstream schemas``."""

import argparse
import sys
from pathlib import Path

from schemas.json_schemas import schema_files

EXAMPLES = """\
  offerstream schemas --out docs/schemas"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schemas``."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")


def run(args: argparse.Namespace) -> None:
    """Write one JSON Schema a kind of record."""
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files().items():
        (args.out / name).write_text(text)
    sys.stdout.write(f"{len(schema_files())} schemas in {args.out}\n")
