"""Short measurements for a forecast: what a block of the job takes here, and at each worker."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.client import Client
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.session import Session
from coordinator.engines.local import kernel_for
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential
from coordinator.machine import NAME, usable_cores
from coordinator.planning.forecast import Measured
from coordinator.stores import Source
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.jobs.job import Job
from tiling.kernels.apply import apply
from tiling.kernels.arithmetic import combine_blocks
from tiling.operations import Arithmetic
from tiling.protocol.wire import Question

PROBE_SAMPLES = 2**18
"""Of the block that is filtered: milliseconds of work, and large against a request."""

ROUNDS = 3
"""Times that something is measured; the quickest counts, for nothing makes it quicker."""


def probe_block(source: Source) -> Array:
    """Return the first samples of an array, about `PROBE_SAMPLES`, as they would travel."""
    shape = list(source.shape)
    while math.prod(shape) > PROBE_SAMPLES:
        longest = shape.index(max(shape))
        shape[longest] = -(-shape[longest] // 2)
    return np.ascontiguousarray(source.read(Box.whole(tuple(shape))))


def measure_here(job: Job, source: Source) -> Measured:
    """Filter a block with the kernel that a run on this machine would take."""
    block = probe_block(source)
    began = time.perf_counter()
    kernel = kernel_for(job).kernel
    start_s = time.perf_counter() - began
    out = np.empty(block.shape, job.target)
    crop = tuple(slice(0, length) for length in block.shape)
    times_s = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        apply(job.program, block, crop, out, kernel)
        times_s.append(time.perf_counter() - began)
    samples = max(1, block.size)
    return Measured(NAME, usable_cores(), 0.0, samples, min(times_s), start_s)


def measure_arithmetic(work: Arithmetic, sources: Sequence[Source], target: Dtype) -> float:
    """Return the seconds that arithmetic on whole arrays takes in this process."""
    blocks = [probe_block(source) for source in sources]
    out = np.empty(blocks[0].shape, target.newbyteorder("="))
    times_s = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        combine_blocks(work, blocks, out)
        times_s.append(time.perf_counter() - began)
    return min(times_s) * math.prod(sources[0].shape) / max(1, out.size)


def measure_fleet(
    config: Config, credential: Credential, job: Job, source: Source
) -> tuple[Measured, ...]:
    """Greet every worker and have each filter a block, one after another."""
    block = probe_block(source)
    with Session(config, credential) as session:
        return tuple(_measure(name, client, job, block) for name, client in session.clients.items())


def _measure(name: str, client: Client, job: Job, block: Array) -> Measured:
    try:
        began = time.perf_counter()
        slots = client.admit(job).slots
        start_s = time.perf_counter() - began
        trips_s = [timed_greeting(client) for _ in range(ROUNDS)]
        blocks_s = [timed_block(client, job, block) for _ in range(ROUNDS)]
    except Refusal as refusal:
        return Measured(name, trouble=refusal.reason)
    return Measured(name, slots, min(trips_s), max(1, block.size), min(blocks_s), start_s)


def timed_greeting(client: Client) -> float:
    """Return the seconds that a worker takes to say who it is."""
    began = time.perf_counter()
    client.health()
    return time.perf_counter() - began


def timed_block(client: Client, job: Job, block: Array) -> float:
    """Return the seconds in which a worker filters a block, there and back."""
    began = time.perf_counter()
    question = Question(job.digest, 0, block.dtype, block.shape, Box.whole(block.shape))
    body = block.reshape(-1).view(np.uint8).data
    client.filter(question, lambda: body, job.target, Buffers())
    return time.perf_counter() - began
