"""The socket that the page is served from, opened first of all: a port that is taken stops the start."""

import socket

from flows.live_page.address import Address
from schemas.errors import SetupError

WAITING: int = 128
"""So many connections may wait to be taken."""


def listen(address: Address) -> socket.socket:
    """Return a socket that listens at an address; raises SetupError where it cannot."""
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.socket(family)
    except OSError as error:
        raise _refused(address, error) from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address.host, address.port))
        opened.listen(WAITING)
    except (OSError, OverflowError) as error:
        opened.close()
        raise _refused(address, error) from error
    return opened


def _refused(address: Address, error: Exception) -> SetupError:
    return SetupError(
        f"UI must be an address that this machine can listen on; got {address.host}:{address.port} ({error})"
    )
