"""`POST /v1/filters/NAME` with random parameters of every row: no answer is the worker's fault."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
from random import Random

import aiohttp
import numpy as np
import pytest

from tests.support.equality import assert_same_bits
from tests.support.worker_in_process import OCTETS, in_loop, serve
from tiling.filters import FILTERS
from worker.endpoints.query import PARSERS
from worker.settings import Settings

SETTINGS = Settings(threads=1, tile_work=10**8)
"""Less work than a worker takes, so that no request takes long."""

DTYPES = ("?", "i1", "<i2", ">i4", "i8", "u1", "u8", ">f4", "f8", "c8", "c16", "f2", "S3", "M8[s]")
SHAPES = ((), (0,), (1,), (7,), (5, 6), (1, 9), (3, 0), (4, 3, 2), (2, 2, 2, 2))
INTEGERS = ("0", "1", "2", "3", "5", "-1", "-2", "7", "1000", "10000000", "-3000000000")
NUMBERS = ("0.5", "1.5", "-0.5", "0", "1e-320", "1e308", "-1e308", "nan", "inf", "-inf", "1e-9")
HOSTILE = (
    *("", "none", "None", "null", "true", "x", ",", "1,", ",1", "1,,2", " 1", "0x10", "1_0", "--1"),
    *("٣", "²", "9" * 19, "9" * 400, "-" + "9" * 400, str(2**63), str(2**63 - 1), str(-(2**63))),
    *(
        "1e400",
        "1j",
        "nanj",
        "inf+nanj",
        "{}",
        "[]",
        "[[]]",
        "[[],[]]",
        '["a"]',
        "[null]",
        "[1,[2]]",
    ),
    *("[NaN]", "[Infinity,1]", "[1e400]", f"[{2**62},{2**62}]", "[" * 5000, "[0]", "[[0,0],[0,0]]"),
    *(
        "[true,false]",
        "[[[[1]]]]",
        "[1,1]",
        "[[1,1,1]]",
        "float32",
        ">i2",
        "O",
        "S1",
        "f2",
        "c8",
        "V8",
    ),
)
MODES = (
    "reflect",
    "mirror",
    "nearest",
    "constant",
    "wrap",
    "grid-wrap",
    "grid-constant",
    "Reflect",
)


def text_of(dice: Random, key: str, ndim: int, *, wild: bool) -> str:
    """Return a value for a parameter, one of its own kind unless it is a wild one."""
    if wild and dice.randrange(4) == 0:
        return dice.choice(HOSTILE)
    if key in ("footprint", "structure", "weights"):
        axes = dice.randint(1, 4) if wild else 1 if key == "weights" else ndim
        shape = [dice.randint(0 if wild else 1, 4) for _ in range(axes)]
        array = np.array([dice.choice((0, 1, 2, -1.5)) for _ in range(int(np.prod(shape)))])
        return json.dumps(array.reshape(shape).tolist())
    if key == "output":
        return dice.choice(DTYPES if wild else DTYPES[5:9])
    if wild:
        words = MODES if key == "mode" else (*INTEGERS, *NUMBERS, "none")
        return ",".join(dice.choice(words) for _ in range(dice.randint(1, 4)))
    if key == "mode":
        return dice.choice(MODES[:5])
    return str(dice.randint(1, 3) if key in ("size", "sigma", "iterations") else 0)


def request_of(dice: Random) -> tuple[str, dict[str, str], bytes]:
    """Return the path, the query and the body of a request."""
    name = dice.choice(list(FILTERS))
    keys = [key for key in FILTERS[name].defaults if key in PARSERS]
    required = {"sigma", "size", "weights", "rank", "percentile", "axis"}
    chosen = [key for key in keys if dice.random() < (0.8 if key in required else 0.3)]
    wild, shape = dice.random() < 0.7, dice.choice(SHAPES)
    dtype = np.dtype(dice.choice(DTYPES if wild else DTYPES[:9]))
    query = {key: text_of(dice, key, len(shape), wild=wild) for key in chosen}
    data = dice.randbytes(int(np.prod(shape)) * dtype.itemsize)
    file = io.BytesIO()
    np.save(file, np.frombuffer(data, dtype).reshape(shape) if data else np.zeros(shape, dtype))
    return f"/v1/filters/{name}", query, file.getvalue()


async def send(client: aiohttp.ClientSession, dice: Random) -> int:
    """Send a random request, and return the status of its answer, which is no 5xx."""
    path, query, body = request_of(dice)
    async with client.post(path, params=query, data=body, headers=OCTETS) as response:
        answer = await response.read()
        assert response.status < 500, (path, query, body[:128], answer)
        return response.status


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")  # SciPy's, of its copies
@in_loop
async def test_random_parameters_never_break_a_worker(caplog: pytest.LogCaptureFixture) -> None:
    """No 5xx, nothing in the log, and many are answered; TILEFAN_FUZZ sets how many are tried."""
    count = int(os.environ.get("TILEFAN_FUZZ", "3000"))
    statuses: dict[int, int] = {}
    with caplog.at_level(logging.WARNING):
        async with serve(SETTINGS) as (service, client):
            for seed in range(count):
                status = await send(client, Random(seed))
                statuses[status] = statuses.get(status, 0) + 1
            assert service.pool.in_flight == 0
        gc.collect()  # an exception that is not retrieved is logged when its task is freed
    assert caplog.text == ""
    assert statuses[200] > count // 20
    assert set(statuses) <= {200, 400, 422}


@in_loop
async def test_a_copy_that_overflows_does_not_warn() -> None:
    """As any other filter: float64 to float32 is inf, and the worker's stderr stays its log."""
    file = io.BytesIO()
    np.save(file, np.full((3, 4), 1e308))
    query = {"sigma": "0", "output": "float32"}
    async with serve(SETTINGS) as (_, client):
        path = "/v1/filters/gaussian_filter"
        async with client.post(path, params=query, data=file.getvalue(), headers=OCTETS) as answer:
            body = await answer.read()
            assert answer.status == 200, body
    assert_same_bits(np.load(io.BytesIO(body)), np.full((3, 4), np.inf, "f4"))


def test_all_parsers_are_tried() -> None:
    """Each parameter of the query is one of a row's."""
    keys: set[str] = {key for row in FILTERS.values() for key in row.defaults}
    assert set(PARSERS) <= keys
