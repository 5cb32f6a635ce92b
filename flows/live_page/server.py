"""Serves the page until the process is asked to end."""

import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from typing_extensions import override

from flows.controls.topic import ControlTopic
from flows.live_page.access import Access
from flows.live_page.app import Page
from flows.live_page.reading import PageReader
from flows.settings import Settings

CLOSE_S: Final = 1
"""Pages that are open are streams that never end by themselves."""

log = logging.getLogger("offerstream.page")


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    settings: Settings, worker_url: str, opened: socket.socket, access: Access, *, is_local: bool
) -> None:
    """Serve the page from an open socket until SIGTERM or SIGINT."""
    reader = PageReader(settings, worker_url)
    page = Page(reader, access, ControlTopic(settings))
    config = uvicorn.Config(
        page.app(is_local=is_local),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_S,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    server = _Server(config)

    def end(*_: object) -> None:
        server.should_exit = True

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
    reader.start()
    try:
        server.run(sockets=[opened])
    finally:
        reader.close()
