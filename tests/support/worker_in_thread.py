"""A real worker in a thread of the test's process, with a kernel that the test chooses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tiling.kernels import Kernel
from tiling.probes.select import Selected
from worker.security.auth import Guard
from worker.server import serving
from worker.settings import Settings
from worker.state import Service


@contextmanager
def worker_thread(kernel: Kernel) -> Iterator[str]:
    """Serve on a free port of loopback, without a token; yield the address. Jobs are not tried."""
    loop = asyncio.new_event_loop()
    listening = threading.Event()
    address: list[str] = []
    stop = asyncio.Event()

    async def serve() -> None:
        settings = Settings(threads=1, trial_work=0)
        service = Service(settings, Guard(), Selected("strange", kernel))
        async with serving(service, "127.0.0.1", 0) as (host, port):
            address.append(f"{host}:{port}")
            listening.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert listening.wait(60)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
