"""The worker as an aiohttp application, and the server that runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from worker import compute, handlers, health
from worker.errors import ListenError
from worker.faults import answer_faults, check_access
from worker.service import SERVICE, Service
from worker.settings import Settings
from worker.transfer import wait_to_be_asked

ROUTES = (
    ("GET", "/v1/health", health.get_health),
    ("GET", "/metrics", health.get_metrics),
    ("POST", "/v1/jobs", handlers.post_job),
    ("POST", "/v1/tiles", handlers.post_tile),
    ("POST", "/", compute.post_array),
)


def make_app(service: Service) -> web.Application:
    """Return the application of one worker."""
    app = web.Application(middlewares=[answer_faults, check_access])
    app[SERVICE] = service
    health.watch(service)
    for method, path, handler in ROUTES:
        app.router.add_route(method, path, handler, expect_handler=wait_to_be_asked)
    return app


def make_runner(app: web.Application, settings: Settings) -> web.AppRunner:
    """Return the server of an application, with every limit that aiohttp knows."""
    return web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1.0,  # what is in flight was waited for before
        handler_cancellation=True,  # a client that vanishes frees its slot
        auto_decompress=False,  # a bomb stays small
        keepalive_timeout=settings.idle_s,
        lingering_time=settings.lingering_s,
        max_line_size=settings.header_bytes,
        max_field_size=settings.header_bytes,
        max_headers=settings.headers,
    )


@asynccontextmanager
async def serving(service: Service, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Serve, and yield the address that was bound.

    Parameters
    ----------
    service : Service
    host : str
    port : int
        0 takes a free one.

    Raises
    ------
    ListenError
        Saying why the address can't be had.
    """
    runner = make_runner(make_app(service), service.settings)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ListenError(f"can't listen on {host}:{port}: {error.strerror}") from None
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()
        service.stop()
