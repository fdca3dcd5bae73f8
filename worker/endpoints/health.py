"""What a worker says of itself: to coordinators as JSON, to monitors as metrics."""

from __future__ import annotations

import functools
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

from aiohttp import web

from tiling.protocol.wire import PROTOCOL
from worker.runtime.limits import resident_bytes
from worker.runtime.metrics import CONTENT_TYPE
from worker.state import SERVICE, Service

VERSIONS = {name: version(name) for name in ("tilefan", "numpy", "scipy")}
"""Told without importing SciPy: the first tile does that."""

CPUS = Path("/proc/cpuinfo")

STARTED = time.monotonic()


async def get_health(request: web.Request) -> web.Response:
    """Tell who this worker is and how it is: 200 if it takes tiles, 503 if it is going away."""
    service = request.app[SERVICE]
    pool = service.pool
    text = {
        "status": "draining" if pool.draining else "ready",
        "version": VERSIONS["tilefan"],
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
        "kernel": service.kernel_name,
        "numpy": VERSIONS["numpy"],
        "scipy": VERSIONS["scipy"],
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": cpu(),
        "pid": os.getpid(),
    }
    return web.json_response(text, status=503 if pool.draining else 200)


async def get_metrics(request: web.Request) -> web.Response:
    """Tell the numbers in Prometheus' format."""
    metrics = request.app[SERVICE].metrics
    return web.Response(body=metrics.expose(), headers={"Content-Type": CONTENT_TYPE})


def watch(service: Service) -> None:
    """Show in the metrics what a worker knows at any time."""
    pool, metrics = service.pool, service.metrics
    metrics.watch("slots", "Tiles taken at the same time.", lambda: pool.slots)
    metrics.watch("in_flight", "Slots taken.", lambda: pool.in_flight)
    metrics.watch("queue", "Tiles in flight that no thread works on.", lambda: pool.queue)
    metrics.watch("reserved_bytes", "Memory that slots reserve.", lambda: pool.reserved_bytes)
    metrics.watch("memory_limit_bytes", "Memory that they may.", lambda: pool.memory_bytes)
    metrics.watch("jobs", "Jobs remembered.", lambda: len(service.jobs))
    metrics.watch("ready", "1, or 0 while draining.", lambda: not pool.draining)


@functools.cache
def cpu() -> str:
    """Return the name of this machine's processor, as far as it has one."""
    try:
        lines = CPUS.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
