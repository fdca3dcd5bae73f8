"""Health and metrics of a worker: JSON for coordinators, Prometheus' format for monitors."""

from __future__ import annotations

import time

from aiohttp import web

from tiling.protocol.wire import PROTOCOL
from worker.machine import resident_bytes
from worker.runtime.metrics import CONTENT_TYPE
from worker.state import SERVICE, Service

STARTED = time.monotonic()


async def get_health(request: web.Request) -> web.Response:
    """Answer the worker's identity and state: 200 if it takes tiles, 503 while it drains."""
    service = request.app[SERVICE]
    pool = service.pool
    health = {
        "status": "draining" if pool.draining else "ready",
        "protocol": PROTOCOL,
        "slots": pool.slots,
        "in_flight": pool.in_flight,
        "queue": pool.queue,
        "memory": {
            "resident_bytes": resident_bytes(),
            "reserved_bytes": pool.reserved_bytes,
            "limit_bytes": pool.memory_bytes,
            "tile_limit_bytes": service.settings.tile_bytes,
        },
        "uptime_s": round(time.monotonic() - STARTED, 3),
        **service.identity.to_json(),
    }
    return web.json_response(health, status=503 if pool.draining else 200)


async def get_metrics(request: web.Request) -> web.Response:
    """Answer the metrics in Prometheus' format."""
    metrics = request.app[SERVICE].metrics
    return web.Response(body=metrics.expose(), headers={"Content-Type": CONTENT_TYPE})


def add_gauges(service: Service) -> None:
    """Add the state of a worker's parts to its metrics."""
    pool, add = service.pool, service.metrics.add_gauge
    add("slots", "Tiles admitted at the same time.", lambda: pool.slots)
    add("in_flight", "Slots taken.", lambda: pool.in_flight)
    add("queue", "Tiles in flight that no thread works on.", lambda: pool.queue)
    add("reserved_bytes", "Memory that slots reserve.", lambda: pool.reserved_bytes)
    add("memory_limit_bytes", "Memory that they may.", lambda: pool.memory_bytes)
    add("jobs", "Jobs in the cache.", lambda: len(service.jobs))
    add("ready", "1, or 0 while draining.", lambda: not pool.draining)
