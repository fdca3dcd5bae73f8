"""Bodies read from the socket directly into their buffer.

aiohttp copies received data twice before a handler sees it: asyncio makes bytes of it, and the
parser cuts its payload out of these. A body of known length needs neither. So once the headers are
read, a `DirectReader` replaces aiohttp's protocol at the transport, and the kernel writes into the
buffer, never past its end:

    headers | start of the body | rest of the body          | next message
    parser  | parser, copied    | DirectReader, no copy     | parser

Then the parser, which has counted none of the rest, is fed as many zero bytes, in pieces that stay
in the processor's cache, read back and dropped. So it finds the next message, and the connection
can be kept.
"""

from __future__ import annotations

import asyncio

from aiohttp import StreamReader

PIECE = bytes(2**16)
"""Zeros fed to the parser at a time: its reader takes as many without a pause."""


class DirectReader(asyncio.BufferedProtocol):
    """Fills a buffer in the place of another protocol, to which all other events are passed on.

    Parameters
    ----------
    rest : memoryview
        Buffer to be filled.
    protocol : asyncio.Protocol
        Replaced until the buffer is full, the stream ends, or `stop`.
    transport : asyncio.Transport
    """

    def __init__(
        self, rest: memoryview, protocol: asyncio.Protocol, transport: asyncio.Transport
    ) -> None:
        self._rest = rest
        self._protocol = protocol
        self._transport = transport
        self.done = asyncio.get_running_loop().create_future()
        transport.set_protocol(self)

    @property
    def missing(self) -> int:
        """Bytes that were not received."""
        return len(self._rest)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- never more than the rest
        """Return the part of the buffer that is to be filled."""
        return self._rest

    def buffer_updated(self, nbytes: int) -> None:
        """Count received bytes."""
        self._rest = self._rest[nbytes:]
        if not self._rest:
            self.stop()

    def stop(self) -> None:
        """Put the replaced protocol back."""
        if self._transport.get_protocol() is self:
            self._transport.set_protocol(self._protocol)
        if not self.done.done():
            self.done.set_result(None)

    def eof_received(self) -> bool | None:
        """Stop at the end of the stream."""
        self.stop()
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop with the connection."""
        self.stop()
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._protocol.resume_writing()


async def receive(
    buffer: memoryview,
    content: StreamReader,
    protocol: asyncio.Protocol,
    transport: asyncio.Transport,
) -> int:
    """Fill a buffer with a message's body of exactly its size; return the number of bytes received.

    Parameters
    ----------
    buffer : memoryview
    content : aiohttp.StreamReader
        The body, of which nothing was read yet.
    protocol : asyncio.Protocol
        aiohttp's, of the connection.
    transport : asyncio.Transport
    """
    rest = buffer
    while start := content.read_nowait():
        rest[: len(start)] = start
        rest = rest[len(start) :]
    if not rest:
        return len(buffer)
    reader = DirectReader(rest, protocol, transport)
    try:
        await reader.done
    finally:
        reader.stop()
    _feed_zeros(protocol, content, len(rest) - reader.missing)
    return len(buffer) - reader.missing


def _feed_zeros(protocol: asyncio.Protocol, content: StreamReader, count: int) -> None:
    """Let the parser count so many bytes."""
    while count > 0:
        protocol.data_received(PIECE[:count])
        while content.read_nowait():
            pass
        count -= len(PIECE)
