"""One process of a supervised worker: it has its orders from standard input, and ends with its supervisor."""

import logging
import os
import signal
import sys
from typing import Any, NamedTuple

from flows.cluster.fatal import end_with
from flows.cluster.membership import Member
from flows.observability.log_events import LogEvent, tell
from flows.settings import Settings, read_settings
from flows.worker.child import received, when_parent_ends
from flows.worker.live import live


class Orders(NamedTuple):
    """What a supervisor tells a process: all settings, so that it reads no file and no environment itself."""

    settings: dict[str, Any]
    member: Member
    ordered: bool


def settings_with(settings: Settings, **changed: Any) -> dict[str, Any]:  # noqa: ANN401  they are checked again
    """Return all settings by name, with some of them changed."""
    return {**dict(settings), **changed}


def _end() -> None:
    tell(logging.getLogger("offerstream"), LogEvent.SUPERVISOR_GONE)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run one process; the port of its metrics goes to standard output."""
    orders = Orders(*received(sys.stdin.buffer))
    when_parent_ends(_end)
    _name_in_logs(orders.member.index)

    def announce(port: int) -> None:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()

    settings = read_settings(**orders.settings)
    try:
        live(settings, ordered=orders.ordered, member=orders.member, announce=announce)
    except Exception as error:  # noqa: BLE001  the supervisor is told by the exit code
        end_with(error, settings.state)


def _name_in_logs(process: int) -> None:
    """Let each line of the log name the process."""
    make = logging.getLogRecordFactory()

    def named(*args: Any, **given: Any) -> logging.LogRecord:  # noqa: ANN401  they are passed on
        record = make(*args, **given)
        record.name = f"{record.name}[{process}]"
        return record

    logging.setLogRecordFactory(named)


if __name__ == "__main__":
    main()
