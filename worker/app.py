"""The worker as an aiohttp application: routes, middlewares and signals."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from aiohttp import web

from tiling.protocol.pairing import PATH
from tiling.protocol.places import PATH as PLACES
from worker.endpoints import attest, health, pair, plain, references, tiles
from worker.http.bodies import defer_continue
from worker.middleware import answer_errors, check_access
from worker.state import SERVICE, Service

SERVER = "tilefan"
"""``Server`` of all answers: no version, and no library's."""

ROUTES = (
    ("GET", "/v1/health", health.get_health),
    ("GET", "/metrics", health.get_metrics),
    ("POST", "/v1/attest", attest.post_attest),
    ("POST", PATH, pair.post_pair),
    ("POST", "/v1/jobs", tiles.post_job),
    ("POST", PLACES, references.post_place),
    ("POST", "/v1/tiles", references.post_tile),
    ("POST", "/v1/filters/{name}", plain.post_filter),
    ("POST", "/", plain.post_form),
)


def make_app(service: Service) -> web.Application:
    """Return the application of one worker."""
    app = web.Application(middlewares=[answer_errors, check_access])
    app[SERVICE] = service
    app[attest.PROBE_DIGESTS] = attest.ProbeDigests(service.kernel)
    health.add_gauges(service)
    for method, path, handler in ROUTES:
        app.router.add_route(method, path, handler, expect_handler=defer_continue)
    app.on_response_prepare.append(RequestLimit(service.settings.requests).count)
    return app


class RequestLimit:
    """A limit of requests for each connection: the answer to the last one closes it.

    Parameters
    ----------
    requests : int
    """

    def __init__(self, requests: int) -> None:
        self._requests = requests
        self._answered: WeakKeyDictionary[object, int] = WeakKeyDictionary()

    async def count(self, request: web.Request, response: web.StreamResponse) -> None:
        """Count an answer before its headers are sent; let the last one close the connection."""
        response.headers["Server"] = SERVER
        if request.transport is None:
            return
        answered = self._answered.get(request.transport, 0) + 1
        self._answered[request.transport] = answered
        if answered >= self._requests:
            response.force_close()
            response.headers["Connection"] = "close"
