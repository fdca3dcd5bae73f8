"""Who may speak to a worker, and that refused requests cost nothing."""

from __future__ import annotations

import asyncio
import logging

import numpy as np
import pytest
from multidict import CIMultiDict

from tests.support.worker_in_process import (
    ask,
    filtered,
    gaussian_job,
    in_loop,
    problem,
    register,
    serve,
    signed,
)
from tiling.protocol.token import Token
from worker.errors import Kind, RefusedError
from worker.rate_limit import KEYS, RateLimit
from worker.security.auth import Guard
from worker.settings import Settings

SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret"
TOKEN = Token.from_file(SECRET.encode(), 0o600)
BLOCK = np.arange(60, dtype="<i4").reshape(6, 10)
HERE = "10.1.2.3"


def refused(guard: Guard, *pairs: tuple[str, str], local: str = HERE) -> Kind | None:
    """Return why a request is refused, if it is."""
    try:
        guard.check(CIMultiDict(pairs), local, "10.9.9.9", 0.0)
    except RefusedError as error:
        return error.kind
    return None


HOSTS = [
    (HERE, "10.1.2.3:8080", True),
    (HERE, "10.1.2.3:9999", True),  # a tunnel, or a port that is mapped
    (HERE, "10.1.2.3", True),
    (HERE, "node1:8080", True),
    (HERE, "NODE1:8080", True),
    (HERE, "gateway:8080", True),
    (HERE, "10.1.2.4:8080", False),
    (HERE, "127.0.0.1:8080", False),
    (HERE, "localhost:8080", False),
    (HERE, "node1.:8080", False),
    (HERE, "node1.evil.example:8080", False),
    (HERE, "evil.example:8080", False),
    (HERE, "evil.example@node1:8080", False),
    (HERE, "node1:8080@evil.example", False),
    (HERE, "node1:8080:8080", False),
    (HERE, "node1:", False),
    (HERE, "", False),
    ("127.0.0.1", "localhost:8080", True),
    ("127.0.0.1", "127.0.0.1:8080", True),
    ("127.0.0.1", "[::1]:8080", False),
    ("::1", "[::1]:8080", True),
    ("::1", "::1", False),
    ("::1", "localhost:8080", True),
]


@pytest.mark.parametrize(("local", "host", "ours"), HOSTS, ids=str)
def test_only_its_own_names_are_answered(local: str, host: str, ours: bool) -> None:
    """Any name that somebody else may give to this address is refused, so rebinding fails."""
    guard = Guard(None, ["Node1", "gateway:9000"])
    assert refused(guard, ("Host", host), local=local) is (None if ours else Kind.HOST)


def test_browsers_and_unclear_hosts_are_refused() -> None:
    """An origin, no host and two hosts."""
    host = ("Host", "10.1.2.3:8080")
    assert refused(Guard(), host) is None
    assert refused(Guard(), host, ("Origin", "null")) is Kind.ORIGIN
    assert refused(Guard()) is Kind.HOST
    assert refused(Guard(), host, host) is Kind.HOST


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ([f"Bearer {SECRET}"], None),
        ([f"bearer {SECRET}"], None),
        ([], Kind.UNAUTHORIZED),
        ([""], Kind.UNAUTHORIZED),
        ([SECRET], Kind.UNAUTHORIZED),
        ([f"Basic {SECRET}"], Kind.UNAUTHORIZED),
        ([f"Bearer {SECRET[:-1]}"], Kind.UNAUTHORIZED),
        ([f"Bearer {SECRET}x"], Kind.UNAUTHORIZED),
        (["Bearer \udcff\u2603"], Kind.UNAUTHORIZED),
        ([f"Bearer {SECRET}", "Bearer no"], Kind.UNAUTHORIZED),
    ],
    ids=str,
)
def test_the_token_opens_and_nothing_else(given: list[str], kind: Kind | None) -> None:
    """One header, one scheme, the whole text."""
    headers = [("Host", "10.1.2.3:8080"), *(("Authorization", text) for text in given)]
    assert refused(Guard(TOKEN), *headers) is kind


def test_an_address_guesses_ten_times_a_second() -> None:
    """Ten at once, then as many as time has passed for; others are not concerned."""
    throttle = RateLimit(10, 10)
    assert [throttle.allows("a", 0.0) for _ in range(12)] == [True] * 10 + [False] * 2
    assert throttle.allows("b", 0.0)
    assert [throttle.allows("a", 0.25) for _ in range(3)] == [True, True, False]
    assert [throttle.allows("a", 9.0) for _ in range(11)] == [True] * 10 + [False]


def test_addresses_are_forgotten() -> None:
    """Many addresses do not fill the memory."""
    throttle = RateLimit(1, 1)
    for number in range(3 * KEYS):
        throttle.allows(str(number), 0.0)
    assert len(throttle) == KEYS


@in_loop
async def test_without_the_token_nothing_is_read() -> None:
    """Every path is closed, before the body and before the job is looked up."""
    async with serve(guard=Guard(TOKEN)) as (service, client):
        for method, path in [("GET", "/v1/health"), ("GET", "/metrics"), ("POST", "/v1/jobs")]:
            async with client.request(method, path) as response:
                assert await problem(response) == (401, "unauthorized")
                assert response.headers["WWW-Authenticate"] == "Bearer"
        for path in ("/", "/v1/tiles", "/nothing"):
            async with client.post(path, data=b"x" * 100, headers={"Expect": "100-continue"}) as r:
                assert await problem(r) == (401, "unauthorized")
        assert service.pool.in_flight == 0


@in_loop
async def test_wrong_tokens_are_slowed_down_and_the_right_one_is_not() -> None:
    """A guesser is told to wait; who has the token and the same address is served."""
    job = gaussian_job(BLOCK, 1.0)
    async with serve(guard=Guard(TOKEN, throttle=RateLimit(3, 3))) as (_, client):
        statuses = set()
        async with asyncio.TaskGroup() as tasks:

            async def guess() -> None:
                headers = {"Authorization": f"Bearer {SECRET[::-1]}"}
                async with client.get("/v1/health", headers=headers) as response:
                    statuses.add(response.status)
                    if response.status == 429:
                        assert response.headers["Retry-After"] == "1"

            for _ in range(40):
                tasks.create_task(guess())
        assert statuses == {401, 429}
        client.headers["Authorization"] = TOKEN.header
        await register(client, job)
        await filtered(client, job, BLOCK)


@in_loop
async def test_the_token_is_never_told(caplog: pytest.LogCaptureFixture) -> None:
    """Not in a repr, nor in what is logged when something breaks, nor in an answer."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    job = gaussian_job(BLOCK, 1.0)
    told = [repr(TOKEN), str(TOKEN), f"{TOKEN}", repr(Guard(TOKEN))]
    with caplog.at_level(logging.DEBUG):
        async with serve(Settings(threads=1), broken, Guard(TOKEN)) as (service, client):
            told.append(repr(service))
            client.headers["Authorization"] = TOKEN.header
            await register(client, job)
            body = BLOCK.tobytes()
            headers = signed(ask(job, BLOCK), body)
            async with client.post("/v1/tiles", data=body, headers=headers) as response:
                assert response.status == 500
                told.append(await response.text())
            async with client.get("/metrics") as response:
                told.append(await response.text())
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in "".join([*told, caplog.text])
