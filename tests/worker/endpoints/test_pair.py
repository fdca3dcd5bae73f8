"""Pairing over HTTP: open to strangers while a code is shown, and nothing else with it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.support.worker_in_process import in_loop, problem, serve
from tests.tiling.protocol.test_pairing import BAD, OPENING, RUN
from tiling.protocol.pairing import MAX_REQUEST, PATH
from tiling.protocol.token import Token
from worker.security.auth import Guard
from worker.security.pairing import Pairing
from worker.security.token_file import SharedToken

TOKEN = Token.parse("o" * 40)
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def pairing_worker() -> AsyncIterator[tuple[Pairing, aiohttp.ClientSession]]:
    """Serve a worker that shows a code; yield its pairing and a client without the token."""
    guard = Guard(TOKEN)
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
        for path in ("/v1/health", "/metrics", f"{PATH}/", f"{PATH}/x", f"/x/..{PATH}x"):
            async with client.get(path) as response:
                assert await problem(response) == (401, "unauthorized")
        async with client.get(PATH) as response:
            assert await problem(response) == (405, "method")


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
async def test_a_used_code_costs_no_body() -> None:
    """Once it is over, a request is refused before its body is read."""
    async with pairing_worker() as (pairing, client):
        pairing._tries = 0
        headers = {**JSON, "Expect": "100-continue"}
        async with client.post(PATH, data=b"x" * 100, headers=headers) as response:
            assert await problem(response) == (409, "not-pairing")
