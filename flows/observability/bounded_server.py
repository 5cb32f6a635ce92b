"""A small HTTP server that strangers can neither fill nor make talkative."""

import logging
import sys
import time
from contextlib import suppress
from socket import SHUT_RDWR, socket
from socketserver import TCPServer, ThreadingMixIn
from typing import Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from typing_extensions import override

from flows.observability.log_events import LogEvent, tell

MOST_AT_ONCE: Final = 16
ANSWER_WITHIN_S: Final = 10.0

log = logging.getLogger("offerstream")

Request = socket | tuple[bytes, socket]


class BoundedServer(ThreadingMixIn, WSGIServer):
    """Bounded by ``MOST_AT_ONCE`` requests, each of which has ``ANSWER_WITHIN_S``; others are hung up on."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        self._begun_s: dict[Request, float] = {}
        super().__init__(address, handler)

    @override
    def server_bind(self) -> None:
        # The inherited method asks the name service for this machine's name, which can hang at start.
        TCPServer.server_bind(self)
        host, port = self.socket.getsockname()[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()

    @override
    def process_request(self, request: Request, client_address: object) -> None:
        if len(self._begun_s) >= MOST_AT_ONCE:
            self.shutdown_request(request)
            return
        self._begun_s[request] = time.monotonic()
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: Request) -> None:
        self._begun_s.pop(request, None)
        super().shutdown_request(request)

    @override
    def service_actions(self) -> None:
        """Hang up on who asks, or takes the answer, too slowly."""
        late_s = time.monotonic() - ANSWER_WITHIN_S
        for request in [one for one, begun_s in self._begun_s.copy().items() if begun_s < late_s]:
            with suppress(OSError):
                if isinstance(request, socket):
                    request.shutdown(SHUT_RDWR)

    @override
    def handle_error(self, request: Request, client_address: object) -> None:
        """Log nothing of who has hung up: it would fill the log at the pace of a stranger."""
        if not isinstance(error := sys.exception(), OSError):
            tell(log, LogEvent.PROBE_FAILED, exception=repr(error))
