"""What a running worker does for a backup: it alone can copy the databases that it has open."""

import logging
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from flows.backup.request import (
    AHEAD,
    CONSISTENT,
    Answer,
    Request,
    answer,
    forget,
    read_request,
)
from flows.backup.seal_gate import SealGate
from flows.observability.log_events import LogEvent, tell
from flows.stores.rocksdb import copy_opened

EVERY_S: Final = 1.0
HELD_EVERY_S: Final = 0.02
HOLD_S: Final = 30.0
"""Seals wait no longer than this for whoever has asked."""
CLOSE_TIMEOUT_S: Final = 2.0

log = logging.getLogger("offerstream")


class BackupService:
    """Looks for a request every second, on a thread of its own, from the beginning of its block to the end.

    Between two seals the databases and the recovery store belong together. So seals wait at the gate from the
    time at which the request is seen until the databases are copied; whoever asks copies the recovery store
    meanwhile. Reading goes on unless an epoch is due then. ``gate`` is for whoever begins a seal.
    """

    def __init__(
        self, state: Path, gate: SealGate, process: int = 0, processes: int = 1, every_s: float = EVERY_S
    ) -> None:
        self._state = state
        self.gate = gate
        self._process = process
        self._processes = processes
        self._every_s = every_s
        self._held: str | None = None
        self._held_until_s = 0.0
        self._done: str | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backup", daemon=True)

    def __enter__(self) -> Self:
        """Look until the block ends; what was asked of an earlier run is forgotten."""
        forget(self._state, self._process)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop looking."""
        self._closing.set()
        self.gate.open()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while not self._closing.wait(self._every_s if self._held is None else HELD_EVERY_S):
            with suppress(OSError):  # nobody can be answered
                self.look()

    def look(self) -> None:
        """Do what is asked for, if anything is."""
        request = read_request(self._state)
        try:
            if self._held is not None and (request is None or request.id != self._held):
                self._release()
            if request is None or request.id == self._done:
                return
            if self._held is None and request.phase == "hold":
                self.gate.close()
                self._held, self._held_until_s = request.id, time.monotonic() + HOLD_S
                self._answer(request, Answer(request.id, "held", self._process, self._processes))
            elif self._held is not None and request.phase == "copy":
                self._copy(request)
            elif self._held is not None and time.monotonic() > self._held_until_s:
                raise TimeoutError(f"seals have waited for {HOLD_S:.0f} s")  # noqa: TRY301  told below
        except Exception as error:  # noqa: BLE001  a copy that fails must not end the worker
            tell(log, LogEvent.BACKUP_FAILED, reason=str(error))
            if request is not None:
                failed = Answer(request.id, "failed", self._process, self._processes, words=str(error))
                self._answer(request, failed)
        finally:
            if self._done is not None and self._held == self._done:
                self._release()

    def _copy(self, request: Request) -> None:
        to = Path(request.to)
        copied = [f"{name}/{each}" for name in CONSISTENT for each in self._copied(name, to)]
        self.gate.open()
        copied += [f"{name}/{each}" for name in AHEAD for each in self._copied(name, to)]
        done = Answer(request.id, "copied", self._process, self._processes, tuple(copied))
        self._answer(request, done)
        tell(log, LogEvent.BACKUP_COPIED, databases=len(copied), to=str(to))

    def _copied(self, name: str, to: Path) -> list[str]:
        return copy_opened(self._state / name, to / name)

    def _answer(self, request: Request, what: Answer) -> None:
        if what.did != "held":
            self._done = request.id
        answer(self._state, what)

    def _release(self) -> None:
        self._held = None
        self.gate.open()
