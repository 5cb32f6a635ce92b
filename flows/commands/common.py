"""Arguments that several commands share, and the settings they make together."""

import argparse
from pathlib import Path
from typing import Any

import orjson

from flows.settings import Settings, read_settings
from operators.bandits import POLICIES
from schemas.errors import SetupError


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``, ``--offers`` and ``--set``, with which every setting can be given."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file of settings")
    parser.add_argument("--offers", type=Path, metavar="FILE", help="TOML file of markets and offers")
    parser.add_argument(
        "--set",
        dest="sets",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        type=pair,
        help="any setting of the README's table, for example session_gap=20m",
    )


def add_policies(parser: argparse.ArgumentParser, help_: str) -> None:
    """Add ``--policy``, which may be repeated; ``help_`` says what may stand there."""
    parser.add_argument(
        "--policy",
        dest="policies",
        action="append",
        required=True,
        metavar="SPEC",
        help=f"{help_} ({', '.join(POLICIES)}), with settings as in "
        "linear_thompson:half_life=1000,floor=0.02; may be repeated",
    )


def add_bootstrap(parser: argparse.ArgumentParser) -> None:
    """Add ``--bootstrap`` and ``--kafka``."""
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="Kafka brokers")
    parser.add_argument(
        "--kafka",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        type=pair,
        help="a librdkafka setting, for example security.protocol=SASL_SSL",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")


def write_json(path: Path | None, figures: object) -> None:
    """Write what ``--json`` asks for; SetupError where the file cannot be written."""
    if path is None:
        return
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    try:
        path.write_bytes(orjson.dumps(figures, option=options))
    except OSError as error:
        raise SetupError(f"--json must be a file that can be written; got {path}: {error.strerror}") from None


def settings_of(args: argparse.Namespace, **given: Any) -> Settings:  # noqa: ANN401  settings check them
    """Return the settings: what was given here, then --set, then the environment, then the file."""
    named = {name.lower(): value for name, value in args.sets}
    named["offers"] = args.offers
    if getattr(args, "bootstrap", None) is not None:
        named["bootstrap"] = args.bootstrap
    if getattr(args, "kafka", None):
        named["kafka"] = dict(args.kafka)
    return read_settings(args.config, **named | {k: v for k, v in given.items() if v is not None})


def pair(text: str) -> tuple[str, str]:
    """Return the name and the value of ``NAME=VALUE``; argparse says what is wrong with anything else."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE; got {text!r}")
    return name, value
