"""The server of a live page: a thread with an event loop of its own, on loopback only.

It shows what a `Page` has drawn. A stream of server-sent events brings each browser the parts that
changed since it got them last, so one that is slow misses some states and holds up nothing; one
that takes nothing at all for `SLOW_S` is dropped.

    GET /open/TOKEN   the link that is printed: sets a cookie, once, and leads to the page
    GET /             the page, /page.css, /page.js
    GET /events       the stream; its last event is ``end``

All but the first need the cookie, and all a Host header that names loopback: a name that an
attacker's DNS leads here is refused. No other origin is let in.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from coordinator.errors import InputError
from coordinator.report.html import Html
from coordinator.web.document import POLICY, STYLE, document, notice, script
from coordinator.web.page import EVERY_S, Page

LOG = logging.getLogger("tilefan.web")


LOOPBACK: Final = "127.0.0.1"
NAMES: Final = frozenset({LOOPBACK, "localhost"})
"""Of this machine, in a Host header; its port is another where a tunnel leads here."""

MOST_STREAMS: Final = 16
MOST_CONNECTIONS: Final = 64
"""Whoever opens more, without a word perhaps, must not take the files that the run needs."""

MOST_WAITING: Final = 16
"""Connections that are taken at once, before they count: the limit may be passed by so many."""

SLOW_S: Final = 5.0
"""How long a browser may take nothing; and how often one that is gone is noticed."""

ENDS_WITHIN_S: Final = 2.0
"""How long browsers have to take the last state."""

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

USED: Final = "A live page has one link, and it works once: this one was used, or never valid."
CLOSED: Final = "This page opens with the link that coord printed."


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether a record is about more than what somebody sent that is no HTTP."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


LOG.addFilter(_is_ours)


@contextmanager
def live_page(page: Page, port: int = 0) -> Iterator[str]:
    """Serve a page for as long as the context lasts; yield its link.

    Parameters
    ----------
    page : Page
    port : int
        Of loopback; 0 for a free one.

    Raises
    ------
    InputError
        If there is no such port to be had.
    """
    sock = _listening(port)
    server = Server(page, sock)
    thread = threading.Thread(target=server.run, name="live page", daemon=True)
    thread.start()
    try:
        yield server.link
    finally:
        server.stop()
        thread.join(2 * ENDS_WITHIN_S)


def _listening(port: int) -> socket.socket:
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
        sock.listen()
    except OSError as error:
        sock.close()
        raise InputError(
            f"the live page can't have port {port} of {LOOPBACK}: {error.strerror}; name another "
            "with --web-port, or none for a free one"
        ) from error
    return sock


class Server:
    """Serves one page to whoever used its link.

    Parameters
    ----------
    page : Page
    sock : socket.socket
        That listens.
    """

    def __init__(self, page: Page, sock: socket.socket) -> None:
        self._page = page
        self._sock = sock
        self._port = sock.getsockname()[1]
        self._token: str | None = secrets.token_urlsafe(32)
        self.link = f"http://{LOOPBACK}:{self._port}/open/{self._token}"
        self._cookie = secrets.token_urlsafe(32)
        self._parts = page.parts(time.monotonic())
        self._streams: set[asyncio.Event] = set()
        self._over = False
        self._loop = asyncio.new_event_loop()
        self._stopping, self._deserted = asyncio.Event(), asyncio.Event()

    def run(self) -> None:
        """Serve until `stop`; in a thread of its own."""
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except Exception:
            LOG.exception("the live page broke down")  # the run goes on without it
        finally:
            self._page.close()

    def stop(self) -> None:
        """Show the last state, and end."""
        with suppress(RuntimeError):  # it broke down, and its loop is closed
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._guard], logger=LOG)
        app.add_routes(
            [
                web.get("/open/{token}", self._open, name="open", allow_head=False),
                web.get("/", self._document),
                web.get("/page.css", self._style),
                web.get("/page.js", self._script),
                web.get("/events", self._stream, allow_head=False),
            ]
        )
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=0.2, logger=LOG
        )
        await runner.setup()
        try:
            listener = await self._loop.create_server(
                _connections(runner), sock=self._sock, backlog=MOST_WAITING
            )
            with closing(listener):
                while not self._stopping.is_set():
                    self._draw()
                    await _wait(self._stopping, EVERY_S)
                await self._finish()
        finally:
            await runner.cleanup()

    def _draw(self) -> None:
        self._page.take_in()
        if self._streams:
            self._show(self._page.parts(time.monotonic()))

    def _show(self, parts: dict[str, Html]) -> None:
        self._parts = parts
        for awake in self._streams:
            awake.set()

    async def _finish(self) -> None:
        """Let every browser take the last state."""
        self._over = True
        self._draw()
        if self._streams:
            self._deserted.clear()
            await _wait(self._deserted, ENDS_WITHIN_S)

    # Requests

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other names than loopback's, and whoever has no cookie."""
        host = request.headers.get("Host", "")
        if (host.rpartition(":")[0] or host) not in NAMES:
            return _refusal("This page has no such name", "It is on this machine's loopback only.")
        said = request.cookies.get(self._cookie_name, "")
        if not _same(said, self._cookie) and request.match_info.route.name != "open":
            return _refusal("Not yet open", CLOSED)
        return await handler(request)

    @property
    def _cookie_name(self) -> str:
        """The cookie's name: cookies of one machine are not told apart by their ports."""
        return f"tilefan-{self._port}"

    async def _open(self, request: web.Request) -> web.StreamResponse:
        if self._token is None or not _same(request.match_info["token"], self._token):
            return _refusal("This link does not work", USED)
        self._token = None
        # A page that goes on by itself, for a redirect from a link elsewhere would get no cookie.
        response = _html(notice("tilefan", "The page opens.", forward=True))
        response.set_cookie(self._cookie_name, self._cookie, httponly=True, samesite="Strict")
        return response

    async def _document(self, _: web.Request) -> web.StreamResponse:
        self._parts = self._page.parts(time.monotonic())
        return _html(document(self._page.title, self._parts))

    async def _style(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=STYLE, content_type="text/css", headers=HEADERS)

    async def _script(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=script(), content_type="text/javascript", headers=HEADERS)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if len(self._streams) >= MOST_STREAMS:
            return _refusal("Too many browsers", f"There are {MOST_STREAMS} already.", 503)
        response = web.StreamResponse(headers=HEADERS)
        response.content_type = "text/event-stream"
        awake = asyncio.Event()
        self._streams.add(awake)
        try:
            await response.prepare(request)
            await self._send(response, awake)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            LOG.debug("a browser has gone")
        finally:
            self._streams.discard(awake)
            if not self._streams:
                self._deserted.set()
        return response

    async def _send(self, response: web.StreamResponse, awake: asyncio.Event) -> None:
        """Send what changes, until all is over."""
        sent: dict[str, Html] = {}
        while True:
            awake.clear()
            over, parts = self._over, self._parts
            changed = {name: part for name, part in parts.items() if sent.get(name) != part}
            words = f"data: {json.dumps(changed)}\n\n" if changed else ": \n\n"
            await asyncio.wait_for(response.write(words.encode()), SLOW_S)
            sent = parts
            if over:
                await asyncio.wait_for(response.write(b"event: end\ndata:\n\n"), SLOW_S)
                return
            await _wait(awake, SLOW_S)


class _Refused(asyncio.Protocol):
    """A connection above the limit: closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _connections(runner: web.AppRunner) -> Callable[[], asyncio.BaseProtocol]:
    """Return what makes a protocol of each connection: the server's, up to a limit."""
    server = runner.server
    assert server is not None  # noqa: S101 - it was set up

    def connection() -> asyncio.BaseProtocol:
        return _Refused() if len(server.connections) >= MOST_CONNECTIONS else server()

    return connection


def _same(said: str, secret: str) -> bool:
    return hmac.compare_digest(said.encode("utf-8", "surrogateescape"), secret.encode())


async def _wait(awake: asyncio.Event, longest_s: float) -> None:
    try:
        await asyncio.wait_for(awake.wait(), longest_s)
    except TimeoutError:
        return


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def _refusal(title: str, sentence: str, status: int = 403) -> web.Response:
    return _html(notice(title, sentence), status)
