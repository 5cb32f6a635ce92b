"""Where the page listens, and whether that is this machine alone."""

import ipaddress
import re
from typing import Final, NamedTuple

from schemas.errors import SetupError

DEFAULT: Final = "127.0.0.1:8464"
ADDRESS: Final = re.compile(r"(?:(?P<host>[^:\[\]\s]+|\[[0-9a-fA-F:]+\]):)?(?P<port>\d{1,5})")


class Address(NamedTuple):
    """A host and a port; port 0 takes any free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def url(self, port: int | None = None) -> str:
        """Return how a browser of this machine reaches it; ``port`` is the one that was taken."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  read, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port if port is None else port}/"


def read_address(text: str) -> Address:
    """Return the address in ``HOST:PORT`` or ``PORT``; raises SetupError for anything else.

    >>> read_address("8464"), read_address("[::1]:80")
    (Address(host='127.0.0.1', port=8464), Address(host='::1', port=80))
    """
    found = ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > 65_535:
        raise SetupError(f"UI must be an address like `{DEFAULT}`; got {text!r}")
    return Address((found["host"] or "127.0.0.1").strip("[]"), int(found["port"]))
