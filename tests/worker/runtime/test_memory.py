"""Memory: what is reserved before a body is read, and who is refused for want of it."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.support.worker_in_process import (
    ask,
    gaussian_job,
    in_loop,
    problem,
    register,
    serve,
    signed,
)
from tests.worker.http.test_admission import Gate, until_taken
from tiling.jobs.job import Call, Job
from tiling.jobs.memory import tile_bytes
from tiling.kernels.apply import apply
from tiling.kernels.reference import run
from tiling.protocol.places import Offer, StoredArray
from worker.machine import usable_cores, usable_memory
from worker.runtime.job_cache import JobCache
from worker.settings import Settings

BLOCK = np.ones((64, 64, 16), "<f4")
JOB = gaussian_job(BLOCK, 1.0)


def pipeline(*dtypes: str) -> Job:
    """Return a job of one call for each step from a dtype to the next."""
    calls: list[Call] = []
    for source, target in pairwise(dtypes):
        block = np.ones((1, 1, 1), source)
        calls += gaussian_job(block, 1.0, output=target).calls
    return Job(3, tuple(calls))


@pytest.mark.parametrize(
    "dtypes",
    [("f4", "f4"), ("u1", "f8"), ("f8", "u1"), ("f4", "f4", "f4"), ("u1", "f8", "f4", "u1")],
    ids="-".join,
)
def test_no_tile_takes_more_than_it_reserved(dtypes: tuple[str, ...]) -> None:
    """What NumPy really allocates for a tile stays within the bound."""
    job = pipeline(*dtypes)
    block = np.ones(BLOCK.shape, dtypes[0])
    crop = tuple(slice(0, length) for length in block.shape)
    apply(job.program, block, crop, np.empty(block.shape, job.target), run)  # imports SciPy
    tracemalloc.start()
    out = np.empty(block.shape, job.target)
    apply(job.program, block, crop, out, run)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    slack = 64 * 2**10  # Python's own objects
    assert peak + block.nbytes <= tile_bytes(job, block.shape, out.shape) + slack


def test_the_published_multiple() -> None:
    """A job of one call and one size of samples takes at most 4 times the block."""
    assert tile_bytes(JOB, BLOCK.shape, BLOCK.shape) == 4 * BLOCK.nbytes


async def answer(client: Any, block: Any) -> tuple[int, str]:
    body = block.tobytes()
    headers = signed(ask(JOB, block), body)
    async with client.post("/v1/tiles", data=body, headers=headers) as response:
        return await problem(response)


@in_loop
async def test_a_tile_waits_for_memory_or_never_fits() -> None:
    """503 where memory will be free again, 507 where there never is so much."""
    gate = Gate()
    settings = Settings(threads=1, memory_bytes=6 * BLOCK.nbytes)
    async with serve(settings, gate) as (service, client):
        await register(client, JOB)
        assert await answer(client, np.ones((128, 64, 16), "<f4")) == (507, "memory")
        body = BLOCK.tobytes()
        sent = client.post("/v1/tiles", data=body, headers=signed(ask(JOB, BLOCK), body))
        task = asyncio.ensure_future(sent)
        await until_taken(service, 1)
        assert service.pool.reserved_bytes == 4 * BLOCK.nbytes
        assert await answer(client, BLOCK) == (503, "busy")
        gate.open.set()
        async with await task as response:
            assert response.status == 200
        await until_taken(service, 0)
        assert service.pool.reserved_bytes == 0


@in_loop
async def test_tiles_wait_while_a_place_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its chunks take is counted, one offer at a time, and no offer is refused for it."""
    metadata = {"zarr_format": 3, "node_type": "array", "shape": [512, 512]}
    array = StoredArray("zarr", "/data/in.zarr", (512, 512), "<f4", 0, "C", 3, metadata, (512, 512))
    bodies = [Offer(array).encode(), Offer(replace(array, chunk=(2**40, 2**10))).encode()]
    settings = Settings(threads=1, memory_bytes=6 * BLOCK.nbytes, chunk_bytes=2**21)
    gate, begun, loop = threading.Event(), asyncio.Event(), asyncio.get_running_loop()
    held: list[int] = []
    async with serve(settings) as (service, client):
        await register(client, JOB)

        def take(_: bytes) -> dict[str, str]:
            held.append(service.pool.reserved_bytes)
            loop.call_soon_threadsafe(begun.set)
            gate.wait(30)
            return {}

        monkeypatch.setattr(service.places, "take", take)
        headers = {"Content-Type": "application/json"}
        asked = [
            asyncio.ensure_future(client.post("/v1/places", data=body, headers=headers))
            for body in bodies
        ]
        await begun.wait()
        assert await answer(client, BLOCK) == (503, "busy")
        gate.set()
        for task in asked:
            async with await task as response:
                assert response.status == 200
        assert sorted(held) == [2 * 4 * 512 * 512, 2 * 2**21]
        assert service.pool.reserved_bytes == 0


def test_jobs_are_forgotten_by_size_too() -> None:
    """Large descriptions push the oldest out, never the newest."""
    jobs = JobCache(limit=10, limit_bytes=100)
    for name in "abcd":
        jobs.add(name, JOB, 40)
    assert len(jobs) == 2
    jobs.add("huge", JOB, 1000)
    assert len(jobs) == 1
    assert jobs.get("huge") is JOB


def test_what_there_is() -> None:
    """Defaults come from the machine."""
    assert usable_cores() >= 1
    assert usable_memory() > 2**20
