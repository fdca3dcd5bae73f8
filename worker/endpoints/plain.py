"""The plain API: a `.npy` file in, the filtered `.npy` file out, for any HTTP client.

``POST /`` filters the file of a form with `gaussian_filter`; ``POST /v1/filters/NAME`` filters the
file that is the body with any filter of the table. The query has SciPy's parameters.
"""

from __future__ import annotations

import io
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

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
from tiling.filters import FILTERS, Exactness
from tiling.geometry.box import Box
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.kernels import Kernel
from tiling.kernels.apply import apply
from tiling.protocol.npy import MAX_HEADER, NpyHeader, header_length, parse_header
from worker.endpoints.query import parse_query
from worker.endpoints.tiles import raw
from worker.errors import Kind, RefusedError
from worker.http.bodies import body_length, check_encoding, deadline, fill, send, send_continue
from worker.runtime.limits import check_volume, check_work
from worker.runtime.pool import Request
from worker.state import SERVICE, Service

FIELD = "array"
"""Name of the form's field that holds the file."""

FORM_WARNINGS = (BadContentDispositionHeader, BadContentDispositionParam)
"""Warnings that the command turns into errors: each new text of one would stay in memory."""

FORM_ERRORS = (AssertionError, ValueError, RuntimeError, HttpProcessingError, *FORM_WARNINGS)
"""Errors that aiohttp raises for a malformed form."""

READ_BYTES = 256 * 2**10
"""Bytes of a file read at a time."""

Read: TypeAlias = Callable[[], Awaitable[bytes]]
"""Reads the next bytes of a file; none at its end."""


async def post_form(request: web.Request) -> web.StreamResponse:
    """Filter the file of a form with `gaussian_filter`; sigma is 0.5 unless given.

    Raises
    ------
    RefusedError
        If the query, the body or the work is refused.
    """
    service = request.app[SERVICE]
    defaults = {"sigma": 0.5}
    parameters = parse_query(request.query, "gaussian_filter", defaults, service.settings)
    limit = service.settings.tile_bytes
    if (request.content_length or limit) > limit + READ_BYTES:
        raise RefusedError(Kind.TOO_LARGE, f"at most {limit} bytes are read")
    length = request.content_length or limit
    return await _filter(request, "gaussian_filter", parameters, length, _form_file)


async def post_filter(request: web.Request) -> web.StreamResponse:
    """Filter the file that is the body with the filter that the path names.

    Raises
    ------
    RefusedError
        If there is no such filter, or the query, the body or the work is refused.
    """
    service = request.app[SERVICE]
    name = request.match_info["name"]
    if name not in FILTERS:
        raise RefusedError(Kind.NOT_FOUND, f"{name[:80]} is no filter")
    if FILTERS[name].exactness is Exactness.REFUSED:
        raise RefusedError(Kind.UNSUPPORTED, f"{name}: {FILTERS[name].note}")
    parameters = parse_query(request.query, name, {}, service.settings)
    length = body_length(request, service.settings.tile_bytes + MAX_HEADER)
    return await _filter(request, name, parameters, length, _body_file)


async def _filter(
    request: web.Request,
    name: str,
    parameters: Mapping[str, Any],
    length: int,
    open_file: Callable[[web.Request], Awaitable[Read | None]],
) -> web.StreamResponse:
    """Read a file from a body of at most `length` bytes, filter it and answer."""
    service = request.app[SERVICE]
    check_encoding(request.headers)
    with service.pool.admit(Request(client=request.remote or "")) as slot:
        async with deadline(service.settings.transfer_s(length)):
            await send_continue(request)
            read = await open_file(request)
            if read is None:
                return _no_file()
            header, start = await _read_header(read)
            if header.data_bytes > length:
                is_too_large = header.data_bytes > service.settings.tile_bytes
                kind = Kind.TOO_LARGE if is_too_large else Kind.TRUNCATED
                detail = f"{header.data_bytes} bytes of data in a body of {length}"
                raise RefusedError(kind, detail)
            work = await service.control_pool.run(
                partial(computation_of, service, header, name, parameters)
            )
            slot.reserve(work.memory_bytes)
            data = np.empty(header.data_bytes, np.uint8)
            await fill(data.data, _chunks(start[header.offset :], read))
        service.metrics.received_bytes.inc(len(data))
        with service.metrics.seconds.time():
            pieces = await slot.run(partial(work.answer, data, service.kernel))
        return await send(request, service, "compute", {}, *pieces)


async def _body_file(request: web.Request) -> Read:
    return partial(request.content.read, READ_BYTES)


async def _form_file(request: web.Request) -> Read | None:
    """Return the reader of the form's file, or None without one; fields before it are dropped."""
    if request.content_type != "multipart/form-data" or not request.can_read_body:
        return None
    with _form_errors():
        part = await _find_part(await request.multipart())
    if part is None:
        return None
    check_encoding(part.headers)

    async def read() -> bytes:
        with _form_errors():
            return await part.read_chunk(READ_BYTES)

    return read


async def _find_part(form: MultipartReader) -> BodyPartReader | None:
    while (part := await form.next()) is not None:
        if isinstance(part, MultipartReader):
            raise RefusedError(Kind.MALFORMED, "a form within a form")
        if part.name == FIELD:
            return part
    return None


@contextmanager
def _form_errors() -> Iterator[None]:
    """Translate aiohttp's errors of a malformed form."""
    try:
        yield
    except FORM_ERRORS as error:
        raise RefusedError(Kind.MALFORMED, f"multipart/form-data: {error}") from None


def _no_file() -> web.Response:
    """Answer a form without a file, in words that clients of this API test for."""
    return web.Response(
        status=500,
        text="No File received",
        headers={"Input-Error": "No input file received"},
    )


async def _read_header(read: Read) -> tuple[NpyHeader, bytes]:
    """Read the start of a `.npy` file; return its header, and all bytes that were read."""
    start = b""
    while len(start) < MAX_HEADER and (chunk := await read()):
        start += chunk
    return parse_header(start[: header_length(start)]), start


async def _chunks(first: bytes, read: Read) -> AsyncIterator[bytes]:
    yield first
    while chunk := await read():
        yield chunk


@dataclass(frozen=True, slots=True)
class Computation:
    """The job of a file, and the dtype of the answer's file in its own byte order."""

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


def computation_of(
    service: Service, header: NpyHeader, name: str, parameters: Mapping[str, Any]
) -> Computation:
    """Return the work of a filter on a file, checked against the worker's limits.

    Parameters
    ----------
    service : Service
    header : NpyHeader
    name : str
        Of the filter.
    parameters : mapping
        As `parse_query` returns them.

    Raises
    ------
    TilingError
        If the filter refuses the parameters.
    RefusedError
        If a parameter is missing, or it is too much work.
    """
    ndim = len(header.shape)
    try:
        job = Job(ndim, (FILTERS[name].call(ndim, header.dtype, **parameters),))
    except TilingError:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:  # a parameter is missing or no array
        raise RefusedError(Kind.MALFORMED, f"{name}: {error}") from None
    job.program.check_shape(header.shape)
    check_volume(job, header.shape, service.settings.tile_bytes)
    check_work(job, header.shape, service.settings.tile_work)
    output = output_dtype(parameters.get("output"), header.dtype)
    return Computation(
        header, job, output if output.newbyteorder("=") == job.target else job.target
    )


def _npy_header(array: Array) -> memoryview:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
    return file.getbuffer()
