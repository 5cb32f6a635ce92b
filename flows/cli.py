"""The command line: one module a command, loaded when it is asked for."""

import argparse
import os
import select
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module
from importlib.metadata import version
from typing import Final, Protocol, cast

from flows.observability.logs import log_to_stderr
from flows.observability.printable import printable, printable_output
from schemas.errors import expected_error

COMMANDS: Final = {
    "check": "read some of a topic or a file, and say what the worker would make of it",
    "live": "run the worker: Kafka in, Kafka out, until it is stopped",
    "replay": "run recorded events from files and write what follows into files",
    "backtest": "compare policies side by side, over recorded events or simulated shoppers",
    "report": "draw what a run decided and earned, and how well, on one HTML page",
    "demo": "see it all work: a broker, simulated shoppers, the worker and its live page",
    "simulate": "let simulated shoppers shop at a Kafka, or into a file",
    "ui": "serve the live page of a worker: what it does and how well, with buttons to pause and roll out",
    "control": "change offers, limits and rules while the worker runs: pause, kill, set, approve",
    "state": "look after the state: check that all of it can be read, move it to another number of processes",
    "backup": "copy the state of a worker, while it runs, into a directory that `restore` puts back",
    "restore": "make a state directory from a backup, with what was published since",
    "relearn": "rebuild a lost state directory from the records that were published",
    "explain": "say why an offer was made, or none, and what came of it, in sentences",
    "visitor": "print what the worker knows of one visitor",
    "export": "write what stands in the topics into the files that replay writes",
    "redrive": "write rejected records back to where they came from, each once",
    "lift": "compare who got the policy with the holdout, in conversion and in profit",
    "evaluate": "estimate what other policies would have earned, from logged decisions and rewards",
    "bench": "measure throughput, latency, seals and decisions against yardsticks",
    "broker": "run the embedded broker",
    "schemas": "write the JSON Schemas of all records",
}
DRAWING: Final = frozenset({"demo"})
"""Commands that draw on the terminal: what these show is made up by the simulation."""
EXIT_CLOSED: Final = 1
EXIT_INTERRUPTED: Final = 130


class Command(Protocol):
    """What a module of ``flows.commands`` has."""

    EXAMPLES: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, args: argparse.Namespace) -> int | None:
        """Do it and return the exit code, None for 0; raises OfferstreamError to end with one line."""


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of a command line; ends with the usage of the command where they are wrong.

    Only the chosen command's module is imported.
    """
    chosen = next((word for word in words if word in COMMANDS), None)
    top, sub = _parsers(chosen)
    args, unknown = top.parse_known_args(words)
    if unknown:  # the top parser would show its own usage
        sub.error(f"unrecognized arguments: {' '.join(unknown)}")
    return args


def _parsers(chosen: str | None) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    top = argparse.ArgumentParser(
        prog="offerstream",
        description="Personalized offers for abandoned carts, learned online from a shop's events.",
    )
    top.add_argument("--version", action="version", version=f"offerstream {version('offerstream')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    of_chosen = top
    for name, says in COMMANDS.items():
        module = command(name) if name == chosen else None
        sub = commands.add_parser(
            name,
            help=says,
            description=says[0].upper() + says[1:] + ".",
            epilog=None if module is None else f"examples:\n{module.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if module is not None:
            module.arguments(sub)
            of_chosen = sub
    return top, of_chosen


def command(name: str) -> Command:
    """Return the module of a command."""
    return cast("Command", import_module(f"flows.commands.{name}"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    0: it is done. 1: nothing of its input was taken, or the reader of its output has closed it. 2: one line
    says what is wrong with the set-up, the data or the broker. 74: one line says what is wrong with the state
    directory or its disk. 75: the worker is to be started again. 130: it was interrupted by Ctrl-C.
    """
    try:
        try:
            return _run(sys.argv[1:] if argv is None else list(argv))
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        if not _stdout_is_closed():
            raise
        return EXIT_CLOSED


def _run(words: Sequence[str]) -> int:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("RUST_BACKTRACE", "0")
    args = parsed(words)
    log_to_stderr()
    output = nullcontext() if args.command in DRAWING else printable_output()
    try:
        with output:
            return command(args.command).run(args) or 0
    except Exception as error:
        if _is_interrupt(error):
            return EXIT_INTERRUPTED
        expected = expected_error(error)
        if expected is None:
            raise
        sys.stderr.write(printable(f"offerstream {args.command}: {expected}\n"))
        return expected.exit_code


def _is_interrupt(error: BaseException | None) -> bool:
    """Return whether Ctrl-C caused an error: Bytewax wraps that too."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _stdout_is_closed() -> bool:
    """Return whether the output was closed by its reader; if so, discard what is still printed."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    is_closed = bool(poll.poll(0))
    if is_closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return is_closed


if __name__ == "__main__":
    sys.exit(main())
