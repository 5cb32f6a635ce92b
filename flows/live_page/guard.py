"""What holds for every request: hosts it may name, where forms may come from, and headers of the answer."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE: Final = frozenset({"GET", "HEAD"})
MOST_BYTES: Final = 10_000
"""No form of the page is longer."""
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses what another site could make a browser ask, and gives each answer its headers.

    ``is_local``: the page is for this machine alone, so a request must name it: a name of somebody else that
    leads here (DNS rebinding) is refused. A form must come from the page itself, as ``Origin`` and
    ``Sec-Fetch-Site`` say; a client that sends neither is no browser, and says so by ``X-Offerstream``.
    """

    def __init__(self, app: ASGIApp, *, is_local: bool) -> None:
        self._app = app
        self._is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        why = self._why_refused(scope["method"], headers)
        if why is not None:
            await PlainTextResponse(f"{why}\n", 403)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _why_refused(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if self._is_local and _name(host) not in LOCAL:
            return "This page is for the machine that it runs on."
        if method in SAFE:
            return None
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return "That is too long for a form of this page."
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is None and site is None:
            return None if "x-offerstream" in headers else "A form must come from this page."
        is_own = (origin is None or urlsplit(origin).netloc == host) and site in (None, "same-origin")
        return None if is_own else "A form must come from this page."


def _name(host: str) -> str:
    """Return a host without its port.

    >>> _name("[::1]:80"), _name("localhost:8464")
    ('::1', 'localhost')
    """
    return host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
