"""Cost of the transport: a job that computes nothing, against raw blocking sockets.

An array goes through coordinator and two workers, and through two processes that echo blocks as
large as those tiles. Both take the array's bytes there and back, into memory that they had before;
the peer checks nothing, frames nothing and schedules nothing.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import numpy as np

from benchmarks.peers.echo import Block, echo_all
from benchmarks.processes import running, running_workers
from benchmarks.report import table, verdict
from benchmarks.rounds import in_turns
from coordinator import Fleet
from coordinator.events import Event, RunStarted
from tiling.dtypes import Array

TARGET = 0.8
CONNECTIONS = (2, 4, 6)
"""Of the peer; the fastest counts."""

TILEFAN = "tilefan, sigma 0"
SEALED = "raw sockets, with the digests and copies"


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Yield the table: bytes per second both ways, and ratios."""
    shape = (1024, 1024) if short else (4096, 4096)
    array = np.random.default_rng(1).random(shape, np.float32)
    counts: list[int] = []

    def hear(_: float, event: Event) -> None:
        if isinstance(event, RunStarted):
            counts.append(event.tiles)

    with ExitStack() as stack:
        workers = stack.enter_context(running_workers(2))
        fleet = stack.enter_context(Fleet(workers, listen=hear))
        back = np.empty_like(array)
        ours = partial(fleet.gaussian_filter, array, 0, output=back)
        ours()
        assert np.array_equal(back, array)
        raw, sealed = _raw(stack, array, counts[0])
        times = in_turns({TILEFAN: ours, **raw, SEALED: sealed}, rounds)
    fastest = min(raw, key=times.median)
    rows = [
        (
            name,
            f"{times.median(name) * 1e3:.1f}",
            f"{2 * array.nbytes / times.median(name) / 1e6:.0f}",
            f"{times.ratio(TILEFAN, name):.2f}",
        )
        for name in times.seconds
    ]
    ratio = times.ratio(TILEFAN, fastest)
    summary = f"{counts[0]} tiles; against the fastest: {ratio:.2f}, target {TARGET}"
    judged = "" if short else f", {verdict(ratio, TARGET)}"
    judged += (
        f"; against those with the same digests and copies: {times.ratio(TILEFAN, SEALED):.2f}"
    )
    text = table(("", "ms", "MB/s both ways", "tilefan vs it"), rows)
    yield f"### Transport, {'x'.join(map(str, shape))} float32\n\n{text}\n\n{summary}{judged}"


def _raw(
    stack: ExitStack, array: Array, tiles: int
) -> tuple[dict[str, partial[None]], partial[None]]:
    """Start the echo servers; return a run for each number of connections, and the sealed one."""
    block_bytes = -(-array.nbytes // tiles)
    blocks = _blocks(array, block_bytes)

    def connect(count: int, *arguments: str) -> list[socket.socket]:
        peer = running("benchmarks.peers.echo", str(block_bytes), *arguments, count=2)
        servers = stack.enter_context(peer)
        return [stack.enter_context(_connected(servers[i % len(servers)])) for i in range(count)]

    runs = {
        f"raw sockets, {count} connections": partial(echo_all, connect(count), blocks)
        for count in CONNECTIONS
    }
    sealed = partial(echo_all, connect(CONNECTIONS[1], "sealed"), blocks, sealed=True)
    for run in (*runs.values(), sealed):
        run()
    return runs, sealed


def _blocks(array: Array, block_bytes: int) -> list[Block]:
    """Cut the bytes into equal blocks, the last one moved back so that it is whole."""
    there = array.data.cast("B")
    back = np.empty_like(array).data.cast("B")
    count = math.ceil(array.nbytes / block_bytes)
    starts = [min(i * block_bytes, array.nbytes - block_bytes) for i in range(count)]
    return [(there[a : a + block_bytes], back[a : a + block_bytes]) for a in starts]


def _connected(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
