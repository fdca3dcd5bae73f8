"""A worker that forgets every job that is registered with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from aiohttp import web

from coordinator.errors import TileFailedError
from tests.chaos.runs import Leaks, Task
from tests.support.event_loop import LoopThread
from tiling.jobs.job import Job
from tiling.probes.digests import expected
from tiling.protocol.wire import PROTOCOL, UNKNOWN_JOB


@contextmanager
def forgetful_worker() -> Iterator[str]:
    """Serve one that takes every job, and knows none when its tile comes."""
    loop = LoopThread()
    runner = loop.call(_serve())
    try:
        yield "{}:{}".format(*runner.addresses[0][:2])
    finally:
        loop.call(runner.cleanup())
        loop.close()


async def _serve() -> web.AppRunner:
    async def health(_: web.Request) -> web.Response:
        return web.json_response({"protocol": PROTOCOL, "slots": 2})

    async def job(request: web.Request) -> web.Response:
        return web.json_response({"job": Job.decode(await request.read()).digest})

    async def attest(request: web.Request) -> web.Response:
        names = (await request.json())["probes"]
        return web.json_response({"digests": {name: expected()[name] for name in names}})

    async def tile(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"type": UNKNOWN_JOB}, status=404)

    app = web.Application()
    app.add_routes([web.get("/v1/health", health), web.post("/v1/jobs", job)])
    app.add_routes([web.post("/v1/attest", attest), web.post("/v1/tiles", tile)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


def test_a_worker_that_never_knows_the_job(tmp_path: Path) -> None:
    """It refuses, like any other; it does not end the run in a traceback."""
    leaks = Leaks()
    work = Task.make(tmp_path, np.zeros((20, 20)), 1.0, (10, 10))
    with forgetful_worker() as address:
        run = work.carry_out([address])
    assert isinstance(run.error, TileFailedError)
    assert "does not know the job" in str(run.error)
    assert not work.check(run, [])
    leaks.check()
