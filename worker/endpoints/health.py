"""Health and metrics of a worker: JSON for coordinators, Prometheus' format for monitors.

Besides the identity, health tells what is computed now, the oldest first::

    "codecs": ["narrow", "lz4", "zstd"],    that blocks may travel in, see `tiling.protocol.forms`
    "places": false,                        whether it opens places; see `tiling.protocol.places`
    "cores": 8,                             that the worker may use
    "cpu_s": 12.5,                          seconds of them that it has used since it started
    "ends_in_s": 5400.5,                    until the worker is stopped; null if nobody knows
    "boot": "<32 hexadecimal digits>",      the same for workers on one machine; empty where unknown
    "computing": [{"run": "0123456789abcdef", "tile": 7, "share": 0.25, "seconds": 1.5}, ...]
    "waiting": [{"run": "0123456789abcdef", "seconds": 0.4}, ...]

Each is a tile that holds a slot, with the share of it that is finished and the seconds that it has
been in a thread: both are 0 as long as its body is received, or it waits for a thread. There are at
most `TILES` of them; with ``?run=0123456789abcdef`` those of one run, at most `TILES_OF_RUN`. The
runs that wait, at most `WAITING`, were turned away and have got no slot since.
"""

from __future__ import annotations

import time
from math import inf

from aiohttp import web

from places.network import boot
from tiling.protocol.forms import codecs
from tiling.protocol.wire import PROTOCOL, check_run
from worker.machine import resident_bytes, usable_cores
from worker.runtime.metrics import CONTENT_TYPE
from worker.state import SERVICE, Service

TILES, TILES_OF_RUN = 64, 1024
"""Most tiles that are told of: of all runs, and of the run that asks."""

WAITING = 16
"""Most runs that are told of."""

STARTED = time.monotonic()


async def get_health(request: web.Request) -> web.Response:
    """Answer the worker's identity and state: 200 if it takes tiles, 503 while it drains.

    Raises
    ------
    WireError
        If the query asks for what is no run.
    """
    service = request.app[SERVICE]
    pool = service.pool
    run = check_run(request.query["run"]) if "run" in request.query else None
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
        "codecs": codecs(),
        "places": service.places.is_open,
        "cores": usable_cores(),
        "cpu_s": round(time.process_time(), 3),
        "ends_in_s": _ends_in_s(service.settings.until),
        "boot": boot(),
        "computing": pool.computing(run, TILES if run is None else TILES_OF_RUN),
        "waiting": pool.waiting(WAITING),
        "uptime_s": round(time.monotonic() - STARTED, 3),
        **service.identity.to_json(),
    }
    return web.json_response(health, status=503 if pool.draining else 200)


def _ends_in_s(until: float) -> float | None:
    """Return the seconds that are left, for the clocks of two machines may disagree."""
    return None if until == inf else max(0.0, round(until - time.time(), 3))


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
