"""What the fleet's coordinators ask: health, jobs and tiles."""

from __future__ import annotations

import math
import os
import platform
import time
from functools import partial
from importlib.metadata import version

import numpy as np
from aiohttp import web

from tiling.dtypes import Array
from tiling.job import Job
from tiling.kernels import Kernel
from tiling.wire import BODY_TYPE, DIGEST, PROTOCOL, Answer, Question
from worker.errors import Kind, RefusedError
from worker.service import SERVICE, Service
from worker.transfer import body_length, check_type, read_body, send

VERSIONS = {name: version(name) for name in ("tilefan", "numpy", "scipy")}
STARTED = time.monotonic()


async def get_health(request: web.Request) -> web.Response:
    """Tell who this worker is and how it is: 200 if it takes tiles, 503 if it is going away."""
    service = request.app[SERVICE]
    pool = service.pool
    return web.json_response(
        {
            "status": "draining" if pool.draining else "ready",
            "version": VERSIONS["tilefan"],
            "protocol": PROTOCOL,
            "slots": pool.slots,
            "in_flight": pool.in_flight,
            "queue": pool.in_flight - pool.running,
            "memory": memory(service),
            "uptime_s": round(time.monotonic() - STARTED, 3),
            "kernel": service.kernel_name,
            "numpy": VERSIONS["numpy"],
            "scipy": VERSIONS["scipy"],
            "python": platform.python_version(),
            "machine": platform.machine(),
            "pid": os.getpid(),
        },
        status=503 if pool.draining else 200,
    )


def memory(service: Service) -> dict[str, int]:
    """Return what this worker says of its memory, in bytes."""
    return {"tile_limit_bytes": service.settings.tile_bytes}


async def post_job(request: web.Request) -> web.Response:
    """Register a job, so that tiles can name it by its digest; once more is the same as once."""
    service = request.app[SERVICE]
    check_type(request, "application/json")
    body = bytearray(body_length(request, service.settings.job_bytes))
    with service.clerk.admit() as slot:
        await read_body(request, memoryview(body), service.settings)
        digest, job = await slot.run(partial(_decode, bytes(body)))
    service.jobs.add(digest, job)
    return web.json_response({"job": digest})


def _decode(body: bytes) -> tuple[str, Job]:
    job = Job.decode(body)
    return job.digest, job


async def post_tile(request: web.Request) -> web.StreamResponse:
    """Filter one tile: everything is checked that can be before a byte of the body is read."""
    service = request.app[SERVICE]
    check_type(request, BODY_TYPE)
    question, claimed = Question.parse(request.headers)
    job = service.jobs.get(question.job)
    check_block(question, job, body_length(request, service.settings.tile_bytes))
    check_volume(question.shape, job, service.settings.tile_bytes)
    with service.pool.admit() as slot:
        body = np.empty(question.body_bytes, np.uint8)
        await read_body(request, body.data, service.settings)
        headers, answer = await slot.run(
            partial(answer_tile, question, claimed, job, body, service.kernel)
        )
        return await send(request, headers, (answer,), service.settings.transfer_s(len(answer)))


def check_block(question: Question, job: Job, length: int) -> None:
    """Refuse a block that the job does not filter, or a body that is not that block."""
    if question.dtype != job.source:
        raise RefusedError(
            Kind.MALFORMED, f"a block of {question.dtype}: the job reads {job.source}"
        )
    if len(question.shape) != job.ndim:
        raise RefusedError(
            Kind.MALFORMED, f"a block of {len(question.shape)} axes: the job has {job.ndim}"
        )
    if length != question.body_bytes:
        raise RefusedError(
            Kind.MALFORMED, f"a body of {length} bytes: the block has {question.body_bytes}"
        )


def check_volume(shape: tuple[int, ...], job: Job, limit: int) -> None:
    """Refuse a block that is too large in any dtype on its way, or absurdly long where empty."""
    itemsize = max(dtype.itemsize for call in job.calls for dtype in (call.source, call.target))
    volume = math.prod(max(length, 1) for length in shape) * itemsize
    if volume > limit:
        raise RefusedError(
            Kind.TOO_LARGE, f"a block of {volume} bytes on its way: at most {limit} are filtered"
        )


def answer_tile(
    question: Question, claimed: str, job: Job, body: Array, kernel: Kernel
) -> tuple[dict[str, str], memoryview]:
    """Check, filter and sign one tile; return the headers and the bytes of its answer."""
    asked = question.digest(body.data)
    if asked != claimed:
        raise RefusedError(Kind.DIGEST, f"{DIGEST}: send the tile again")
    block = np.ndarray(question.shape, question.dtype, body.data)
    out = np.empty(question.crop.shape, job.target)
    job.apply(block, question.crop.slices, out, kernel)
    answer = Answer.to(question, asked, job.target)
    data = raw(out)
    return {**answer.fields(), DIGEST: answer.digest(data)}, data


def raw(array: Array) -> memoryview:
    """Return the bytes of a C-contiguous array without a copy."""
    return array.reshape(-1).view(np.uint8).data
