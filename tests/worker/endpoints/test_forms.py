"""Tiles that travel in other forms: the bits of SciPy, and a refusal for what is no form."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import numpy as np
import pytest
from scipy import ndimage

from tests.support.equality import assert_same_bits
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
from tiling.dtypes import Array
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.protocol.forms import ACCEPT, CODEC, CODECS, Form, codecs, encode
from tiling.protocol.packing import packers
from tiling.protocol.wire import Answer
from worker.settings import Settings

packs = pytest.mark.skipif(not packers(), reason="numcodecs is not installed")

PICTURE = (np.arange(300 * 400) // 7 % 200).astype("<i4").reshape(300, 400)
JOB = gaussian_job(PICTURE, 1.0)
WANT = ndimage.gaussian_filter(PICTURE, 1.0)
HEADERS = signed(ask(JOB, PICTURE), PICTURE.tobytes())
SMALL = PICTURE.astype("u1").tobytes()


def post(client: aiohttp.ClientSession, body: bytes, **changes: str) -> Any:
    names = {"codec": CODEC, "accept": ACCEPT}
    headers = HEADERS | {names[name]: value for name, value in changes.items()}
    return client.post("/v1/tiles", data=body, headers=headers)


async def answer(client: aiohttp.ClientSession, job: Job, block: Array, accepted: str) -> Array:
    """Send a block in a form of what is accepted, and decode and check the answer."""
    form, body = encode(block.reshape(-1), accepted.split(","))
    question = ask(job, block)
    headers = {**signed(question, block.tobytes()), **form.fields(), ACCEPT: accepted}
    async with client.post("/v1/tiles", data=bytes(body), headers=headers) as response:
        data = await response.read()
        assert response.status == 200, data
    wanted = Answer.to(question, question.digest(block.tobytes()), job.target)
    back = Form.parse(response.headers, job.target, accepted.split(","))
    samples = np.empty(block.size, job.target)
    back.check_length(len(data), block.size)
    back.decode(memoryview(data), samples)
    wanted.check(response.headers, samples.view("u1").data)
    assert back.parts == form.parts
    return samples.reshape(block.shape)


@pytest.mark.parametrize("accepted", ["narrow", *("zstd", "narrow,lz4") * bool(packers())])
@in_loop
async def test_scipys_bits_in_every_form(accepted: str) -> None:
    """There in that form, and back in the same one."""
    async with serve() as (_, client):
        await register(client, JOB)
        assert_same_bits(await answer(client, JOB, PICTURE, accepted), WANT)


@in_loop
async def test_what_is_announced() -> None:
    """Health tells what is taken; a question that accepts nothing is answered plainly."""
    async with serve() as (_, client):
        async with client.get("/v1/health") as response:
            assert (await response.json())["codecs"] == list(codecs())
        await register(client, JOB)
        async with post(client, SMALL, codec="narrow-u1") as response:
            assert CODEC not in response.headers
            assert await response.read() == WANT.tobytes()


WRONG = [
    ("narrow-u1", SMALL[:-1], "malformed"),
    ("narrow-u1", SMALL + b"?", "malformed"),
    ("narrow-u1", PICTURE.tobytes(), "malformed"),
    ("narrow-u2", SMALL, "malformed"),
    ("narrow-i4", PICTURE.tobytes(), "malformed"),
    ("narrow-u8", PICTURE.tobytes(), "malformed"),
    ("narrow-f2", PICTURE.astype("f2").tobytes(), "malformed"),
    ("narrow", SMALL, "malformed"),
    ("gzip", SMALL, "malformed"),
    ("narrow-u1,narrow-u1", SMALL, "malformed"),
    ("lz4", PICTURE.tobytes(), "malformed"),
    ("narrow-u1+lz4", SMALL, "malformed"),
    ("lz4", SMALL, "malformed"),
    ("zstd", b"short", "malformed"),
    ("narrow-i1", SMALL, "digest"),
    ("narrow-u1", bytes([99]) + SMALL[1:], "digest"),
    ("", SMALL, "malformed"),
]


@in_loop
async def test_wrong_forms_are_the_senders_fault() -> None:
    """Names, lengths, samples of another block: each gets its 400, and the worker goes on."""
    async with serve() as (service, client):
        await register(client, JOB)
        for codec, body, kind in WRONG:
            async with post(client, body, codec=codec) as response:
                assert (codec, *await problem(response)) == (codec, 400, kind)
        assert service.pool.in_flight == 0
        assert service.pool.reserved_bytes == 0
        assert_same_bits(await answer(client, JOB, PICTURE, "narrow"), WANT)


@in_loop
async def test_a_form_that_this_worker_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused by its name, before the body is read."""
    monkeypatch.setattr("worker.endpoints.tiles.codecs", lambda: ("narrow",))
    async with serve() as (_, client):
        await register(client, JOB)
        async with post(client, SMALL, codec="zstd") as response:
            assert await problem(response) == (400, "malformed")


@in_loop
async def test_memory_is_reserved_for_both_forms() -> None:
    """That of the body, and that of what the answer is made into."""
    gate = Gate()
    plain = tile_bytes(JOB, PICTURE.shape, PICTURE.shape)
    for accept, beside in (("", 0), (",".join(CODECS), PICTURE.nbytes)):
        gate.open.clear()
        async with serve(Settings(threads=1), gate) as (service, client):
            await register(client, JOB)
            sent = post(client, SMALL, codec="narrow-u1", accept=accept)
            task = asyncio.ensure_future(sent)
            await until_taken(service, 1)
            assert service.pool.reserved_bytes == plain + len(SMALL) + beside
            gate.open.set()
            async with await task as response:
                assert response.status == 200
