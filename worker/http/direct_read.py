"""Bodies straight from the socket into their buffer.

aiohttp copies what it receives twice before a handler sees it: asyncio makes bytes of it, and the
parser cuts its payload out of these. A body whose length is known needs neither. So once the
headers are read, a `Straight` takes the parser's place at the transport, and the kernel writes into
the buffer, never past its end:

    headers | start of the body | rest of the body        | next message
    parser  | parser, copied    | Straight, into place    | parser

Then the parser, which has counted none of the rest, is told of as many bytes: zeros, in pieces that
stay in the cache, read back and dropped. So the connection can be kept, and aiohttp need not know.
"""

from __future__ import annotations

import asyncio

from aiohttp import StreamReader

PIECE = bytes(2**16)
"""What the parser is told at a time: its reader takes as much without a pause."""


class Straight(asyncio.BufferedProtocol):
    """Fills a buffer in the place of another protocol, which goes on hearing of all else.

    Parameters
    ----------
    rest : memoryview
    place : asyncio.Protocol
        Whose place is taken, until the buffer is full, the peer has no more, or `stop`.
    transport : asyncio.Transport
    """

    def __init__(
        self, rest: memoryview, place: asyncio.Protocol, transport: asyncio.Transport
    ) -> None:
        self._rest = rest
        self._place = place
        self._transport = transport
        self.over = asyncio.get_running_loop().create_future()
        transport.set_protocol(self)

    @property
    def missing(self) -> int:
        """Bytes that have not come."""
        return len(self._rest)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- never more than the rest
        """Say where the next bytes go."""
        return self._rest

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of bytes that came."""
        self._rest = self._rest[nbytes:]
        if not self._rest:
            self.stop()

    def stop(self) -> None:
        """Give the place back."""
        if self._transport.get_protocol() is self:
            self._transport.set_protocol(self._place)
        if not self.over.done():
            self.over.set_result(None)

    def eof_received(self) -> bool | None:
        """Stop: the peer has no more."""
        self.stop()
        return self._place.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop: nothing comes any more."""
        self.stop()
        self._place.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on."""
        self._place.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._place.resume_writing()


async def receive(
    buffer: memoryview,
    content: StreamReader,
    place: asyncio.Protocol,
    transport: asyncio.Transport,
) -> int:
    """Fill a buffer with a message's body of exactly its size; return how many bytes came.

    Parameters
    ----------
    buffer : memoryview
    content : aiohttp.StreamReader
        The body, of which nothing was read yet.
    place : asyncio.Protocol
        aiohttp's, of the connection.
    transport : asyncio.Transport
    """
    rest = buffer
    while start := content.read_nowait():
        rest[: len(start)] = start
        rest = rest[len(start) :]
    if not rest:
        return len(buffer)
    straight = Straight(rest, place, transport)
    try:
        await straight.over
    finally:
        straight.stop()
    _tell(place, content, len(rest) - straight.missing)
    return len(buffer) - straight.missing


def _tell(place: asyncio.Protocol, content: StreamReader, count: int) -> None:
    """Let the parser count so many bytes."""
    while count > 0:
        place.data_received(PIECE[:count])
        while content.read_nowait():
            pass
        count -= len(PIECE)
