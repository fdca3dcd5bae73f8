"""Pairing over HTTP: the only endpoint that serves who has no token, while a code is shown."""

from __future__ import annotations

import time

from aiohttp import web

from tiling.protocol.pairing import MAX_REQUEST
from worker.errors import Kind, RefusedError
from worker.http.bodies import body_length, check_type, read_body
from worker.state import SERVICE


async def post_pair(request: web.Request) -> web.Response:
    """Answer a request of `tiling.protocol.pairing`; the body is read while a code is valid."""
    service = request.app[SERVICE]
    if service.pairing is None:
        raise RefusedError(Kind.NOT_PAIRING, "start this worker with --pair to pair it")
    service.pairing.check(time.monotonic())
    check_type(request, "application/json")
    body = bytearray(body_length(request, MAX_REQUEST))
    await read_body(request, memoryview(body), service.settings)
    answer = service.pairing.answer(bytes(body), request.remote or "", time.monotonic())
    return web.json_response(answer)
