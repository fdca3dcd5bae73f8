"""Places, and tiles that name one instead of bringing their block; see `tiling.protocol.places`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from aiohttp import web

from places.offers import Place, Places
from tiling.geometry.box import Box
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.kernels import Kernel
from tiling.kernels.apply import apply
from tiling.kernels.watch import current
from tiling.protocol.forms import encode, parse_accepted
from tiling.protocol.places import MAX_OFFER_BYTES, Offer
from tiling.protocol.references import ASKED, PLACE, SEAL, Reference, seal_of
from tiling.protocol.wire import DIGEST, Answer, Question, parse_run
from worker.endpoints import tiles
from worker.endpoints.tiles import check_block, log_tile, raw, timed
from worker.errors import Kind, RefusedError
from worker.http.bodies import body_length, check_type, read_body, send
from worker.runtime.limits import check_volume, check_work
from worker.runtime.pool import Request
from worker.state import SERVICE, Service


async def post_place(request: web.Request) -> web.Response:
    """Open a place that a coordinator offers, and answer what is seen there."""
    service = request.app[SERVICE]
    check_type(request, "application/json")
    length = body_length(request, MAX_OFFER_BYTES)
    with service.places_pool.admit() as slot:
        slot.reserve(length)
        body = bytearray(length)
        await read_body(request, memoryview(body), service.settings)
        offer = await slot.run(partial(Offer.decode, bytes(body)))
        async with service.looking:
            with service.pool.holding(service.places.looking_bytes(offer)):
                said = await slot.run(partial(service.places.take, bytes(body)))
    return web.json_response(said)


async def post_tile(request: web.Request) -> web.StreamResponse:
    """Filter one tile, whose block comes with it or is in a place."""
    if PLACE not in request.headers:
        return await tiles.post_tile(request)
    service = request.app[SERVICE]
    referred, job = _referred(request, service)
    question = referred.question
    asking = Request(parse_run(request.headers), request.remote or "", question.tile)
    with service.pool.admit(asking) as slot:
        slot.reserve(referred.memory_bytes(job))
        began_s = time.monotonic()
        answering = partial(answer_tile, referred, job, service.kernel, service.places)
        compute = partial(timed, began_s, answering)
        try:
            with service.metrics.seconds.time():
                headers, answer = await slot.run(compute)
        except asyncio.CancelledError:  # the client is gone
            log_tile("tile abandoned", request, question, began_s)
            raise
        if time.monotonic() - began_s > service.settings.slow_tile_s:
            log_tile("slow tile", request, question, began_s)
        return await send(request, service, "tile", headers, answer)


@dataclass(frozen=True, slots=True)
class Referred:
    """A tile by reference, checked.

    Parameters
    ----------
    question : Question
    reference : Reference
    place : Place
    read, write : Box
        Of the array.
    accepted : tuple of str
        Codecs that the answer may have.
    """

    question: Question
    reference: Reference
    place: Place
    read: Box
    write: Box
    accepted: tuple[str, ...]

    def memory_bytes(self, job: Job) -> int:
        """Return the memory that it takes: also of the block as it is read, before it is turned."""
        whole = tile_bytes(job, self.question.shape, self.question.crop.shape)
        return whole + self.question.body_bytes + self.place.beside_bytes


def _referred(request: web.Request, service: Service) -> tuple[Referred, Job]:
    """Check all that the headers of a tile say."""
    if request.content_length or request.headers.get("Transfer-Encoding"):
        raise RefusedError(Kind.MALFORMED, f"{PLACE}: a tile by reference has no body")
    question, claimed = Question.parse(request.headers)
    reference = Reference.parse(request.headers, question, claimed)
    job = service.jobs.get(question.job)
    check_block(question, job)
    place = service.places.get(reference.place)
    stored = place.offer.read
    if stored.numpy_dtype.newbyteorder("=") != job.source.newbyteorder("="):
        raise RefusedError(Kind.MALFORMED, f"a place of {stored.dtype}: the job reads {job.source}")
    if reference.into != "answer":
        output = place.offer.write
        if output is None or output.numpy_dtype.newbyteorder("=") != job.target.newbyteorder("="):
            raise RefusedError(Kind.MALFORMED, f"{PLACE}: has no output of {job.target}")
    read, write = reference.boxes(question, stored.shape)
    check_volume(job, question.shape, service.settings.tile_bytes)
    check_work(job, question.shape, service.settings.tile_work)
    accepted = parse_accepted(request.headers)
    return Referred(question, reference, place, read, write, accepted), job


def answer_tile(
    referred: Referred, job: Job, kernel: Kernel, places: Places
) -> tuple[dict[str, str], memoryview]:
    """Read, filter and perhaps write one tile; return the headers and body of its answer.

    One that is kept is read from the output instead.

    Raises
    ------
    RefusedPlaceError
        If the place can't be read or written any more.
    AbandonedError
        If nobody waits for it: then nothing is written.
    """
    question, into = referred.question, referred.reference.into
    block = places.read(referred.place, referred.read)
    asked = question.digest(raw(block))
    if into == "kept":
        out = places.written(referred.place, referred.write)
    else:
        out = np.empty(question.crop.shape, job.target)
        apply(job.program, block, question.crop.slices, out, kernel)
    answer = Answer.to(question, asked, job.target)
    digest = answer.digest(raw(out))
    headers = {**answer.fields(), ASKED: asked, DIGEST: digest}
    if into == "answer":
        form, data = encode(out.reshape(-1), referred.accepted)
        return {**headers, **form.fields()}, data
    if into == "place":
        if (watch := current()) is not None:
            watch.check()
        places.write(referred.place, referred.write, out)
    return {**headers, SEAL: seal_of(answer, digest)}, memoryview(b"")
