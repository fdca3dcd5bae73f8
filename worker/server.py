"""The server of a worker's application, with the limits of connections."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from worker.app import SERVER, make_app
from worker.errors import ListenError
from worker.log import ROOT
from worker.runtime.port_holder import port_holder
from worker.settings import MAX_PORT, Settings
from worker.state import Service

LOG = logging.getLogger(f"{ROOT}.server")

OWN_ADDRESS = "--host takes an address of this machine: 0.0.0.0 for all of them, or 127.0.0.1"

HANDSHAKE_S = 10.0
"""Longest TLS handshake in seconds: two lost packets, and a slow machine."""

SERVICE_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
"""Answer to a connection above the limit, before any request was read."""


def _is_server_error(record: logging.LogRecord) -> bool:
    """Tell whether a record of aiohttp's is more than a client's malformed HTTP."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


LOG.addFilter(_is_server_error)


class RefusedConnection(asyncio.Protocol):
    """A connection above the limit: answered 503 and closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer and close."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(SERVICE_UNAVAILABLE)
        transport.close()


class ConnectionHandler(web.RequestHandler):
    """A connection whose answers to malformed HTTP do not name aiohttp and its version."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to a request that can't be parsed."""
        response = super().handle_error(request, status, exc, message)
        response.headers["Server"] = SERVER
        return response


def _handler_options(settings: Settings) -> dict[str, Any]:
    """Return the limits that aiohttp has for a connection."""
    return {
        "logger": LOG,
        "access_log": None,
        "auto_decompress": False,  # no decompression bombs
        "keepalive_timeout": settings.idle_s,
        "lingering_time": settings.lingering_s,
        "max_line_size": settings.header_bytes,
        "max_field_size": settings.header_bytes,
        "max_headers": settings.headers,
    }


@asynccontextmanager
async def serving(
    service: Service, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Serve, and yield the host and port that were bound.

    Parameters
    ----------
    service : Service
    host : str
    port : int
        0 takes a free one.
    tls : ssl.SSLContext, optional
        Context to encrypt with; no encryption unless given.

    Raises
    ------
    ListenError
        If the address can't be bound.
    """
    runner = web.AppRunner(
        make_app(service),
        shutdown_timeout=1.0,  # the pool was drained before
        handler_cancellation=True,  # a lost client frees its slot
    )
    await runner.setup()
    try:
        factory = _protocol_factory(runner, service.settings)
        listener = await _listen(host, port, factory, tls)
        try:
            yield listener.sockets[0].getsockname()[:2]
        finally:
            listener.close()
    finally:
        await runner.cleanup()
        service.stop()


def _protocol_factory(runner: web.AppRunner, settings: Settings) -> Callable[[], asyncio.Protocol]:
    """Return the factory of connections: the server's up to a limit, refused ones above it."""
    server = runner.server
    if server is None:
        raise ListenError("the server is not set up")

    options, loop = _handler_options(settings), asyncio.get_running_loop()

    def factory() -> asyncio.Protocol:
        if len(server.connections) >= settings.connections:
            return RefusedConnection()
        return ConnectionHandler(server, loop=loop, **options)

    return factory


async def _listen(
    host: str, port: int, factory: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None
) -> asyncio.Server:
    try:
        loop = asyncio.get_running_loop()
        handshake_s = HANDSHAKE_S if tls else None
        return await loop.create_server(
            factory, host, port, ssl=tls, ssl_handshake_timeout=handshake_s
        )
    except OSError as error:
        raise ListenError(f"can't listen on {host}:{port}: {_reason(error, port)}") from None


def _reason(error: OSError, port: int) -> str:
    """Return why an address can't be bound, and what to write instead."""
    match error:
        case socket.gaierror():
            return f"{error.strerror}; {OWN_ADDRESS}"
        case OSError(errno=errno.EADDRINUSE):
            other = port + 1 if port < MAX_PORT else port - 1
            holder = port_holder(port) or "another process"
            return f"the port is in use by {holder}; take another, such as --port {other}"
        case OSError(errno=errno.EADDRNOTAVAIL):
            return f"this machine has no such address; {OWN_ADDRESS}"
        case OSError(errno=errno.EACCES):
            return "ports below 1024 are for administrators; take another, such as --port 8080"
        case _:
            return error.strerror or str(error)
