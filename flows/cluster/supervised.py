"""One process of a supervised worker: it has its orders from standard input, and ends with its supervisor."""

import logging
import os
import pickle
import signal
import sys
import threading
from typing import Any, BinaryIO, NamedTuple

from flows.cluster.fatal import end_with
from flows.cluster.membership import Member
from flows.settings import Settings, read_settings
from flows.worker.live import live
from schemas.errors import OfferstreamError


class Orders(NamedTuple):
    """What a supervisor tells a process: all settings, so that it reads no file and no environment itself."""

    settings: dict[str, Any]
    member: Member
    ordered: bool

    def send(self, pipe: BinaryIO) -> None:
        """Write them for ``received``."""
        pickle.dump(tuple(self), pipe)
        pipe.flush()


def received(pipe: BinaryIO) -> Orders:
    """Return the orders that a supervisor has sent through its own pipe."""
    settings, member, ordered = pickle.load(pipe)  # noqa: S301  from nobody but the parent process
    return Orders(settings, member, ordered)


def settings_with(settings: Settings, **changed: Any) -> dict[str, Any]:  # noqa: ANN401  they are checked again
    """Return all settings by name, with some of them changed."""
    return {**dict(settings), **changed}


def _end_with_parent(pipe: BinaryIO) -> None:
    os.read(pipe.fileno(), 1)  # not through the buffer, whose lock Python wants when it ends
    logging.getLogger("offerstream").error("the supervisor is gone; this process ends")
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run one process; the port of its metrics goes to standard output."""
    orders = received(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, args=(sys.stdin.buffer,), daemon=True).start()
    number = orders.member.index
    form = f"%(asctime)s %(levelname)s [{number}] %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stderr)

    def announce(port: int) -> None:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()

    try:
        settings = read_settings(**orders.settings)
        live(settings, ordered=orders.ordered, member=orders.member, announce=announce)
    except OfferstreamError as error:
        end_with(error)


if __name__ == "__main__":
    main()
