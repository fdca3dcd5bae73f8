"""Bodies of requests and answers: exact sizes, one buffer each, and a deadline for each transfer.

aiohttp limits the time of headers, not of bodies. So every body is read, and every answer written,
under a deadline that grows with its size.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from worker.errors import Kind, RefusedError
from worker.http import direct_read
from worker.settings import Settings
from worker.state import Service

WRITE_BYTES = 256 * 2**10
"""Bytes of one write to the socket: asyncio copies what the kernel does not take at once."""


def body_length(request: web.Request, limit: int) -> int:
    """Return the announced length of a body in bytes.

    Raises
    ------
    RefusedError
        If no length is announced, or one above `limit`.
    """
    length = request.content_length
    if length is None:
        raise RefusedError(Kind.LENGTH_REQUIRED, "a body without Content-Length is not read")
    if length > limit:
        raise RefusedError(Kind.TOO_LARGE, f"a body of {length} bytes: at most {limit} are read")
    return length


def check_encoding(headers: Mapping[str, str]) -> None:
    """Refuse bodies with a Content-Encoding.

    Raises
    ------
    RefusedError
    """
    encoding = headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise RefusedError(
            Kind.MEDIA_TYPE, "Content-Encoding: bodies are read as they are, not decoded"
        )


def check_type(request: web.Request, media_type: str) -> None:
    """Refuse a body of another media type.

    Raises
    ------
    RefusedError
    """
    check_encoding(request.headers)
    if request.content_type != media_type:
        raise RefusedError(Kind.MEDIA_TYPE, f"Content-Type must be {media_type}")


async def send_continue(request: web.Request) -> None:
    """Send ``100 Continue`` to a client that waits for it.

    Raises
    ------
    RefusedError
        If the client expects anything else.
    """
    expected = request.headers.get("Expect")
    if expected is None:
        return
    if expected.lower() != "100-continue":
        raise RefusedError(Kind.EXPECTATION, "Expect: only 100-continue is understood")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer itself has not begun


async def defer_continue(_: web.Request) -> None:
    """Leave ``100 Continue`` to `send_continue`: aiohttp would send it before any check."""


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Refuse a body that is not complete after so many seconds.

    Raises
    ------
    RefusedError
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise RefusedError(Kind.SLOW, f"the body was not complete after {seconds:.1f} s") from None


async def fill(buffer: memoryview, chunks: AsyncIterable[bytes]) -> None:
    """Fill a buffer with exactly as many bytes as it has.

    Raises
    ------
    RefusedError
        At the first byte above its length, or if there are too few.
    """
    position = 0
    async for chunk in chunks:
        end = position + len(chunk)
        if end > len(buffer):
            raise RefusedError(Kind.MALFORMED, f"more than the {len(buffer)} bytes announced")
        buffer[position:end] = chunk
        position = end
    if position < len(buffer):
        raise RefusedError(Kind.TRUNCATED, f"{position} bytes of {len(buffer)}")


async def read_body(request: web.Request, buffer: memoryview, settings: Settings) -> None:
    """Read a body of exactly the buffer's size, in the time that its size allows.

    Raises
    ------
    RefusedError
        If it takes longer, or ends before.
    """
    async with deadline(settings.transfer_s(len(buffer))):
        await send_continue(request)
        filled = await _receive(request, buffer)
    if filled < len(buffer):
        raise RefusedError(Kind.TRUNCATED, f"{filled} bytes of {len(buffer)}")


async def _receive(request: web.Request, buffer: memoryview) -> int:
    transport = request.transport
    if transport is None:
        return 0
    return await direct_read.receive(buffer, request.content, request.protocol, transport)


async def send(
    request: web.Request,
    service: Service,
    api: str,
    headers: Mapping[str, str],
    *pieces: memoryview,
) -> web.StreamResponse:
    """Send an answer of bytes without copying them; abort the connection if it takes too long.

    Parameters
    ----------
    request : aiohttp.web.Request
    service : Service
    api : str
        Label of the answer in the metrics.
    headers : mapping
    *pieces : memoryview
        The body, one after another.
    """
    size = sum(map(len, pieces))
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/octet-stream"
    response.content_length = size
    client = request.remote or "", time.monotonic()
    try:
        async with asyncio.timeout(service.settings.transfer_s(size)):
            await response.prepare(request)
            for piece in pieces:
                for start in range(0, len(piece), WRITE_BYTES):
                    await response.write(piece[start : start + WRITE_BYTES])
            await response.write_eof()
        service.metrics.answered.labels(api).inc()
        service.metrics.sent_bytes.inc(size)
    except TimeoutError:
        service.clients.write("answer abandoned", *client, reason="not taken in time")
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        service.clients.write("answer abandoned", *client, reason="connection lost")
    return response
