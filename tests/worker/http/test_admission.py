"""Slots: how many tiles a worker takes, what the others are told, and when a slot is free again."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tests.support.worker_in_process import (
    address,
    ask,
    filtered,
    gaussian_job,
    in_loop,
    problem,
    register,
    serve,
    signed,
)
from tiling.kernels.reference import run
from tiling.operations import Operation
from tiling.protocol.wire import RUN, parse_retry_s
from worker.settings import Settings
from worker.state import Service

BLOCK = np.arange(60, dtype="<i4").reshape(6, 10)
JOB = gaussian_job(BLOCK, 1.0)
WANT = ndimage.gaussian_filter(BLOCK, 1.0)
ONE = Settings(threads=1)


@dataclass(frozen=True)
class HastyAnswers(Settings):
    """Time enough for a body, and next to none for an answer of more than a million bytes."""

    def transfer_s(self, body_bytes: int) -> float:
        return 60.0 if body_bytes <= 2**20 else 0.05


class Gate:
    """A kernel that computes nothing before it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(
        self,
        operation: Operation,
        block: npt.NDArray[Any],
        crop: tuple[slice, ...],
        out: npt.NDArray[Any],
    ) -> None:
        assert self.open.wait(60)
        run(operation, block, crop, out)


async def until_taken(service: Service, slots: int) -> None:
    """Wait until so many slots are taken."""
    async with asyncio.timeout(60):
        while service.pool.in_flight != slots:  # noqa: ASYNC110 - the pool has no such event
            await asyncio.sleep(0.005)


async def refused(client: aiohttp.ClientSession) -> tuple[int, str, str]:
    body = BLOCK.tobytes()
    headers = signed(ask(JOB, BLOCK), body)
    async with client.post("/v1/tiles", data=body, headers=headers) as response:
        assert parse_retry_s(response.headers) in (0.05, None)
        return *await problem(response), response.headers["Retry-After"]


@in_loop
async def test_one_tile_more_than_threads_is_taken() -> None:
    """The tile beyond the pipelined one is told to come again, and the others are answered."""
    gate = Gate()
    async with serve(ONE, gate) as (service, client):
        await register(client, JOB)
        async with asyncio.TaskGroup() as tasks:
            taken = [tasks.create_task(filtered(client, JOB, BLOCK)) for _ in range(2)]
            await until_taken(service, 2)
            assert await refused(client) == (503, "busy", "1")
            async with client.get("/v1/health") as response:
                health = await response.json()
            assert (health["in_flight"], health["queue"]) == (2, 1)
            gate.open.set()
        for task in taken:
            assert_same_bits(task.result(), WANT)
        await until_taken(service, 0)


@in_loop
async def test_who_waits_is_told_of() -> None:
    """Who is turned away is told when to come back, is shown as waiting, and is served then."""
    gate = Gate()
    old, new = "0" * 16, "1" * 16
    async with serve(ONE, gate) as (service, client):
        await register(client, JOB)

        async def send(run: str) -> int:
            body = BLOCK.tobytes()
            headers = {**signed(ask(JOB, BLOCK), body), RUN: run}
            async with client.post("/v1/tiles", data=body, headers=headers) as response:
                assert parse_retry_s(response.headers) == (0.05 if response.status == 503 else None)
                return response.status

        async with asyncio.TaskGroup() as tasks:
            for _ in range(2):
                tasks.create_task(send(old))
            await until_taken(service, 2)
            assert await send(new) == 503
            async with client.get("/v1/health") as response:
                health = await response.json()
            assert [tile["run"] for tile in health["computing"]] == [old, old]
            assert [run["run"] for run in health["waiting"]] == [new]
            gate.open.set()
        assert await send(new) == 200
        async with client.get("/v1/health") as response:
            assert (await response.json())["waiting"] == []


@in_loop
async def test_greetings_wait_for_their_turn() -> None:
    """Many coordinators at once are all answered, also while every slot computes."""
    gate = Gate()
    jobs = [gaussian_job(BLOCK, 1 + number / 100) for number in range(60)]
    async with serve(ONE, gate) as (service, client):
        await register(client, JOB)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(2):
                tasks.create_task(filtered(client, JOB, BLOCK))
            await until_taken(service, 2)
            async with asyncio.TaskGroup() as greetings:
                for job in jobs:
                    greetings.create_task(register(client, job))
            gate.open.set()
        assert service.control_pool.in_flight == 0


@in_loop
async def test_a_draining_worker_finishes_and_takes_nothing() -> None:
    """What is in flight is answered; what comes later, and whoever asks for health, is told."""
    gate = Gate()
    async with serve(ONE, gate) as (service, client):
        await register(client, JOB)
        async with asyncio.TaskGroup() as tasks:
            taken = tasks.create_task(filtered(client, JOB, BLOCK))
            await until_taken(service, 1)
            drained = tasks.create_task(service.pool.drain())
            await asyncio.sleep(0)
            assert await refused(client) == (503, "draining", "1")
            async with client.get("/v1/health") as response:
                assert response.status == 503
                assert (await response.json())["status"] == "draining"
            assert not drained.done()
            gate.open.set()
        assert_same_bits(taken.result(), WANT)


@in_loop
async def test_a_client_that_vanishes_frees_its_slot() -> None:
    """At once where the tile waits or its body is on its way; else when its thread is free.

    This kernel does not look at its watch.
    """
    gate = Gate()
    async with serve(ONE, gate) as (service, client):
        await register(client, JOB)
        running = asyncio.create_task(filtered(client, JOB, BLOCK))
        await until_taken(service, 1)
        waiting = asyncio.create_task(filtered(client, JOB, BLOCK))
        await until_taken(service, 2)
        waiting.cancel()
        await until_taken(service, 1)
        _, writer = await half_a_tile(client)
        await until_taken(service, 2)
        writer.close()
        await until_taken(service, 1)
        running.cancel()
        await asyncio.wait([running, waiting])
        assert service.pool.in_flight == 1
        gate.open.set()
        await until_taken(service, 0)
        assert_same_bits(await filtered(client, JOB, BLOCK), WANT)


async def half_a_tile(
    client: aiohttp.ClientSession,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the headers and half of the body of a tile."""
    body = BLOCK.tobytes()
    reader, writer = await connect(client)
    writer.write(head(client, len(body)) + b"\r\n" + body[: len(body) // 2])
    return reader, writer


async def connect(
    client: aiohttp.ClientSession,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*address(client))


def head(client: aiohttp.ClientSession, length: int, tile: dict[str, str] | None = None) -> bytes:
    """Return the head of a tile's request, without the empty line."""
    host, port = address(client)
    headers = {
        "Host": f"{host}:{port}",
        "Content-Length": str(length),
        **(tile or signed(ask(JOB, BLOCK), BLOCK.tobytes())),
    }
    lines = ["POST /v1/tiles HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


@in_loop
async def test_a_body_that_dribbles_is_cut_off() -> None:
    """A body has the time that its size allows; then its slot is free."""
    settings = Settings(threads=1, body_base_s=0.2, body_bytes_per_s=1e6, lingering_s=0.1)
    async with serve(settings) as (service, client):
        await register(client, JOB)
        reader, writer = await half_a_tile(client)
        answer = await asyncio.wait_for(reader.read(), 60)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"urn:tilefan:slow-body" in answer
        assert b"Connection: close\r\n" in answer  # a next request could not be told from the body
        assert service.pool.in_flight == 0
        writer.close()


@in_loop
async def test_a_client_that_does_not_take_its_answer_is_cut_off() -> None:
    """An answer too has the time that its size allows; then the slot is free."""
    block = np.zeros(2**20, "u1")
    job = gaussian_job(block, 0, output="c16")
    body = block.tobytes()
    async with serve(HastyAnswers(threads=1)) as (service, client):
        await register(client, job)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(address(client))
            connection.setblocking(False)
            loop = asyncio.get_running_loop()
            start = head(client, len(body), signed(ask(job, block), body))
            await loop.sock_sendall(connection, start + b"\r\n" + body)
            assert await loop.sock_recv(connection, 15) == b"HTTP/1.1 200 OK"
            await until_taken(service, 0)


@in_loop
async def test_a_body_is_asked_for_only_when_it_will_be_read() -> None:
    """A sender that waits for ``100 Continue`` sends nothing in vain."""
    gate = Gate()
    body = BLOCK.tobytes()
    async with serve(ONE, gate) as (service, client):
        reader, writer = await connect(client)
        writer.write(head(client, len(body)) + b"Expect: 100-continue\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 60)
        assert answer.startswith(b"HTTP/1.1 404 ")  # the job is not known yet
        writer.close()

        await register(client, JOB)
        gate.open.set()
        reader, writer = await connect(client)
        writer.write(head(client, len(body)) + b"Expect: 100-continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert service.pool.in_flight == 1
        writer.write(body)
        assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
        writer.close()


@in_loop
async def test_what_breaks_inside_is_told_without_details() -> None:
    """A kernel that fails is the worker's fault, and costs the worker nothing."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    async with serve(ONE, broken) as (service, client):
        await register(client, JOB)
        body = BLOCK.tobytes()
        headers = signed(ask(JOB, BLOCK), body)
        for _ in range(4):
            async with client.post("/v1/tiles", data=body, headers=headers) as response:
                assert await problem(response) == (500, "internal")
                assert "secret" not in await response.text()
        assert service.pool.in_flight == 0
