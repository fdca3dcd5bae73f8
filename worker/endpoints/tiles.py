"""Jobs and tiles: the requests of coordinators."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from aiohttp import web

from tiling.dtypes import Array
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.kernels import Kernel
from tiling.kernels.apply import apply
from tiling.protocol.forms import Form, codecs, encode, parse_accepted
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What the headers of a tile's request say, checked.

    Parameters
    ----------
    question : Question
    claimed : str
        Digest of the question and the block.
    form : Form
        In which the block comes.
    accepted : tuple of str
        Codecs that the answer may have.
    """

    question: Question
    claimed: str
    form: Form
    accepted: tuple[str, ...]

    def form_bytes(self, length: int, job: Job) -> int:
        """Return the memory that the forms of a body of this length, and of its answer, take."""
        answer = math.prod(self.question.crop.shape) * job.target.itemsize if self.accepted else 0
        return answer + self.form.beside_bytes(length, math.prod(self.question.shape))


async def post_tile(request: web.Request) -> web.StreamResponse:
    """Filter one tile; all checks but that of the digest come before its body is read."""
    service = request.app[SERVICE]
    check_type(request, BODY_TYPE)
    question, claimed = Question.parse(request.headers)
    asking = Request(parse_run(request.headers), request.remote or "", question.tile)
    job = service.jobs.get(question.job)
    check_block(question, job)
    form = Form.parse(request.headers, question.dtype, codecs())
    asked = Asked(question, claimed, form, parse_accepted(request.headers))
    length = body_length(request, service.settings.tile_bytes)
    form.check_length(length, math.prod(question.shape))
    check_volume(job, question.shape, service.settings.tile_bytes)
    check_work(job, question.shape, service.settings.tile_work)
    with service.pool.admit(asking) as slot:
        slot.reserve(
            tile_bytes(job, question.shape, question.crop.shape) + asked.form_bytes(length, job)
        )
        body = np.empty(length, np.uint8)
        await read_body(request, body.data, service.settings)
        service.metrics.received_bytes.inc(len(body))
        began_s = time.monotonic()
        compute = partial(timed, began_s, partial(answer_tile, asked, job, body, service.kernel))
        try:
            with service.metrics.seconds.time():
                headers, answer = await slot.run(compute)
        except asyncio.CancelledError:  # the client is gone
            log_tile("tile abandoned", request, question, began_s)
            raise
        if time.monotonic() - began_s > service.settings.slow_tile_s:
            log_tile("slow tile", request, question, began_s)
        return await send(request, service, "tile", headers, answer)


def log_tile(event: str, request: web.Request, question: Question, began_s: float) -> None:
    """Log what became of a tile."""
    now = time.monotonic()
    request.app[SERVICE].clients.write(
        event,
        request.remote or "",
        now,
        job=question.job,
        tile=question.tile,
        seconds=round(now - began_s, 3),
    )


def check_block(question: Question, job: Job) -> None:
    """Refuse a block that is not the job's.

    Parameters
    ----------
    question : Question
    job : Job

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


def timed(
    submitted_s: float, answer: Callable[[], tuple[dict[str, str], memoryview]]
) -> tuple[dict[str, str], memoryview]:
    """Answer a tile; add the seconds that it waited since `submitted_s` and was computed."""
    began_s = time.monotonic()
    headers, data = answer()
    spent = Spent(began_s - submitted_s, time.monotonic() - began_s)
    return {**headers, **spent.fields()}, data


def answer_tile(
    asked: Asked, job: Job, body: Array, kernel: Kernel
) -> tuple[dict[str, str], memoryview]:
    """Check and filter one tile; return the headers, digest included, and body of its answer.

    Parameters
    ----------
    asked : Asked
    job : Job
    body : ndarray of uint8
        As it was received.
    kernel : Kernel

    Raises
    ------
    RefusedError
        If the block does not have the digest that was announced.
    WireError
        If the body can't be unpacked.
    """
    question = asked.question
    samples = _samples(asked, body)
    digest = question.digest(raw(samples))
    if digest != asked.claimed:
        raise RefusedError(Kind.DIGEST, f"{DIGEST}: send the tile again")
    block = samples.reshape(question.shape)
    out = np.empty(question.crop.shape, job.target)
    apply(job.program, block, question.crop.slices, out, kernel)
    answer = Answer.to(question, digest, job.target)
    form, data = encode(out.reshape(-1), asked.accepted)
    return {**answer.fields(), **form.fields(), DIGEST: answer.digest(raw(out))}, data


def _samples(asked: Asked, body: Array) -> Array:
    dtype = asked.question.dtype
    if not asked.form.parts:
        return body.view(dtype)
    samples = np.empty(math.prod(asked.question.shape), dtype)
    asked.form.decode(body.data, samples)
    return samples


def raw(array: Array) -> memoryview:
    """Return the bytes of a C-contiguous array without a copy."""
    return array.reshape(-1).view(np.uint8).data
