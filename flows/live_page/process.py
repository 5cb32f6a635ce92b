"""The page as a process beside the worker: it ends with the worker, and the worker never waits for it."""

import logging
import os
import socket
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from flows.live_page.access import read_access
from flows.live_page.address import read_address
from flows.live_page.installed import check_installed
from flows.live_page.listening import listen
from flows.observability.log_events import LogEvent, tell
from flows.observability.logs import log_to_stderr
from flows.settings import Settings, read_settings
from flows.worker.child import received, send, when_parent_ends
from schemas.errors import OfferstreamError

AGAIN_AFTER_S: Final = 5.0
NICE: Final = 5
"""Where processor time is short, the worker goes first."""

log = logging.getLogger("offerstream")


class _Orders(NamedTuple):
    """What the worker tells the page: all settings, where it answers itself, and the socket."""

    settings: dict[str, Any]
    worker_url: str
    listens: int


class PageProcess:
    """Serves the page for as long as a ``with`` block, from a process that is started again if it dies.

    Raises SetupError where packages are missing, the address cannot be listened on, or tokens are wrong.
    """

    def __init__(self, settings: Settings, worker_url: str) -> None:
        check_installed()
        self._address = read_address(settings.ui or "")
        read_access(self._address, settings.ui_tokens, settings.ui_access)
        self._socket = listen(self._address)
        self._orders = _Orders(dict(settings), worker_url, self._socket.fileno())
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-page", daemon=True)
        self.url = self._address.url(self._socket.getsockname()[1])

    @property
    def pid(self) -> int | None:
        """The process id of the page; None while it does not run."""
        return None if self._process is None else self._process.pid

    def _run(self) -> None:
        while not self._closing.is_set():
            self._process = process = self._started()
            if self._closing.is_set():  # it was asked to end meanwhile
                process.kill()
            code = process.wait()
            if not self._closing.is_set():
                tell(log, LogEvent.PAGE_ENDED, status=code, seconds=AGAIN_AFTER_S)
                self._closing.wait(AGAIN_AFTER_S)

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.live_page.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[self._orders.listens],
            start_new_session=True,  # Ctrl-C reaches the worker alone
        )
        try:
            send(self._orders, process.stdin)  # type: ignore[arg-type]
        except OSError:
            tell(log, LogEvent.PAGE_GONE)
        return process

    def __enter__(self) -> Self:
        """Start the process."""
        self._thread.start()
        tell(log, LogEvent.PAGE_STARTED, url=self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._closing.set()
        process = self._process
        if process is not None:
            process.kill()  # it holds nothing that could be lost
        self._thread.join(AGAIN_AFTER_S)
        if process is not None and process.stdin is not None:
            process.stdin.close()
        self._socket.close()


def main() -> int:
    """Run the page for the worker that has started it."""
    from flows.live_page.server import serve  # noqa: PLC0415  the worker must not import it

    os.nice(NICE)
    orders = _Orders(*received(sys.stdin.buffer))
    when_parent_ends(lambda: os._exit(0))
    settings = read_settings(**orders.settings)
    log_to_stderr(settings.log_format, settings.log_level)
    address = read_address(settings.ui or "")
    try:
        access = read_access(address, settings.ui_tokens, settings.ui_access)
        opened = socket.socket(fileno=orders.listens)
        serve(settings, orders.worker_url, opened, access, is_local=address.is_loopback)
    except OfferstreamError as error:
        tell(log, LogEvent.PAGE_FAILED, reason=error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
