"""The routes of the page, and who may take them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from flows.controls.topic import ControlTopic
from flows.live_page.access import Access, Somebody
from flows.live_page.actions import Wish, read_wish, record_of
from flows.live_page.guard import Guard
from flows.live_page.reading import PageReader
from flows.live_page.rendering import HERE, Renderer
from flows.live_page.sessions import Sessions
from flows.live_page.streams import Streams
from flows.observability.log_events import LogEvent, tell
from schemas.controls import Change
from schemas.errors import OfferstreamError, SetupError

COOKIE: Final = "offerstream_page"
WRONG_TOKEN_S: Final = 1.0
"""A wrong token is answered this late: guessing takes its time."""
SURE: Final = frozenset({"kill", "revive", "stage"})
"""Verbs of which people are asked whether they are sure."""

log = logging.getLogger("offerstream.page")

Answer = Callable[[Request, Somebody], Awaitable[Response]]


class Page:
    """The page's routes. ``control`` is where changes are sent."""

    def __init__(self, reader: PageReader, access: Access, control: ControlTopic) -> None:
        self._reader = reader
        self._renderer = Renderer(reader)
        self._access = access
        self._sessions = Sessions()
        self._control = control
        self._streams: Streams | None = None

    def app(self, *, is_local: bool) -> Starlette:
        """Return the application; ``is_local``: only for the machine that it runs on."""
        return Starlette(
            routes=[
                Route("/", self._for(self._show)),
                Route("/events", self._for(self._events)),
                Route("/decisions/{id}", self._for(self._decision)),
                Route("/act", self._for(self._act), methods=["POST"]),
                Route("/login", self._login, methods=["GET", "POST"]),
                Route("/logout", self._logout, methods=["POST"]),
                Route("/healthz", self._health),
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ],
            middleware=[Middleware(Guard, is_local=is_local)],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._streams = Streams(self._renderer)
        rendering = asyncio.create_task(self._streams.run())
        try:
            yield
        finally:
            rendering.cancel()

    # Who asks

    def _for(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers only those who may see the page."""

        async def answered(request: Request) -> Response:
            somebody = self._somebody(request)
            if somebody is not None:
                return await answer(request, somebody)
            if request.method == "GET" and request.url.path == "/":
                return RedirectResponse("/login", 303)
            return self._said("Log in first.", 401)

        return answered

    def _somebody(self, request: Request) -> Somebody | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return self._access.of_token(token.strip())
        return self._access.anybody() or self._sessions.of(request.cookies.get(COOKIE, ""))

    async def _login(self, request: Request) -> Response:
        if not self._access.needs_token:
            return RedirectResponse("/", 303)
        if request.method == "GET":
            return HTMLResponse(self._renderer.other("login.html", wrong=False))
        somebody = self._access.of_token((await _form(request)).get("token", ""))
        if somebody is None:
            await asyncio.sleep(WRONG_TOKEN_S)
            return HTMLResponse(self._renderer.other("login.html", wrong=True), 401)
        tell(log, LogEvent.PAGE_LOGIN, name=somebody.name, role=somebody.role)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE,
            self._sessions.begin(somebody),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    async def _logout(self, request: Request) -> Response:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    # What is seen

    async def _show(self, request: Request, somebody: Somebody) -> Response:
        market = self._market(request.query_params)
        sent = request.query_params.get("sent", "")[:100]
        html = await asyncio.to_thread(self._renderer.page, market, somebody, sent=sent)
        return HTMLResponse(html)

    async def _events(self, request: Request, somebody: Somebody) -> Response:
        if self._streams is None or self._streams.is_full:
            return self._said("Too many pages are open.", 503)
        market = self._market(request.query_params)
        return StreamingResponse(
            self._streams.events(market, may_act=somebody.may_act),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    async def _decision(self, request: Request, somebody: Somebody) -> Response:
        html = await asyncio.to_thread(self._renderer.decision, request.path_params["id"], somebody)
        if html is None:
            return self._said("That decision is not among the latest ones that this page knows.", 404)
        return HTMLResponse(html)

    async def _health(self, _request: Request) -> Response:
        waits_for = self._reader.waits_for
        return JSONResponse({"status": "ok" if waits_for is None else "waiting", "waits_for": waits_for})

    # What is done

    async def _act(self, request: Request, somebody: Somebody) -> Response:
        if not somebody.may_act:
            return self._said("You may look at this page, and not act on it.", 403)
        form = await _form(request)
        market = self._market(form)
        try:
            by = form.get("by", "") if somebody.name is None else somebody.name
            wish = read_wish(form.get("do", ""), by, form.get("comment", ""))
            if wish.verb in SURE and form.get("sure") != "yes":
                return HTMLResponse(self._asked(wish, form.get("do", ""), market, somebody))
            sent = await asyncio.to_thread(self._send, wish)
        except OfferstreamError as error:
            return self._said(str(error), 400 if isinstance(error, SetupError) else 503)
        return RedirectResponse(f"/?{urlencode({'market': market, 'sent': sent})}#changes", 303)

    def _send(self, wish: Wish) -> str:
        """Send the record that does what somebody wants; return the id of the change."""
        with self._reader.lock:
            changes = self._reader.state.changes
            record = record_of(wish, changes.file, changes.history)
        self._control.send(record)
        change = record.id if isinstance(record, Change) else record.change
        about = " ".join(wish.about)
        tell(log, LogEvent.PAGE_CONTROL, verb=wish.verb, about=about, by=wish.by, change=change)
        return change

    def _asked(self, wish: Wish, do: str, market: str, somebody: Somebody) -> str:
        with self._reader.lock:
            still_open = self._reader.seen(market).market.offers.total("open")
        given = {"do": do, "market": market, "by": wish.by, "comment": wish.comment or ""}
        return self._renderer.other(
            "sure.html", wish=wish, given=given, somebody=somebody, still_open=still_open
        )

    def _market(self, given: Mapping[str, str]) -> str:
        market = given.get("market", "")
        return market if market in self._renderer.markets else self._renderer.markets[0]

    def _said(self, words: str, status: int) -> Response:
        return HTMLResponse(self._renderer.other("said.html", words=words), status)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; the guard has limited its length."""
    body = (await request.body()).decode(errors="replace")
    return {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()}
