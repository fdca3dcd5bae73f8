"""Hostile requests over raw sockets: the right refusal, in bounded time, and others are served."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import os
import random
import re

import aiohttp
import numpy as np
import pytest
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tests.support.worker_in_process import (
    address,
    ask,
    filtered,
    gaussian_job,
    in_loop,
    register,
    serve,
    signed,
)
from tiling.operations import Correlations
from tiling.operations.passes import Pass
from tiling.protocol.forms import ACCEPT, CODEC, CODECS
from tiling.protocol.packing import packers
from worker.settings import Settings
from worker.state import Service

BLOCK = np.arange(60, dtype="<i4").reshape(6, 10)
BODY = BLOCK.tobytes()
JOB = gaussian_job(BLOCK, 1.0)
WANT = ndimage.gaussian_filter(BLOCK, 1.0)
SMALL = Settings(threads=1, tile_bytes=1000, job_bytes=5000, idle_s=60.0, lingering_s=0.05)
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def request(
    *lines: str, path: str = "/v1/tiles", method: str = "POST", without: str = "", body: bytes = b""
) -> bytes:
    """Return a good tile's request with lines put before its own, without one of them."""
    headers = {"Host": "HOST", "Content-Length": str(len(BODY)), **signed(ask(JOB, BLOCK), BODY)}
    headers = {name: text for name, text in headers.items() if name not in without.split()}
    own = [f"{name}: {text}" for name, text in headers.items()]
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, *own]) + "\r\n\r\n"
    return head.encode("latin-1") + body


async def exchange(client: aiohttp.ClientSession, data: bytes) -> bytes:
    """Send bytes, and return all that is answered until the worker hangs up."""
    host, port = address(client)
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data.replace(b"Host: HOST", f"Host: {host}:{port}".encode()))
        return await asyncio.wait_for(reader.read(), 60)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def statuses(client: aiohttp.ClientSession, data: bytes) -> list[int]:
    """Send bytes, and return the status of every answer until the worker hangs up."""
    return [int(status) for status in STATUS.findall(await exchange(client, data))]


CLOSE = "Connection: close"
CASES = [
    pytest.param(request(CLOSE, body=BODY), [200], id="a good one"),
    pytest.param(request(CLOSE, without="Content-Length"), [411], id="no length"),
    pytest.param(request("Content-Length: -1", without="Content-Length"), [400], id="negative"),
    pytest.param(request("Content-Length: +9", without="Content-Length"), [400], id="plus"),
    pytest.param(request("Content-Length: 1e9", without="Content-Length"), [400], id="float"),
    pytest.param(request("Content-Length: 0x10", without="Content-Length"), [400], id="hex"),
    pytest.param(
        request(CLOSE, f"Content-Length: {10**15}", without="Content-Length"), [413], id="huge"
    ),
    pytest.param(
        request(f"Content-Length: {10**30}", without="Content-Length"), [400], id="overflowing"
    ),
    pytest.param(
        request(CLOSE, "Content-Length: 239", without="Content-Length", body=BODY[:-1]),
        [400],
        id="one byte less",
    ),
    pytest.param(
        request(CLOSE, "Content-Length: 241", without="Content-Length", body=BODY + b"!"),
        [400],
        id="one byte more",
    ),
    pytest.param(request(body=BODY + b"garbage\r\n\r\n"), [200, 400], id="more than announced"),
    pytest.param(
        request(CLOSE, "Transfer-Encoding: chunked", without="Content-Length", body=b"0\r\n\r\n"),
        [411],
        id="chunked",
    ),
    pytest.param(
        request("Transfer-Encoding: chunked", body=b"0\r\n\r\n"), [400], id="length and chunked"
    ),
    pytest.param(
        request(
            CLOSE, "Transfer-Encoding: gzip, chunked", without="Content-Length", body=b"0\r\n\r\n"
        ),
        [411, 400],
        id="coded chunks",
    ),
    pytest.param(request("Content-Length: 240", body=BODY), [400], id="length twice"),
    pytest.param(request("Content-Length: 3", body=BODY), [400], id="two lengths"),
    pytest.param(request("X-Fold: a\r\n b", body=BODY), [400], id="folded"),
    pytest.param(request("X Space: a", body=BODY), [400], id="space in a name"),
    pytest.param(request("X-Colon : a", body=BODY), [400], id="space before the colon"),
    pytest.param(request("X-Nul: a\0b", body=BODY), [400], id="nul"),
    pytest.param(request("X-Long: " + "a" * 100_000, body=BODY), [400], id="long header"),
    pytest.param(request(*["X-Many: a"] * 500, body=BODY), [400], id="many headers"),
    pytest.param(request(path="/" + "a" * 100_000, body=BODY), [400], id="long path"),
    pytest.param(request(CLOSE, path="/../../etc/passwd", body=BODY), [404], id="up and away"),
    pytest.param(request(CLOSE, method="PUT", body=BODY), [405], id="put"),
    pytest.param(request(CLOSE, method="BREW", body=BODY), [400], id="brew"),
    pytest.param(request(CLOSE, "Origin: http://evil.example", body=BODY), [403], id="browser"),
    pytest.param(
        request(CLOSE, "Host: evil.example", without="Host", body=BODY), [421], id="rebind"
    ),
    pytest.param(request(CLOSE, "Host: evil.example", body=BODY), [400, 421], id="two hosts"),
    pytest.param(request(CLOSE, without="Host", body=BODY), [400, 421], id="no host"),
    pytest.param(request(CLOSE, "Content-Encoding: gzip", body=BODY), [415], id="gzip"),
    pytest.param(request(CLOSE, "Content-Encoding: br, gzip", body=BODY), [415], id="codings"),
    pytest.param(request(CLOSE, f"{CODEC}: gzip", body=BODY), [400], id="no form"),
    pytest.param(request(CLOSE, f"{CODEC}: lz4", body=BODY), [400], id="no smaller"),
    pytest.param(request(CLOSE, f"{CODEC}: narrow-u1", body=BODY), [400], id="not narrow"),
    pytest.param(request(CLOSE, "Expect: cookies", body=BODY), [417], id="expects"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50, [400], id="tls"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], id="http/2"),
    pytest.param(b"GET / HTTP/9.9\r\n\r\n", [400], id="http/9"),
    pytest.param(b"\r\n" * 10 + b"hello\r\n\r\n", [400], id="no http"),
]


@pytest.mark.parametrize(("data", "wanted"), CASES)
@in_loop
async def test_hostile_requests(
    data: bytes, wanted: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """Each gets its 4xx, nothing is logged as the worker's fault, and a good one is served."""
    with caplog.at_level(logging.WARNING):
        async with serve(SMALL) as (service, client):
            await register(client, JOB)
            got = await statuses(client, data)
            assert got == wanted or (len(got) == 1 and got[0] in wanted)
            assert_same_bits(await filtered(client, JOB, BLOCK), WANT)
            assert service.pool.in_flight == 0
    assert caplog.text == ""


@in_loop
async def test_headers_that_dribble_are_cut_off() -> None:
    """A connection that says nothing, or half a request, is closed after the idle time."""
    settings = Settings(threads=1, idle_s=0.3)
    async with serve(settings) as (_, client):
        for start in (b"", b"POST /v1/tiles HTTP/1.1\r\nHost:"):
            assert await statuses(client, start) == []


@in_loop
async def test_connections_are_counted() -> None:
    """One connection too many is told so; when another goes, there is room again."""
    async with serve(Settings(threads=1, connections=3)) as (_, client):
        host, port = address(client)
        held = [await asyncio.open_connection(host, port) for _ in range(3)]
        assert await statuses(client, b"") == [503]
        nothing = request(CLOSE, path="/none", body=BODY)
        held[0][1].close()
        await held[0][1].wait_closed()
        async with asyncio.timeout(60):
            while await statuses(client, nothing) != [404]:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
        for _, writer in held:
            writer.close()


@in_loop
async def test_requests_of_a_connection_are_counted() -> None:
    """A flood of requests on one connection is answered up to its limit, then it is closed."""
    async with serve(Settings(threads=1, requests=20)) as (_, client):
        await register(client, JOB)
        health = request(path="/v1/health", method="GET", without="Content-Length")
        assert await statuses(client, health * 25) == [200] * 20
        flood = await statuses(client, health * 5000)  # may be reset before it has read
        assert flood == [200] * len(flood)
        assert len(flood) <= 20
        assert_same_bits(await filtered(client, JOB, BLOCK), WANT)


def costly(passes: int, taps: int) -> Correlations:
    step = Pass(0, np.ones(taps).tobytes(), "reflect")
    return Correlations((step,) * passes)


@in_loop
async def test_work_without_end_is_refused() -> None:
    """Cost is estimated from headers alone: too many passes, too much work."""
    settings = Settings(threads=1, passes=10, tile_work=60 * 101)
    async with serve(settings) as (service, client):
        json = {"Content-Type": "application/json"}
        (call,) = JOB.calls
        for passes, taps, status in [(11, 1, 422), (10, 10, 200), (10, 11, 200)]:
            made = type(call)(call.filter, costly(passes, taps), call.source, call.target)
            job = type(JOB)(2, (made,))
            async with client.post("/v1/jobs", data=job.encode(), headers=json) as response:
                assert response.status == status
            if status == 200:
                headers = signed(ask(job, BLOCK), BODY)
                async with client.post("/v1/tiles", data=BODY, headers=headers) as response:
                    assert response.status == (200 if taps == 10 else 422)
        assert service.pool.in_flight == 0


def form() -> bytes:
    """Return a good request of the plain compute API."""
    file = io.BytesIO()
    np.save(file, BLOCK)
    part = b'--x\r\nContent-Disposition: form-data; name="array"; filename="a.npy"\r\n\r\n'
    body = part + file.getvalue() + b"\r\n--x--\r\n"
    head = (
        f"POST /?sigma=1,0.5&order=0&mode=wrap HTTP/1.1\r\nHost: HOST\r\n{CLOSE}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def described(path: str, body: bytes) -> bytes:
    """Return a good request with a body of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: HOST\r\n{CLOSE}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body + bytes(len(BODY))  # mutations leave that many bytes alone


def in_form(codec: str, body: bytes) -> bytes:
    """Return a good tile's request in another form, whose answer may have any."""
    lines = (f"{CODEC}: {codec}", f"{ACCEPT}: {','.join(CODECS)}", f"Content-Length: {len(body)}")
    return request(CLOSE, *lines, without="Content-Length", body=body + bytes(len(BODY)))


def container() -> bytes:
    """Return the block packed; it is too small for a sender to do so."""
    from numcodecs import blosc

    return bytes(blosc.compress(BLOCK, b"lz4", 5))


GOOD = (
    request(CLOSE, body=BODY),
    in_form("narrow-u1", BLOCK.astype("u1").tobytes()),
    *([in_form("lz4", container())] if packers() else []),
    form(),
    described("/v1/jobs", JOB.encode()),
    described("/v1/attest", b'{"probes": ["int32-int32-reflect", "bool-float64-wrap"]}'),
)
SPLICES = (b"\r\n", b"0", b"-", b",", b":", b"'", b"(", b"9" * 20, b"\xff", b"\0", b"--x")


def mutated(dice: random.Random) -> bytes:
    """Return a good request with some bytes of it changed, dropped, doubled or put between."""
    data = bytearray(dice.choice(GOOD))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) - len(BODY))
        match dice.randrange(4):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                del data[at : at + dice.randint(1, 30)]
            case 2:
                data[at:at] = data[at : at + dice.randint(1, 30)]
            case _:
                data[at:at] = dice.choice(SPLICES)
    return bytes(data)


async def try_mutated(client: aiohttp.ClientSession, dice: random.Random) -> None:
    """Send a mutated request; whatever is answered, it is not the worker's fault."""
    data = mutated(dice)
    host, port = address(client)
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data.replace(b"Host: HOST", f"Host: {host}:{port}".encode()))
        writer.write(b"\r\n\r\n" + bytes(SMALL.job_bytes))  # no request waits for more
        answer = await asyncio.wait_for(reader.read(), 60)
    except ConnectionError:
        return
    finally:
        writer.close()
    for status in STATUS.findall(answer):
        assert status[:1] != b"5" or b"Input-Error: " in answer, (data, answer)


@in_loop
async def test_mutated_requests_never_break_a_worker(caplog: pytest.LogCaptureFixture) -> None:
    """No 5xx, no crash, nothing in the log; TILEFAN_FUZZ sets how many are tried."""
    count = int(os.environ.get("TILEFAN_FUZZ", "3000"))
    with caplog.at_level(logging.WARNING):
        async with serve(SMALL) as (service, client):
            await register(client, JOB)
            for seed in range(count):
                await try_mutated(client, random.Random(seed))
            assert_same_bits(await filtered(client, JOB, BLOCK), WANT)
            await settled(service)
        gc.collect()  # an exception that nobody retrieved is told of when its task is freed
    assert caplog.text == ""


async def settled(service: Service) -> None:
    async with asyncio.timeout(60):
        while service.pool.in_flight:  # noqa: ASYNC110 - the pool has no such event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        request("X Space: a", body=BODY),
        request(CLOSE, path="/none", body=BODY),
        request(CLOSE, "Origin: http://evil.example", body=BODY),
    ],
    ids=["no http", "version", "header", "404", "403"],
)
@in_loop
async def test_no_answer_names_a_library(data: bytes) -> None:
    """Neither aiohttp nor Python nor a version stands in ``Server``, whoever answers."""
    async with serve(SMALL) as (_, client):
        answer = await exchange(client, data)
    assert STATUS.findall(answer)[0].startswith(b"4")
    assert b"Server: tilefan\r\n" in answer
    assert b"aiohttp" not in answer
