"""Every filter of the table over plain HTTP: ``POST /v1/filters/NAME?size=5``, `.npy` in and out.

The body is the file itself, with its length announced. The query has SciPy's parameters: numbers
(``size=5`` or ``size=5,5,1``), words, and arrays as JSON (``footprint=[[0,1],[1,1]]``).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import numpy as np
from aiohttp import web

from tiling.filters import FILTERS, Exactness
from tiling.protocol.npy import MAX_HEADER, NpyHeader, header_length, parse_header
from worker.endpoints.plain import READ_BYTES, check_taps, number, work_of
from worker.errors import Kind, RefusedError
from worker.http.bodies import body_length, check_encoding, deadline, fill, proceed, send
from worker.settings import Settings
from worker.state import SERVICE

ARRAYS = ("footprint", "structure", "weights")
WORDS = ("mode", "output")


async def post_filter(request: web.Request) -> web.StreamResponse:
    """Filter the `.npy` file that is the body."""
    service = request.app[SERVICE]
    name = _name(request)
    parameters = parse_query(request, name, service.settings)
    check_encoding(request.headers)
    length = body_length(request, service.settings.tile_bytes + MAX_HEADER)
    with service.pool.admit() as slot:
        async with deadline(service.settings.transfer_s(length)):
            await proceed(request)
            header, start = await _header(request, length)
            work = await service.clerk.do(partial(work_of, service, header, name, parameters))
            slot.reserve(work.memory_bytes)
            data = np.empty(header.data_bytes, np.uint8)
            await fill(data.data, _chunks(start[header.offset :], request))
        service.metrics.received_bytes.inc(len(data))
        with service.metrics.seconds.time():
            pieces = await slot.run(partial(work.answer, data, service.kernel))
        return await send(request, service, "compute", {}, *pieces)


def parse_query(request: web.Request, name: str, settings: Settings) -> dict[str, Any]:
    """Read the query into a row's parameters."""
    known = FILTERS[name].defaults
    parameters: dict[str, Any] = {}
    for key, text in request.query.items():
        if key not in known or key in parameters:
            raise RefusedError(
                Kind.MALFORMED, f"{key[:40]}: once each of {', '.join(known)}, nothing else"
            )
        parameters[key] = _value(key, text)
    if "sigma" in parameters:
        check_taps(parameters, settings)
    return parameters


def _name(request: web.Request) -> str:
    name = request.match_info["name"]
    if name not in FILTERS:
        raise RefusedError(Kind.NOT_FOUND, f"{name[:80]} is no filter")
    if FILTERS[name].exactness is Exactness.REFUSED:
        raise RefusedError(Kind.UNSUPPORTED, f"{name}: {FILTERS[name].note}")
    return name


def _value(key: str, text: str) -> Any:
    try:
        if key in ARRAYS:
            return json.loads(text)
        if key == "cval":
            return number(text)
        words: list[Any] = text.split(",")
        values = words if key in WORDS else [_number(word) for word in words]
    except (ValueError, OverflowError, RecursionError):
        raise RefusedError(Kind.MALFORMED, f"{key}: {text[:80]!r} is no such parameter") from None
    return values if len(values) > 1 else values[0]


def _number(word: str) -> int | float | None:
    if word == "none":
        return None
    return int(word) if word.lstrip("+-").isdecimal() else float(word)


async def _header(request: web.Request, length: int) -> tuple[NpyHeader, bytes]:
    """Read the start of the file; return its header, and all that was read."""
    start = b""
    while len(start) < MAX_HEADER and (chunk := await request.content.read(READ_BYTES)):
        start += chunk
    header = parse_header(start[: header_length(start)])
    if header.data_bytes > length:
        raise RefusedError(Kind.TRUNCATED, f"{header.data_bytes} bytes of data in {length}")
    return header, start


async def _chunks(first: bytes, request: web.Request) -> AsyncIterator[bytes]:
    yield first
    async for chunk in request.content.iter_any():
        yield chunk
