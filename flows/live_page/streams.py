"""The parts of the page as they change, sent to every page that is open: each is rendered once for all."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, NamedTuple

from flows.live_page.rendering import Renderer
from flows.observability.log_events import LogEvent, tell

log = logging.getLogger("offerstream.page")

EVERY_S: Final = 1.0
MOST: Final = 100
"""More pages than these are told to ask again later."""
SILENT_S: Final = 15.0
"""After so long without a change a comment is sent, lest something on the way hangs up."""


class _Kind(NamedTuple):
    market: str
    may_act: bool


class Streams:
    """Open pages by what they show. Bounded by ``MOST``; with none open nothing is rendered."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._open: dict[_Kind, int] = {}
        self._latest: dict[_Kind, dict[str, str]] = {}
        self._changed = asyncio.Condition()

    @property
    def is_full(self) -> bool:
        """Whether no more pages are taken."""
        return sum(self._open.values()) >= MOST

    async def run(self) -> None:
        """Render what is looked at, once a second, for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            for kind in list(self._open):
                try:
                    await self._render(kind)
                except Exception as error:  # noqa: BLE001  one that cannot be shown must not freeze what is shown next
                    tell(log, LogEvent.PAGE_NOT_RENDERED, error=error, market=kind.market)
            async with self._changed:
                self._changed.notify_all()

    async def _render(self, kind: _Kind) -> None:
        self._latest[kind] = await asyncio.to_thread(self._renderer.parts, kind.market, may_act=kind.may_act)

    async def events(self, market: str, *, may_act: bool) -> AsyncIterator[str]:
        """Yield server-sent events: the parts that have changed, as JSON by their names."""
        kind = _Kind(market, may_act)
        self._open[kind] = self._open.get(kind, 0) + 1
        sent: dict[str, str] = {}
        try:
            if kind not in self._latest:
                await self._render(kind)
            silent_s = 0.0
            while True:
                parts = self._latest.get(kind, {})
                changed = {name: html for name, html in parts.items() if sent.get(name) != html}
                if changed:
                    sent, silent_s = parts, 0.0
                    yield f"event: parts\ndata: {json.dumps(changed)}\n\n"
                elif silent_s >= SILENT_S:
                    silent_s = 0.0
                    yield ": still here\n\n"
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._next(), 2 * EVERY_S)
                silent_s += EVERY_S
        finally:
            self._open[kind] -= 1
            if not self._open[kind]:
                del self._open[kind]
                self._latest.pop(kind, None)

    async def _next(self) -> None:
        async with self._changed:
            await self._changed.wait()
