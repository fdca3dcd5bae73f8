"""Tiles, in and out: the bits of SciPy, and a refusal for everything that is not a tile."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tests.support.worker_in_process import (
    OCTETS,
    ask,
    filtered,
    gaussian_job,
    in_loop,
    problem,
    register,
    serve,
    signed,
)
from tiling.geometry.box import Box
from tiling.jobs import job as jobs
from tiling.jobs.job import Call
from tiling.operations import Step
from tiling.protocol.wire import CROP, DIGEST, DTYPE, JOB, RUN, SHAPE, TILE, UNKNOWN_JOB, Spent
from worker.settings import Settings

DTYPES = ["?", "i1", "u2", "i4", "u8", "f4", "f8", "c8", "c16"]
BLOCK = np.arange(24, dtype="<i4").reshape(4, 6)


@pytest.mark.parametrize("dtype", DTYPES)
@in_loop
async def test_a_tile_has_scipys_bits(dtype: str) -> None:
    """Every dtype class comes back as SciPy filters it, cropped."""
    block = np.random.default_rng(1).integers(0, 200, (9, 7, 3)).astype(dtype)
    job = gaussian_job(block, (1.5, 0.5, 0), mode=("wrap", "mirror", "nearest"))
    want = ndimage.gaussian_filter(block, (1.5, 0.5, 0), mode=("wrap", "mirror", "nearest"))
    async with serve() as (_, client):
        await register(client, job)
        assert_same_bits(await filtered(client, job, block), want)
        crop = Box((2, 0, 1), (8, 7, 2))
        assert_same_bits(await filtered(client, job, block, crop), want[crop.slices])


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (1,) * 12], ids=str)
@in_loop
async def test_odd_shapes_travel(shape: tuple[int, ...]) -> None:
    """Blocks without axes, without samples or with many axes are tiles too."""
    block = np.ones(shape, "<f4")
    job = gaussian_job(block, 1.0)
    async with serve() as (_, client):
        await register(client, job)
        assert_same_bits(await filtered(client, job, block), ndimage.gaussian_filter(block, 1.0))


@in_loop
async def test_an_empty_crop_is_answered_with_nothing() -> None:
    """A tile that owns no sample has an answer of no bytes."""
    job = gaussian_job(BLOCK, 1.0)
    async with serve() as (_, client):
        await register(client, job)
        got = await filtered(client, job, BLOCK, Box((1, 2), (1, 4)))
        assert_same_bits(got, np.empty((0, 2), "<i4"))


@in_loop
async def test_a_job_is_registered_once_or_many_times() -> None:
    """Registering is idempotent, and only the newest jobs are remembered."""
    jobs = [gaussian_job(BLOCK, sigma) for sigma in (1.0, 2.0, 3.0)]
    async with serve(Settings(threads=1, jobs=2)) as (service, client):
        for job in (jobs[0], jobs[0], jobs[1], jobs[0], jobs[2]):
            await register(client, job)
        assert len(service.jobs) == 2
        await filtered(client, jobs[0], BLOCK)
        question = ask(jobs[1], BLOCK)
        headers = signed(question, BLOCK.tobytes())
        async with client.post("/v1/tiles", data=BLOCK.tobytes(), headers=headers) as response:
            assert (await response.json())["type"] == UNKNOWN_JOB
            assert response.status == 404


@in_loop
async def test_an_answer_tells_what_it_took() -> None:
    """Waiting for a thread and computing fit into the time that the asker waited."""
    job, body = gaussian_job(BLOCK, 1.0), BLOCK.tobytes()
    async with serve() as (_, client):
        await register(client, job)
        began_s = time.monotonic()
        headers = signed(ask(job, BLOCK), body)
        async with client.post("/v1/tiles", data=body, headers=headers) as response:
            spent = Spent.parse(response.headers, time.monotonic() - began_s)
    assert spent is not None
    assert spent.computing_s > 0


WRONG_HEADERS = [
    ({JOB: "0" * 64}, 404, "unknown-job"),
    ({JOB: "../../etc/passwd"}, 400, "malformed"),
    ({TILE: "-1"}, 400, "malformed"),
    ({TILE: ""}, 400, "malformed"),
    ({DTYPE: "|O"}, 400, "malformed"),
    ({DTYPE: "|V4"}, 400, "malformed"),
    ({DTYPE: "|S4"}, 400, "malformed"),
    ({DTYPE: "[('a','<i4')]"}, 400, "malformed"),
    ({DTYPE: ">i4"}, 400, "malformed"),
    ({DTYPE: "<f4"}, 400, "malformed"),
    ({SHAPE: "4,-6"}, 400, "malformed"),
    ({SHAPE: "4,6,"}, 400, "malformed"),
    ({SHAPE: "24"}, 400, "malformed"),
    ({SHAPE: "4,6,1", CROP: "0:4,0:6,0:1"}, 400, "malformed"),
    ({SHAPE: "4,7"}, 400, "malformed"),
    ({SHAPE: "999999999999999999,999999999999999999"}, 400, "malformed"),
    ({SHAPE: "9" * 30}, 400, "malformed"),
    ({SHAPE: ",".join("1" * 33)}, 400, "malformed"),
    ({SHAPE: "٤,6"}, 400, "malformed"),
    ({CROP: "0:4,0:7"}, 400, "malformed"),
    ({CROP: "0:4"}, 400, "malformed"),
    ({CROP: "3:1,0:6"}, 400, "malformed"),
    ({CROP: "-1:4,0:6"}, 400, "malformed"),
    ({DIGEST: "f" * 32}, 400, "digest"),
    ({DIGEST: "f" * 31}, 400, "malformed"),
    ({TILE: "7"}, 400, "digest"),
    ({RUN: "0123456789abcde"}, 400, "malformed"),
    ({RUN: "0123456789ABCDEF"}, 400, "malformed"),
    ({RUN: "../../etc/passwd"}, 400, "malformed"),
    ({"Content-Type": "text/plain"}, 415, "media-type"),
    ({"Content-Encoding": "gzip"}, 415, "media-type"),
    ({"Content-Encoding": "sparkle"}, 415, "media-type"),
    ({"Expect": "200-ok"}, 417, "expectation"),
]


@in_loop
async def test_wrong_headers_are_the_senders_fault() -> None:
    """Each wrong header gets its 4xx, and the worker goes on serving."""
    job = gaussian_job(BLOCK, 1.0)
    body = BLOCK.tobytes()
    good = signed(ask(job, BLOCK), body)
    async with serve() as (service, client):
        await register(client, job)
        for wrong, status, kind in WRONG_HEADERS:
            headers = {**good, **wrong}
            async with client.post("/v1/tiles", data=body, headers=headers) as response:
                assert (wrong, *await problem(response)) == (wrong, status, kind)
        for name in (JOB, TILE, DTYPE, SHAPE, CROP, DIGEST):
            headers = {key: value for key, value in good.items() if key != name}
            async with client.post("/v1/tiles", data=body, headers=headers) as response:
                assert await problem(response) == (400, "malformed")
        assert service.pool.in_flight == 0
        assert_same_bits(await filtered(client, job, BLOCK), ndimage.gaussian_filter(BLOCK, 1.0))


@in_loop
async def test_sizes_above_the_limit_are_refused_unread() -> None:
    """What is too large is refused by its announcement: body, block, empty block, job."""
    job = gaussian_job(BLOCK, 1.0, output="c16" if BLOCK.dtype.kind == "c" else "f8")
    body = BLOCK.tobytes()
    async with serve(Settings(threads=1, tile_bytes=100, job_bytes=4000)) as (_, client):
        await register(client, job)
        cases: list[tuple[dict[str, str], bytes]] = [
            (signed(ask(job, np.zeros((5, 6), "<i4")), bytes(120)), bytes(120)),
            (signed(ask(job, BLOCK), body), body),  # 96 bytes in, 192 as float64
            ({**signed(ask(job, np.zeros((0, 99), "<i4")), b"")}, b""),
        ]
        for headers, data in cases:
            async with client.post("/v1/tiles", data=data, headers=headers) as response:
                assert await problem(response) == (413, "too-large")
        json = {"Content-Type": "application/json"}
        async with client.post("/v1/jobs", data=bytes(4001), headers=json) as response:
            assert await problem(response) == (413, "too-large")


@in_loop
async def test_a_body_without_a_length_is_not_read() -> None:
    """A chunked tile or job is refused."""
    job = gaussian_job(BLOCK, 1.0)

    async def chunks() -> Any:
        yield BLOCK.tobytes()

    async with serve() as (_, client):
        await register(client, job)
        headers = signed(ask(job, BLOCK), BLOCK.tobytes())
        async with client.post("/v1/tiles", data=chunks(), headers=headers) as response:
            assert await problem(response) == (411, "length-required")
        json = {"Content-Type": "application/json"}
        async with client.post("/v1/jobs", data=chunks(), headers=json) as response:
            assert await problem(response) == (411, "length-required")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"[" * 100_000, 400, id="deep"),
        pytest.param(b'{"ndim": 2, "calls": []}', 400, id="no calls"),
        pytest.param(b'{"ndim": -1, "calls": [1]}', 400, id="negative rank"),
        pytest.param(b'{"ndim": 33, "calls": [1]}', 400, id="too many axes"),
        pytest.param(b"\x80\x04K\x01.", 400, id="pickle"),
    ],
)
@in_loop
async def test_what_is_no_job_is_refused(body: bytes, status: int) -> None:
    """A description that says no job gets 4xx."""
    async with serve() as (_, client):
        json = {"Content-Type": "application/json"}
        async with client.post("/v1/jobs", data=body, headers=json) as response:
            assert await problem(response) == (status, "malformed")


@in_loop
async def test_other_paths_and_methods_are_problems_too() -> None:
    """Whatever aiohttp refuses by itself comes as a problem document."""
    async with serve() as (_, client):
        async with client.get("/v1/nothing") as response:
            assert await problem(response) == (404, "not-found")
        async with client.put("/v1/tiles", data=b"", headers=OCTETS) as response:
            assert await problem(response) == (405, "method")
            assert response.headers["Allow"] == "POST"


@in_loop
async def test_health_tells_who_and_how() -> None:
    """A coordinator learns what it needs before the first tile."""
    async with serve(Settings(threads=3)) as (_, client), client.get("/v1/health") as response:
        health = await response.json()
    assert response.status == 200
    assert health["status"] == "ready"
    assert (health["protocol"], health["slots"], health["in_flight"]) == (1, 4, 0)
    assert {"version", "queue", "memory", "uptime_s", "kernel", "numpy", "scipy", "pid"} <= set(
        health
    )
    assert health["cores"] >= 1
    assert re.fullmatch("[0-9a-f]{32}|", health["boot"])
    assert health["computing"] == []


@pytest.mark.parametrize("run", ["", "0123456789abcdeg", "0" * 17])
@in_loop
async def test_health_of_what_is_no_run(run: str) -> None:
    """A malformed run is the asker's fault."""
    async with serve() as (_, client), client.get("/v1/health", params={"run": run}) as response:
        assert await problem(response) == (400, "malformed")


@in_loop
async def test_a_jobs_program_is_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's checks, its memory and its tiles share one program, however many tiles come."""
    built: list[Call] = []

    def counting(call: Call) -> tuple[Step, ...]:
        built.append(call)
        return steps_of(call)

    steps_of = jobs._steps
    monkeypatch.setattr(jobs, "_steps", counting)
    block = np.ones((5, 6), "f4")
    job = gaussian_job(block, 1.0)
    async with serve() as (_, client):
        await register(client, job)
        assert built == list(job.calls)
        for _ in range(3):
            await filtered(client, job, block)
        assert len(built) == 1
