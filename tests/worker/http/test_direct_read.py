"""Bodies that go straight into their buffer, and connections that live on."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from worker.http import direct_read

SIZES = (1, 1000, 2**16, 2**16 + 1, 2**18, 5_000_003)


async def echo(request: web.Request) -> web.Response:
    buffer = memoryview(bytearray(request.content_length or 0))
    assert request.transport is not None
    count = await direct_read.receive(buffer, request.content, request.protocol, request.transport)
    return web.Response(body=bytes(buffer[:count]), headers={"Got": str(count)})


@asynccontextmanager
async def echoing() -> AsyncIterator[tuple[str, int]]:
    app = web.Application()
    app.router.add_post("/", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()


async def _echoed() -> None:
    connector = aiohttp.TCPConnector(limit=1)
    async with echoing() as (host, port), aiohttp.ClientSession(connector=connector) as session:
        peers = set()
        for size in SIZES * 2:
            sent = (bytes(range(251)) * (size // 251 + 1))[:size]
            async with session.post(f"http://{host}:{port}/", data=io.BytesIO(sent)) as response:
                if response.connection is not None and response.connection.transport is not None:
                    peers.add(response.connection.transport.get_extra_info("sockname"))
                assert await response.read() == sent
        assert len(peers) <= 1


def test_bodies_of_any_size_arrive_and_the_connection_is_kept() -> None:
    """A dozen bodies over one connection, with and without a part that came with the headers."""
    asyncio.run(_echoed())


async def _dripped(sizes: list[int]) -> bytes:
    async with echoing() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        body = bytes(range(200))
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n")
        at = 0
        for size in sizes:
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(body[at : at + size])
            at += size
        writer.write(body[at:] + b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok")
        answered = await reader.readuntil(b"\r\n\r\n")
        answered += await reader.readexactly(200)
        answered += await reader.readuntil(b"\r\n\r\nok")
        writer.close()
    return answered


@pytest.mark.parametrize("sizes", [[], [1], [100, 50], [199]], ids=str)
def test_a_request_that_follows_at_once_is_read(sizes: list[int]) -> None:
    """Not a byte beyond the body is taken from the next request."""
    answered = asyncio.run(_dripped(sizes))
    assert answered.count(b"200 OK") == 2
    assert bytes(range(200)) in answered


async def _broken_off() -> int:
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def handle(request: web.Request) -> web.Response:
        buffer = memoryview(bytearray(request.content_length or 0))
        assert request.transport is not None
        args = request.content, request.protocol, request.transport
        done.set_result(await direct_read.receive(buffer, *args))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + bytes(70000))
    await writer.drain()
    writer.close()
    count = await done
    await runner.cleanup()
    return count


def test_a_body_that_breaks_off_is_told_by_its_length() -> None:
    """A peer that hangs up in the middle ends the wait."""
    assert asyncio.run(_broken_off()) == 70000
