"""The plain compute API: a `.npy` file in, the filtered `.npy` file out, for any HTTP client."""

from __future__ import annotations

import io
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from aiohttp import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    BodyPartReader,
    MultipartReader,
    web,
)
from aiohttp.http_exceptions import HttpProcessingError

from tiling.dtypes import Array, Dtype, output_dtype
from tiling.errors import TilingError
from tiling.filters import FILTERS
from tiling.geometry.box import Box
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.kernels import Kernel
from tiling.kernels.apply import apply
from tiling.protocol.npy import MAX_HEADER, NpyHeader, header_length, parse_header
from worker.endpoints.tiles import raw
from worker.errors import Kind, RefusedError
from worker.http.bodies import check_encoding, deadline, fill, proceed, send
from worker.runtime.limits import check_volume, check_work
from worker.settings import Settings
from worker.state import SERVICE, Service

FIELD = "array"
"""Name of the multipart field that holds the file."""

SLOPPY = (BadContentDispositionHeader, BadContentDispositionParam)
"""Warnings that the command turns into errors: each new text of one would stay in memory."""

FORM_ERRORS = (AssertionError, ValueError, RuntimeError, HttpProcessingError, *SLOPPY)
"""What aiohttp raises for a form that is none."""

READ_BYTES = 256 * 2**10
"""Bytes read from a part at a time."""


def _each(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Parse one value, or one per axis: ``2`` or ``2,2,0``."""
    return lambda text: [parse(word) for word in text.split(",")] if "," in text else parse(text)


def _radius(text: str) -> int | None:
    return None if text == "none" else int(text)


def number(text: str) -> complex:
    """Parse a number that may be complex."""
    value = complex(text)
    return value if value.imag else value.real


PARAMETERS: Mapping[str, Callable[[str], Any]] = {
    "sigma": _each(float),
    "order": _each(int),
    "mode": _each(str),
    "cval": number,
    "truncate": float,
    "radius": _each(_radius),
    "axes": _each(int),
    "output": str,
}
"""The query's parameters: SciPy's, with SciPy's defaults but for sigma, which is 0.5."""


async def post_array(request: web.Request) -> web.StreamResponse:
    """Filter the `.npy` file of a form."""
    service = request.app[SERVICE]
    parameters = parse_query(request)
    check_taps(parameters, service.settings)
    check_encoding(request.headers)
    limit = request.content_length or service.settings.tile_bytes
    if limit > service.settings.tile_bytes + READ_BYTES:
        raise RefusedError(Kind.TOO_LARGE, f"at most {service.settings.tile_bytes} bytes are read")
    with service.pool.admit() as slot:
        async with deadline(service.settings.transfer_s(limit)):
            await proceed(request)
            with _malformed():
                file = await _file(request)
                if file is None:
                    return _no_file()
                header, start = await _header(file, limit)
                work = await service.clerk.do(
                    partial(work_of, service, header, "gaussian_filter", parameters)
                )
                slot.reserve(work.memory_bytes)
                data = np.empty(header.data_bytes, np.uint8)
                await fill(data.data, _chunks(start[header.offset :], file))
        service.metrics.received_bytes.inc(len(data))
        with service.metrics.seconds.time():
            pieces = await slot.run(partial(work.answer, data, service.kernel))
        return await send(request, service, "compute", {}, *pieces)


def parse_query(request: web.Request) -> dict[str, Any]:
    """Read the query into the parameters of `scipy.ndimage.gaussian_filter`."""
    parameters: dict[str, Any] = {"sigma": 0.5}
    for name, text in request.query.items():
        if name not in PARAMETERS or len(request.query.getall(name)) > 1:
            known = ", ".join(PARAMETERS)
            raise RefusedError(Kind.MALFORMED, f"{name[:40]}: once each of {known}, nothing else")
        try:
            parameters[name] = PARAMETERS[name](text)
        except (ValueError, OverflowError):
            raise RefusedError(
                Kind.MALFORMED, f"{name}: {text[:80]!r} is no such parameter"
            ) from None
    return parameters


def check_taps(parameters: Mapping[str, Any], settings: Settings) -> None:
    """Refuse taps that would take long to work out, before they are.

    An estimate from the largest of each parameter; what is no number at all is refused later.
    """
    order = _largest(parameters.get("order"))
    if order > settings.max_order:
        raise RefusedError(Kind.TOO_COSTLY, f"order: at most {settings.max_order}")
    reach = max(
        _largest(parameters.get("radius")),
        _largest(parameters["sigma"]) * parameters.get("truncate", 4.0),
    )
    if (2 * reach + 1) * (order + 1) > settings.tap_terms:
        raise RefusedError(
            Kind.TOO_COSTLY, f"taps {reach!s:.40} samples wide at order {order}: ask for fewer"
        )


def _largest(value: Any) -> Any:
    """Return the largest number of a parameter; 0 where there is none."""
    values = value if isinstance(value, list) else [value]
    return max((number for number in values if number is not None), default=0)


def _no_file() -> web.Response:
    """Answer a form without a file, in words that clients of this API test for."""
    return web.Response(
        status=500,
        text="No File received",
        headers={"Input-Error": "No input file received"},
    )


@contextmanager
def _malformed() -> Iterator[None]:
    """Translate what aiohttp raises for a form that is none."""
    try:
        yield
    except TilingError:
        raise
    except FORM_ERRORS as error:
        raise RefusedError(Kind.MALFORMED, f"multipart/form-data: {error}") from None


async def _file(request: web.Request) -> BodyPartReader | None:
    """Return the part that holds the file; parts before it are dropped."""
    if request.content_type != "multipart/form-data" or not request.can_read_body:
        return None
    form = await request.multipart()
    while (part := await form.next()) is not None:
        if isinstance(part, MultipartReader):
            raise RefusedError(Kind.MALFORMED, "a form within a form")
        if part.name == FIELD:
            return part
    return None


async def _header(file: BodyPartReader, limit: int) -> tuple[NpyHeader, bytes]:
    """Read the start of a `.npy` file; return its header, and all that was read."""
    check_encoding(file.headers)
    start = b""
    while len(start) < MAX_HEADER and (chunk := await file.read_chunk(READ_BYTES)):
        start += chunk
    header = parse_header(start[: header_length(start)])
    if header.data_bytes > limit:
        raise RefusedError(Kind.TOO_LARGE, f"{header.data_bytes} bytes of data: at most {limit}")
    return header, start


async def _chunks(first: bytes, file: BodyPartReader) -> AsyncIterator[bytes]:
    yield first
    while chunk := await file.read_chunk(READ_BYTES):
        yield chunk


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done to the data that a header announces."""

    header: NpyHeader
    job: Job
    output: Dtype

    @property
    def memory_bytes(self) -> int:
        """The most memory that it takes: a tile's, and copies where the byte order is swapped."""
        job, shape = self.job, self.header.shape
        swapped = (self.header.dtype, job.source), (self.output, job.target)
        copies = sum(a.itemsize * math.prod(shape) for a, b in swapped if a != b)
        return tile_bytes(job, shape, shape) + copies

    def answer(self, data: Array, kernel: Kernel) -> tuple[memoryview, memoryview]:
        """Filter the data; return the header and the data of the answer's file."""
        block = self.header.array(data.data).astype(self.job.source, copy=False)
        out = np.empty(block.shape, self.job.target)
        apply(self.job.program, block, Box.whole(block.shape).slices, out, kernel)
        out = out.astype(self.output, copy=False)
        return _npy_header(out), raw(out)


def work_of(service: Service, header: NpyHeader, name: str, parameters: Mapping[str, Any]) -> Work:
    """Return what a filter of the table has to do, once it is sure that it can be done."""
    ndim = len(header.shape)
    try:
        job = Job(ndim, (FILTERS[name].call(ndim, header.dtype, **parameters),))
    except TilingError:
        raise
    except (TypeError, ValueError, OverflowError) as error:  # a parameter is missing, or no array
        raise RefusedError(Kind.MALFORMED, f"{name}: {error}") from None
    job.program.check_shape(header.shape)
    check_volume(job, header.shape, service.settings.tile_bytes)
    check_work(job, header.shape, service.settings.tile_work)
    asked = output_dtype(parameters.get("output"), header.dtype)
    return Work(header, job, asked if asked.newbyteorder("=") == job.target else job.target)


def _npy_header(array: Array) -> memoryview:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
    return file.getbuffer()
