"""Pairing over HTTP: open to strangers while a code is shown, and nothing else with it."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import pytest
from scipy import ndimage
from yarl import URL

from tests.support.equality import assert_same_bits
from tests.support.worker_in_process import (
    filtered,
    gaussian_job,
    in_loop,
    problem,
    register,
    serve,
)
from tests.tiling.protocol.test_pairing import BAD, OPENING, RUN
from tiling.kernels import reference
from tiling.protocol.pairing import MAX_REQUEST, PATH
from tiling.protocol.token import Token
from worker.rate_limit import RateLimit
from worker.security.auth import Guard
from worker.security.pairing import Pairing
from worker.security.token_file import SharedToken

TOKEN = Token.parse("o" * 40)
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def pairing_worker() -> AsyncIterator[tuple[Pairing, aiohttp.ClientSession]]:
    """Serve a worker that shows a code; yield its pairing and a client without the token."""
    guard = Guard(TOKEN, throttle=RateLimit(1000, 1000))
    async with serve(guard=guard) as (service, client):
        service.pairing = Pairing(guard, SharedToken(TOKEN), time.monotonic())
        yield service.pairing, client


@in_loop
async def test_a_worker_that_shows_no_code_is_closed() -> None:
    """Strangers learn nothing; who has the token learns that it must be started with --pair."""
    async with serve(guard=Guard(TOKEN)) as (_, client):
        async with client.post(PATH, json=OPENING) as response:
            assert await problem(response) == (401, "unauthorized")
        async with client.post(
            PATH, json=OPENING, headers={"Authorization": TOKEN.header}
        ) as response:
            assert await problem(response) == (409, "not-pairing")


@in_loop
async def test_only_pairing_is_open() -> None:
    """While a code is shown all else still asks for the token, also beside the path."""
    async with pairing_worker() as (_, client):
        for path in ("/v1/health", "/metrics", PATH, f"{PATH}/", f"{PATH}/x", f"/x/..{PATH}x"):
            async with client.get(path) as response:
                assert await problem(response) == (401, "unauthorized")
        for path in (f"{PATH}/", "/v1%2Fpair", "/v1/tiles", "/v1/jobs", "/", "/v1/filters/pair"):
            async with client.post(URL(path, encoded=True), json=OPENING) as response:
                assert await problem(response) == (401, "unauthorized")


WRONG = [
    pytest.param({"Content-Type": "text/plain"}, b"{}", (415, "media-type"), id="type"),
    pytest.param({**JSON, "Content-Encoding": "gzip"}, b"{}", (415, "media-type"), id="gzip"),
    pytest.param({**JSON, "Origin": "http://evil.example"}, b"{}", (403, "origin"), id="page"),
    pytest.param({**JSON, "Host": "evil.example"}, b"{}", (421, "host"), id="rebinding"),
    pytest.param(JSON, b" " * (MAX_REQUEST + 1), (413, "too-large"), id="large"),
    pytest.param(JSON, b"", (400, "malformed"), id="empty"),
    pytest.param(JSON, b"[" * MAX_REQUEST, (400, "malformed"), id="deep"),
    pytest.param(JSON, b"\x80\x04N.", (400, "malformed"), id="pickle"),
    *(
        pytest.param(JSON, json.dumps(said).encode(), (400, "malformed"), id=f"fields {number}")
        for number, said in enumerate(BAD)
    ),
    pytest.param(JSON, json.dumps(OPENING).encode(), (400, "malformed"), id="no point"),
    pytest.param(
        JSON,
        json.dumps({"run": RUN, "confirmation": "00" * 32}).encode(),
        (409, "not-pairing"),
        id="no run",
    ),
]


@pytest.mark.parametrize(("headers", "body", "wanted"), WRONG)
@in_loop
async def test_hostile_requests(
    headers: dict[str, str], body: bytes, wanted: tuple[int, str]
) -> None:
    """Each gets its 4xx, takes none of the tries, and the code is good afterwards."""
    async with pairing_worker() as (pairing, client):
        async with client.post(PATH, data=body, headers=headers) as response:
            assert await problem(response) == wanted
        pairing.check(time.monotonic())


@in_loop
async def test_mutated_requests_never_break_a_worker() -> None:
    """Whatever becomes of an opening, the answer is 200 or a 4xx."""
    noise = random.Random(11)
    good = json.dumps(OPENING).encode()
    statuses = set()
    async with pairing_worker() as (_, client):
        for _ in range(200):
            body = bytearray(good)
            for _ in range(noise.randint(1, 4)):
                body[noise.randrange(len(body))] = noise.randrange(256)
            async with client.post(PATH, data=bytes(body), headers=JSON) as response:
                statuses.add(response.status)
    assert max(statuses) < 500


@in_loop
async def test_what_is_in_flight_goes_on() -> None:
    """A tile that was let in with the old token is answered; the next one needs the new token."""
    began, go_on = threading.Event(), threading.Event()

    def waiting(*arguments: Any) -> None:
        began.set()
        assert go_on.wait(60)
        reference.run(*arguments)

    block = np.arange(12.0).reshape(3, 4)
    job, guard = gaussian_job(block, 1.0), Guard(TOKEN)
    async with serve(kernel=waiting, guard=guard) as (_, client):
        client.headers["Authorization"] = TOKEN.header
        await register(client, job)
        tile = asyncio.create_task(filtered(client, job, block))
        assert await asyncio.to_thread(began.wait, 60)
        guard.adopt(Token.parse("n" * 40))
        go_on.set()
        assert_same_bits(await tile, ndimage.gaussian_filter(block, 1.0))
        async with client.get("/v1/health") as response:
            assert await problem(response) == (401, "unauthorized")


@in_loop
async def test_a_used_code_costs_no_body() -> None:
    """Once it is over, a request is refused before its body is read."""
    async with pairing_worker() as (pairing, client):
        pairing._tries = 0
        headers = {**JSON, "Expect": "100-continue"}
        async with client.post(PATH, data=b"x" * 100, headers=headers) as response:
            assert await problem(response) == (409, "not-pairing")
