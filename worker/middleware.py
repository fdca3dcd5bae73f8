"""Middlewares: access control, and errors turned into problem documents (RFC 9457)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from places.errors import RefusedPlaceError
from tiling.errors import TilingError, WireError
from tiling.protocol.npy import NpyError
from worker.endpoints.health import get_metrics
from worker.endpoints.pair import post_pair
from worker.errors import MAX_DETAIL, Kind, RefusedError
from worker.log import ROOT, Event
from worker.state import SERVICE

LOG = logging.getLogger(f"{ROOT}.requests")

STATUSES = {404: Kind.NOT_FOUND, 405: Kind.METHOD, 413: Kind.TOO_LARGE}
"""Kinds of the errors that aiohttp itself raises, by HTTP status."""

ACCESS = {Kind.ORIGIN, Kind.HOST, Kind.UNAUTHORIZED, Kind.THROTTLED}
"""Kinds of requests without the right to be served."""


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer an error with a problem document: 4xx for the client's, 5xx for the worker's."""
    try:
        return await handler(request)
    except ConnectionError:
        raise  # the peer is gone
    except Exception as error:
        refusal = _refusal(request, error)
        request.app[SERVICE].metrics.refused.labels(refusal.kind.type).inc()
        _log(request, refusal)
        return _problem(request, refusal)


@web.middleware
async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests without the right to be served, before their body is read.

    Raises
    ------
    ConnectionResetError
        If the client is gone.
    """
    if request.transport is None:
        raise ConnectionResetError
    local = request.transport.get_extra_info("sockname")[0]
    service, address, now = request.app[SERVICE], request.remote or "", time.monotonic()
    if request.match_info.handler is post_pair and service.pairing is not None:
        service.guard.check_browser(request.headers, local)
    else:
        service.guard.check(request.headers, local, address, now)
        if request.match_info.handler is not get_metrics:
            service.asked(now)
    service.clients.connected(address, now)
    return await handler(request)


def _log(request: web.Request, refusal: RefusedError) -> None:
    clients, address, now = request.app[SERVICE].clients, request.remote or "", time.monotonic()
    if refusal.kind in ACCESS:
        clients.write("access refused", address, now, reason=refusal.kind.name.lower())
    elif refusal.kind is Kind.SLOW:
        clients.write("body abandoned", address, now, reason=refusal.detail)
    elif LOG.isEnabledFor(logging.DEBUG):
        path = request.path[:MAX_DETAIL]
        LOG.debug(Event("refused", address=address, path=path, reason=refusal.detail))


def _refusal(request: web.Request, error: Exception) -> RefusedError:
    match error:
        case RefusedError():
            return error
        case RefusedPlaceError():
            return RefusedError(Kind.of(error.type), error.detail)
        case WireError() | NpyError():
            return RefusedError(Kind.MALFORMED, str(error))
        case TilingError():
            return RefusedError(Kind.UNSUPPORTED, str(error))
        case web.HTTPException():
            return _http_refusal(request, error)
        case web.RequestPayloadError():
            return RefusedError(Kind.MALFORMED, "the body is not framed as HTTP/1.1 has it")
        case MemoryError():
            return RefusedError(Kind.MEMORY, "not enough memory: send smaller tiles")
        case _:
            path = request.path[:MAX_DETAIL]
            LOG.error(Event("request failed", method=request.method, path=path), exc_info=error)
            return RefusedError(Kind.INTERNAL, "see the worker's log")


def _http_refusal(request: web.Request, error: web.HTTPException) -> RefusedError:
    kind = STATUSES.get(error.status, Kind.OTHER)
    allow: Mapping[str, str] = {k: v for k, v in error.headers.items() if k == "Allow"}
    return RefusedError(kind, f"{request.method} {request.path}: {error.reason}", allow)


def _problem(request: web.Request, refusal: RefusedError) -> web.Response:
    kind = refusal.kind
    document = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": refusal.detail[:MAX_DETAIL],
    }
    response = web.Response(
        status=kind.status,
        body=json.dumps(document).encode("ascii"),
        content_type="application/problem+json",
        headers=refusal.headers,
    )
    if "Expect" in request.headers or kind in (Kind.SLOW, Kind.TRUNCATED):
        response.force_close()  # the start of the next request is unknown
    return response
