"""Arguments that several commands share, the settings they make, and the files they name."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from flows.settings import Settings, read_settings
from operators.bandits import POLICIES
from schemas.adapters import FORMATS, format_named
from schemas.durations import parse_duration
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
        type=secret_pair,
        help="any setting, for example session_gap=20m",
    )


def add_format(parser: argparse.ArgumentParser, default: str | None = "native") -> None:
    """Add ``--format``, the format of files; without a default the one that fits best is taken."""
    names = f"{', '.join(FORMATS)}; generic:FILE names the file that describes it"
    unless = "" if default else " (default: the one that fits best)"
    parser.add_argument(
        "--format",
        default=default,
        type=_format,
        metavar="FORMAT",
        help=f"format of the records: {names}{unless}",
    )


def _format(form: str) -> str:
    try:
        format_named(form)
    except SetupError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return form


def add_policies(parser: argparse.ArgumentParser, help_: str, *, required: bool = True) -> None:
    """Add ``--policy``, which may be repeated; ``help_`` says what its values may be."""
    parser.add_argument(
        "--policy",
        dest="policies",
        action="append",
        required=required,
        metavar="SPEC",
        help=f"{help_} ({', '.join(POLICIES)}), with settings as in "
        "linear_thompson:half_life=1000,floor=0.02; may be repeated",
    )


def add_bootstrap(parser: argparse.ArgumentParser) -> None:
    """Add ``--bootstrap``, ``--kafka`` and ``--kafka-file``."""
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="Kafka brokers")
    parser.add_argument(
        "--kafka",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        type=secret_pair,
        help="a librdkafka setting, for example security.protocol=SASL_SSL",
    )
    parser.add_argument(
        "--kafka-file",
        type=Path,
        metavar="FILE",
        help="file of such settings, as client.properties of Java's clients",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to this file")


def add_criteria(parser: argparse.ArgumentParser) -> None:
    """Add ``--offers`` for a command that only reports what the file asks of a rollout."""
    parser.add_argument(
        "--offers",
        type=Path,
        metavar="FILE",
        help="TOML file of markets and offers: also say whether markets meet `rollout.promote_when`",
    )


@contextmanager
def writing(option: str, path: Path, what: str = "file") -> Iterator[None]:
    """Turn an error of writing to the path that an option names into a SetupError that names the option."""
    try:
        yield
    except OSError as error:
        raise SetupError(
            f"{option} must be a {what} that can be written; got {str(path)!r}: {error.strerror}"
        ) from None


def check_json(path: Path | None, option: str = "--json") -> None:
    """Raise SetupError where the file of ``--json`` cannot be written; ask before a long computation."""
    if path is not None:
        with writing(option, path):
            is_new = not path.exists()
            path.open("ab").close()
            if is_new:
                path.unlink()


def write_json(path: Path | None, figures: object) -> None:
    """Write the figures to the file of ``--json``, if there is one; SetupError where it cannot be written."""
    if path is not None:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
        with writing("--json", path):
            path.write_bytes(orjson.dumps(figures, option=options))


def settings_of(args: argparse.Namespace, **given: Any) -> Settings:  # noqa: ANN401  settings check them
    """Return the settings: what is given here, then ``--set``, then the environment, then the file."""
    named = {name.lower(): value for name, value in args.sets}
    named["offers"] = args.offers
    if getattr(args, "bootstrap", None) is not None:
        named["bootstrap"] = args.bootstrap
    if getattr(args, "kafka_file", None) is not None:
        named["kafka_file"] = args.kafka_file
    if getattr(args, "kafka", None):
        named["kafka"] = dict(args.kafka)
    return read_settings(args.config, **named | {k: v for k, v in given.items() if v is not None})


def duration(text: str) -> timedelta:
    """Return a duration; argparse says what is wrong with anything else."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """Return a whole number of at least one; argparse says what is wrong with anything else."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1; got {text!r}")
    return int(text)


def secret_pair(text: str) -> tuple[str, str]:
    """Return the name and the value of ``NAME=VALUE``; what is none may be a password and is not shown."""
    try:
        return pair(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError("must be NAME=VALUE; got something else") from None


def pair(text: str) -> tuple[str, str]:
    """Return the name and the value of ``NAME=VALUE``; argparse reports anything else."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE; got {text!r}")
    return name, value
