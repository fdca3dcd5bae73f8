"""The worker as an aiohttp application."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from aiohttp import web

from worker.endpoints import attest, filters, health, plain, tiles
from worker.http.bodies import wait_to_be_asked
from worker.middleware import answer_faults, check_access
from worker.state import SERVICE, Service

ROUTES = (
    ("GET", "/v1/health", health.get_health),
    ("GET", "/metrics", health.get_metrics),
    ("POST", "/v1/attest", attest.post_attest),
    ("POST", "/v1/jobs", tiles.post_job),
    ("POST", "/v1/tiles", tiles.post_tile),
    ("POST", "/v1/filters/{name}", filters.post_filter),
    ("POST", "/", plain.post_array),
)


def make_app(service: Service) -> web.Application:
    """Return the application of one worker."""
    app = web.Application(middlewares=[answer_faults, check_access])
    app[SERVICE] = service
    app[attest.ATTESTATION] = attest.Attestation(service.kernel)
    health.watch(service)
    for method, path, handler in ROUTES:
        app.router.add_route(method, path, handler, expect_handler=wait_to_be_asked)
    app.on_response_prepare.append(Farewell(service.settings.requests).count)
    return app


class Farewell:
    """Ends a connection with the last of its requests that are answered.

    Parameters
    ----------
    requests : int
        Requests of one connection.
    """

    def __init__(self, requests: int) -> None:
        self._requests = requests
        self._answered: WeakKeyDictionary[object, int] = WeakKeyDictionary()

    async def count(self, request: web.Request, response: web.StreamResponse) -> None:
        """Count an answer before its headers are sent, and say so if it is the last."""
        response.headers["Server"] = "tilefan"
        if request.transport is None:
            return
        answered = self._answered.get(request.transport, 0) + 1
        self._answered[request.transport] = answered
        if answered >= self._requests:
            response.force_close()
            response.headers["Connection"] = "close"
