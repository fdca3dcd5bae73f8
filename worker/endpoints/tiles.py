"""Jobs and tiles: the requests of coordinators."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import numpy as np
from aiohttp import web

from tiling.dtypes import Array
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.kernels import Kernel
from tiling.kernels.apply import apply
from tiling.protocol.wire import BODY_TYPE, DIGEST, Answer, Question, Spent, parse_run
from worker.errors import Kind, RefusedError
from worker.http.bodies import body_length, check_type, read_body, send
from worker.runtime.limits import check_passes, check_volume, check_work
from worker.runtime.pool import Request
from worker.state import SERVICE


async def post_job(request: web.Request) -> web.Response:
    """Register a job, so that tiles can name it by its digest; repeating it changes nothing.

    The answer has the digest, and how long a trial took, if there was one::

        {"job": "6f0c...", "trial": {"samples": 65536, "seconds": 0.0031}}
    """
    service = request.app[SERVICE]
    check_type(request, "application/json")
    length = body_length(request, service.settings.job_bytes)
    with service.control_pool.admit() as slot:
        slot.reserve(length)
        body = bytearray(length)
        await read_body(request, memoryview(body), service.settings)
        digest, job = await slot.run(partial(_decode, bytes(body)))
        check_passes(job, service.settings.passes)
        registered = service.jobs.add(digest, job, len(body))
        most_work = service.settings.trial_work
        trial = await slot.run(partial(registered.trial, service.kernel, most_work))
    return web.json_response({"job": digest, **({"trial": trial.to_json()} if trial else {})})


def _decode(body: bytes) -> tuple[str, Job]:
    job = Job.decode(body)
    return job.digest, job


async def post_tile(request: web.Request) -> web.StreamResponse:
    """Filter one tile; all checks but that of the digest come before its body is read."""
    service = request.app[SERVICE]
    check_type(request, BODY_TYPE)
    question, claimed = Question.parse(request.headers)
    asking = Request(parse_run(request.headers), request.remote or "", question.tile)
    job = service.jobs.get(question.job)
    check_block(question, job, body_length(request, service.settings.tile_bytes))
    check_volume(job, question.shape, service.settings.tile_bytes)
    check_work(job, question.shape, service.settings.tile_work)
    with service.pool.admit(asking) as slot:
        slot.reserve(tile_bytes(job, question.shape, question.crop.shape))
        body = np.empty(question.body_bytes, np.uint8)
        await read_body(request, body.data, service.settings)
        service.metrics.received_bytes.inc(len(body))
        began_s = time.monotonic()
        compute = partial(timed_answer, began_s, question, claimed, job, body, service.kernel)
        try:
            with service.metrics.seconds.time():
                headers, answer = await slot.run(compute)
        except asyncio.CancelledError:  # the client is gone
            _log("tile abandoned", request, question, began_s)
            raise
        if time.monotonic() - began_s > service.settings.slow_tile_s:
            _log("slow tile", request, question, began_s)
        return await send(request, service, "tile", headers, answer)


def _log(event: str, request: web.Request, question: Question, began_s: float) -> None:
    now = time.monotonic()
    request.app[SERVICE].clients.write(
        event,
        request.remote or "",
        now,
        job=question.job,
        tile=question.tile,
        seconds=round(now - began_s, 3),
    )


def check_block(question: Question, job: Job, length: int) -> None:
    """Refuse a block that is not the job's, or a body of another size than the block.

    Parameters
    ----------
    question : Question
    job : Job
    length : int
        Bytes of the body.

    Raises
    ------
    RefusedError
    """
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


def timed_answer(
    submitted_s: float, question: Question, claimed: str, job: Job, body: Array, kernel: Kernel
) -> tuple[dict[str, str], memoryview]:
    """Answer a tile; add the seconds that it waited since `submitted_s` and was computed."""
    began_s = time.monotonic()
    headers, data = answer_tile(question, claimed, job, body, kernel)
    spent = Spent(began_s - submitted_s, time.monotonic() - began_s)
    return {**headers, **spent.fields()}, data


def answer_tile(
    question: Question, claimed: str, job: Job, body: Array, kernel: Kernel
) -> tuple[dict[str, str], memoryview]:
    """Check and filter one tile; return the headers, digest included, and bytes of its answer.

    Parameters
    ----------
    question : Question
    claimed : str
        Digest that the request announced.
    job : Job
    body : ndarray of uint8
        Bytes of the block.
    kernel : Kernel

    Raises
    ------
    RefusedError
        If the body does not have that digest.
    """
    digest = question.digest(body.data)
    if digest != claimed:
        raise RefusedError(Kind.DIGEST, f"{DIGEST}: send the tile again")
    block = np.ndarray(question.shape, question.dtype, body.data)
    out = np.empty(question.crop.shape, job.target)
    apply(job.program, block, question.crop.slices, out, kernel)
    answer = Answer.to(question, digest, job.target)
    data = raw(out)
    return {**answer.fields(), DIGEST: answer.digest(data)}, data


def raw(array: Array) -> memoryview:
    """Return the bytes of a C-contiguous array without a copy."""
    return array.reshape(-1).view(np.uint8).data
