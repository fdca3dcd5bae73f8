"""A TCP proxy that does to a connection what networks do, by a script.

It stands between a coordinator and a worker. A script says what becomes of the bytes in each
direction; scripts are drawn anew for every connection, from a seed, so a run can be repeated. All
proxies live in one thread with a loop of its own.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto

from tests.support.event_loop import LoopThread

READ_BYTES = 2**16

TURNS = 5
"""Of asyncio's loop: it takes fewer from an accepted connection to its task, or to close one."""


class Kind(Enum):
    """What can happen to the bytes of one direction of a connection."""

    NOTHING = auto()
    DELAY = auto()  # the first byte comes `seconds` late
    LAG = auto()  # every burst of at least `size` bytes does
    STALL = auto()  # nothing passes after byte `at`, and the connection stays
    RESET = auto()  # after byte `at`, RST
    TRUNCATE = auto()  # after byte `at`, an orderly FIN
    UNMEASURED = auto()  # likewise, and no header says how long the body should have been
    FLIP = auto()  # bit `size` of byte `at`
    REPEAT = auto()  # `size` bytes from `at` come twice
    DRIP = auto()  # `size` bytes at a time, `seconds` apart


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that happens, where in the stream, and how much of it."""

    kind: Kind = Kind.NOTHING
    at: int = 0
    size: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Script:
    """What happens to a connection, on the way to the worker and back."""

    there: Fault = Fault()
    back: Fault = Fault()


FAULTLESS = Script()

Draw = Callable[[int], Script]
"""Gives the script of the connection of this number."""


class CutError(Exception):
    """The connection ends here, by FIN or by RST."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class Proxy:
    """One listening port that leads to one worker.

    `forwarding.clear()` is a silent partition: connections stay, and nothing passes.
    """

    def __init__(self, port: int, draw: Draw) -> None:
        self._port = port
        self._draw = draw
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.forwarding = asyncio.Event()
        self.forwarding.set()
        self.address = ""
        self.flips = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            for listening in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listening)
            await _turns()  # what was accepted gets its task; after `close` it would be leaked
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _turns()

    async def partition(self) -> None:
        """Let nothing pass from now on."""
        self.forwarding.clear()

    async def heal(self) -> None:
        """Let everything pass again."""
        self.forwarding.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        script = self._draw(self._connections)
        self._connections += 1
        with suppress(asyncio.CancelledError):  # the server's own tasks end without a word
            await self._connect(script, reader, writer)

    async def _connect(
        self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        reset = True
        writers = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, far_writer, script.there))
                pumps.create_task(self._pump(far_reader, writer, script.back))
        except* CutError as cut:
            reset = any(isinstance(each, CutError) and each.reset for each in cut.exceptions)
        except* OSError:
            pass
        finally:
            for each in writers:
                _close(each, reset=reset)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault
    ) -> None:
        position = 0
        while chunk := await reader.read(READ_BYTES):
            async for piece in ACTS[fault.kind](fault, position, chunk):
                await self.forwarding.wait()
                writer.write(piece)
                await writer.drain()
            self.flips += fault.kind is Kind.FLIP and 0 <= fault.at - position < len(chunk)
            position += len(chunk)
        await self.forwarding.wait()
        raise CutError(reset=False)


async def _turns() -> None:
    """Let what has begun in the loop go on."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _close(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        now = struct.pack("ii", 1, 0)
        with suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        writer.transport.abort()
    else:
        writer.close()


async def _nothing(_: Fault, __: int, chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk


async def _delay(fault: Fault, position: int, chunk: bytes) -> AsyncIterator[bytes]:
    if position == 0:
        await asyncio.sleep(fault.seconds)
    yield chunk


async def _lag(fault: Fault, _: int, chunk: bytes) -> AsyncIterator[bytes]:
    if len(chunk) >= fault.size:
        await asyncio.sleep(fault.seconds)
    yield chunk


def _cut(position: int, at: int, chunk: bytes) -> tuple[bytes, bool]:
    """Return what of a chunk comes before a byte of the stream, and whether that is in it."""
    return chunk[: max(0, at - position)], at <= position + len(chunk)


async def _stall(fault: Fault, position: int, chunk: bytes) -> AsyncIterator[bytes]:
    head, reached = _cut(position, fault.at, chunk)
    if head:
        yield head
    if reached:
        await asyncio.Event().wait()


async def _reset(fault: Fault, position: int, chunk: bytes) -> AsyncIterator[bytes]:
    head, reached = _cut(position, fault.at, chunk)
    if head:
        yield head
    if reached:
        raise CutError(reset=True)


async def _truncate(fault: Fault, position: int, chunk: bytes) -> AsyncIterator[bytes]:
    head, reached = _cut(position, fault.at, chunk)
    if head:
        yield head
    if reached:
        raise CutError(reset=False)


async def _unmeasured(fault: Fault, position: int, chunk: bytes) -> AsyncIterator[bytes]:
    hidden = chunk.replace(b"Content-Length", b"X-ontent-Length")
    async for piece in _truncate(fault, position, hidden):
        yield piece


async def _flip(fault: Fault, position: int, chunk: bytes) -> AsyncIterator[bytes]:
    flipped = bytearray(chunk)
    if 0 <= (here := fault.at - position) < len(chunk):
        flipped[here] ^= 1 << fault.size % 8
    yield bytes(flipped)


async def _repeat(fault: Fault, position: int, chunk: bytes) -> AsyncIterator[bytes]:
    here = fault.at - position
    if 0 <= here < len(chunk):
        yield chunk[: here + fault.size]
        chunk = chunk[here:]
    yield chunk


async def _drip(fault: Fault, _: int, chunk: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(chunk), fault.size):
        yield chunk[start : start + fault.size]
        await asyncio.sleep(fault.seconds)


ACTS: dict[Kind, Callable[[Fault, int, bytes], AsyncIterator[bytes]]] = {
    Kind.NOTHING: _nothing,
    Kind.DELAY: _delay,
    Kind.LAG: _lag,
    Kind.STALL: _stall,
    Kind.RESET: _reset,
    Kind.TRUNCATE: _truncate,
    Kind.UNMEASURED: _unmeasured,
    Kind.FLIP: _flip,
    Kind.REPEAT: _repeat,
    Kind.DRIP: _drip,
}


class ProxyGroup:
    """Proxies, opened and closed from a test's thread."""

    def __init__(self) -> None:
        self._loop = LoopThread()
        self._proxies: list[Proxy] = []

    def proxy(self, address: str, draw: Draw = lambda _: FAULTLESS) -> Proxy:
        """Put a proxy before the worker at an address."""
        proxy = Proxy(int(address.rpartition(":")[2]), draw)
        self._loop.call(proxy.start())
        self._proxies.append(proxy)
        return proxy

    def partition(self, proxy: Proxy) -> None:
        """Let nothing pass from now on; connections stay."""
        self._loop.call(proxy.partition())

    def heal(self, proxy: Proxy) -> None:
        """Let everything pass again."""
        self._loop.call(proxy.heal())

    def close(self) -> None:
        """Close every proxy; new ones can be opened."""
        for proxy in self._proxies:
            self._loop.call(proxy.close())
        self._proxies.clear()

    def shut(self) -> None:
        """Close everything for good."""
        self.close()
        self._loop.close()


@contextmanager
def open_proxies() -> Iterator[ProxyGroup]:
    """Yield a group, and close all that was opened in it."""
    proxies = ProxyGroup()
    try:
        yield proxies
    finally:
        proxies.shut()
