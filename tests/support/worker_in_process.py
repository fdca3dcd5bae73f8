"""A worker inside the test's own process: its parts in hand, its limits as small as wanted."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ParamSpec

import aiohttp
import numpy as np
import numpy.typing as npt

from tiling.filters import FILTERS
from tiling.geometry.box import Box
from tiling.jobs.job import Job
from tiling.kernels import Kernel
from tiling.kernels.reference import run as reference
from tiling.probes.select import Selected
from tiling.protocol.wire import DIGEST, Answer, Question
from worker.security.auth import Guard
from worker.server import serving
from worker.settings import Settings
from worker.state import Service

P = ParamSpec("P")

OCTETS = {"Content-Type": "application/octet-stream"}


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test in a loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@asynccontextmanager
async def serve(
    settings: Settings | None = None, kernel: Kernel = reference, guard: Guard | None = None
) -> AsyncIterator[tuple[Service, aiohttp.ClientSession]]:
    """Serve on loopback; yield the worker's parts and a client of it.

    Jobs are not tried with a kernel of the test's own.
    """
    selected = Selected("test", kernel)
    settings = settings or Settings(threads=2)
    if kernel is not reference:
        settings = replace(settings, trial_work=0)
    service = Service(settings, guard or Guard(), selected)
    async with (
        serving(service, "127.0.0.1", 0) as (host, port),
        aiohttp.ClientSession(f"http://{host}:{port}") as client,
    ):
        yield service, client


def address(client: aiohttp.ClientSession) -> tuple[str, int]:
    """Return where a client's worker listens."""
    url = client._base_url
    assert url is not None
    assert url.host is not None
    assert url.port is not None
    return url.host, url.port


def gaussian_job(array: npt.NDArray[Any], *args: Any, **kwargs: Any) -> Job:
    """Return the job of `scipy.ndimage.gaussian_filter` on this array."""
    call = FILTERS["gaussian_filter"].call(array.ndim, array.dtype, *args, **kwargs)
    return Job(array.ndim, (call,))


def ask(job: Job, block: npt.NDArray[Any], crop: Box | None = None, tile: int = 0) -> Question:
    """Return the question of a tile that is this block."""
    return Question(job.digest, tile, block.dtype, block.shape, crop or Box.whole(block.shape))


def signed(question: Question, body: bytes) -> dict[str, str]:
    """Return all headers of a tile."""
    return {**OCTETS, **question.fields(), DIGEST: question.digest(body)}


async def register(client: aiohttp.ClientSession, job: Job) -> None:
    """Register a job."""
    json = {"Content-Type": "application/json"}
    async with client.post("/v1/jobs", data=job.encode(), headers=json) as response:
        assert response.status == 200, await response.text()
        assert (await response.json())["job"] == job.digest


async def filtered(
    client: aiohttp.ClientSession, job: Job, block: npt.NDArray[Any], crop: Box | None = None
) -> npt.NDArray[Any]:
    """Send a tile, check the answer as a coordinator does, and return it as an array."""
    question = ask(job, block, crop)
    body = block.tobytes()
    async with client.post("/v1/tiles", data=body, headers=signed(question, body)) as response:
        data = await response.read()
        assert response.status == 200, data
    answer = Answer.to(question, question.digest(body), job.target)
    answer.check(response.headers, data)
    return np.ndarray(answer.shape, answer.dtype, data)


async def problem(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Return status and type of a problem document, whose form is checked."""
    assert response.content_type == "application/problem+json", await response.text()
    text = await response.json()
    assert set(text) == {"type", "title", "status", "detail"}
    assert text["status"] == response.status
    assert len(text["detail"]) <= 1000
    return response.status, text["type"].removeprefix("urn:tilefan:")
