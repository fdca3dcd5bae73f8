"""The server that runs a worker's application on an address, with every limit of connections."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from worker.app import make_app
from worker.errors import ListenError
from worker.settings import Settings
from worker.state import Service

LOG = logging.getLogger(__name__)

HANDSHAKE_S = 10.0
"""Longest handshake of TLS: two lost packets, and a slow machine."""

FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
"""What a connection too many is told: there is no request yet to answer with a problem."""


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether a record is not just of a stranger who speaks no HTTP."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


LOG.addFilter(_is_ours)


class TurnedAway(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so and hang up."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(FULL)
        transport.close()


def make_runner(app: web.Application, settings: Settings) -> web.AppRunner:
    """Return the server of an application, with every limit that aiohttp knows."""
    return web.AppRunner(
        app,
        logger=LOG,
        access_log=None,
        shutdown_timeout=1.0,  # what is in flight was waited for before
        handler_cancellation=True,  # a client that vanishes frees its slot
        auto_decompress=False,  # a bomb stays small
        keepalive_timeout=settings.idle_s,
        lingering_time=settings.lingering_s,
        max_line_size=settings.header_bytes,
        max_field_size=settings.header_bytes,
        max_headers=settings.headers,
    )


@asynccontextmanager
async def serving(
    service: Service, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Serve, and yield the address that was bound.

    Parameters
    ----------
    service : Service
    host : str
    port : int
        0 takes a free one.
    tls : ssl.SSLContext, optional
        What to encrypt with; nothing without it.

    Raises
    ------
    ListenError
        Saying why the address can't be had.
    """
    runner = make_runner(make_app(service), service.settings)
    await runner.setup()
    try:
        meet = _doorman(runner, service.settings.connections)
        listener = await _listen(host, port, meet, tls)
        try:
            yield listener.sockets[0].getsockname()[:2]
        finally:
            listener.close()
    finally:
        await runner.cleanup()
        service.stop()


def _doorman(runner: web.AppRunner, limit: int) -> Callable[[], asyncio.Protocol]:
    """Return what meets a new connection: the server, or a refusal where it has enough."""
    server = runner.server
    if server is None:
        raise ListenError("the server is not set up")

    def meet() -> asyncio.Protocol:
        return server() if len(server.connections) < limit else TurnedAway()

    return meet


async def _listen(
    host: str, port: int, meet: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None
) -> asyncio.Server:
    try:
        loop = asyncio.get_running_loop()
        handshake_s = HANDSHAKE_S if tls else None
        return await loop.create_server(
            meet, host, port, ssl=tls, ssl_handshake_timeout=handshake_s
        )
    except OSError as error:
        raise ListenError(f"can't listen on {host}:{port}: {error.strerror}") from None
