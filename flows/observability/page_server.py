"""Answers HTTP requests from threads of its own while the process does its work."""

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler

from flows.observability.bounded_server import ANSWER_WITHIN_S, BoundedServer
from schemas.errors import SetupError


class PageServer:
    """Serves a WSGI application until it is closed.

    Port 0 takes any free port, which ``port`` then is. Raises SetupError where it cannot listen.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], host: str, port: int) -> None:
        try:
            self._server = BoundedServer((host, port), _QuietHandler)
        except (OSError, OverflowError) as error:
            raise SetupError(
                f"the metrics address must be one this machine can listen on; got {host}:{port} ({error})"
            ) from error
        self._server.set_app(app)
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        """Serve until the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


class _QuietHandler(WSGIRequestHandler):
    timeout = ANSWER_WITHIN_S

    def log_message(self, *_: Any) -> None:  # noqa: ANN401  nobody reads them
        """Log nothing: a probe every few seconds is no news."""
