"""Short measurements on this machine for a forecast: a block, some tiles, and the disk."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import xxhash

from coordinator.engines import Capacity
from coordinator.engines.local import LocalEngine, kernel_for
from coordinator.machine import NAME, usable_cores
from coordinator.planning.rehearsal import Sample, rehearse, unnamed_file
from coordinator.planning.speeds import Measured, Rehearsal
from coordinator.stores import Source
from coordinator.stores.scratch import MEMORY_BYTES, scratch
from places.network import boot
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.jobs.cost import work_of
from tiling.jobs.job import Job
from tiling.kernels.apply import apply
from tiling.kernels.arithmetic import combine_blocks
from tiling.operations import Arithmetic

PROBE_SAMPLES = 2**18
"""Most of a block that is filtered alone: milliseconds of work, and large against a request."""

FIRST_SAMPLES, GROWTH = 2**12, 4
"""Of the first block that is filtered, and how much larger the next one is."""

PROBE_S = 0.02
"""Of a block that is filtered alone: a larger one would tell no more."""

ROUNDS = 3
"""Times that something is measured; the quickest counts, for nothing makes it quicker."""

FILE_BYTES = 2**26
"""Of what is written, and read again, to find out how fast that is."""


def probe_block(source: Source, samples: int = PROBE_SAMPLES) -> Array:
    """Return the first samples of an array, about so many, as they would travel."""
    shape = list(source.shape)
    while math.prod(shape) > samples:
        longest = shape.index(max(shape))
        shape[longest] = -(-shape[longest] // 2)
    return np.asarray(source.read(Box.whole(tuple(shape))), order="C")


def brief_block(source: Source, job: Job, work_s: float) -> Array:
    """Return a block that a worker filters in about `PROBE_S`, if a unit of work takes so long."""
    samples = int(PROBE_S / (work_s * job.program.effort))
    return probe_block(source, min(PROBE_SAMPLES, max(FIRST_SAMPLES, samples)))


def measure_here(sample: Sample, capacity: Capacity) -> tuple[Measured, Rehearsal | None]:
    """Filter a block with the kernel that a run on this machine would take, then some tiles.

    Parameters
    ----------
    sample : Sample
        Of a plan for this machine.
    capacity : Capacity
        Of this machine.
    """
    began = time.perf_counter()
    kernel_for(sample.job)
    start_s = time.perf_counter() - began
    work, took_s = _filtered_here(sample.job, sample.source)
    machine = Measured(NAME, capacity.slots, 0.0, work, took_s, start_s, usable_cores(), boot())
    return machine, rehearse(LocalEngine(), capacity, sample, took_s / work)


def _filtered_here(job: Job, source: Source) -> tuple[float, float]:
    """Filter larger and larger blocks; return the work of the last one, and its seconds."""
    kernel, samples = kernel_for(job).kernel, FIRST_SAMPLES
    while True:
        block = probe_block(source, samples)
        out = np.empty(block.shape, job.target)
        crop = tuple(slice(0, length) for length in block.shape)
        took_s = quickest_s(lambda: apply(job.program, block, crop, out, kernel))  # noqa: B023 -- called at once
        if took_s >= PROBE_S or samples >= PROBE_SAMPLES or samples >= math.prod(source.shape):
            return max(1.0, work_of(job, block.shape, block.shape)), max(took_s, 1e-9)
        samples *= GROWTH


def quickest_s(work: Callable[[], object]) -> float:
    """Return the seconds of the quickest of some rounds; of the first, if that takes long."""
    times_s: list[float] = []
    while len(times_s) < ROUNDS and sum(times_s) < PROBE_S * ROUNDS:
        began = time.perf_counter()
        work()
        times_s.append(time.perf_counter() - began)
    return min(times_s)


def measure_arithmetic(work: Arithmetic, sources: Sequence[Source], target: Dtype) -> float:
    """Return the seconds that arithmetic on whole arrays takes in this process."""
    blocks = [probe_block(source) for source in sources]
    out = np.empty(blocks[0].shape, target.newbyteorder("="))
    took_s = quickest_s(lambda: combine_blocks(work, blocks, out))
    return took_s * math.prod(sources[0].shape) / max(1, out.size)


def measure_scratch(array_bytes: int) -> float:
    """Return the seconds in which an intermediate array is filled for the first time, and let go.

    Nothing for one that stays in memory: tiles that are rehearsed go into fresh memory too.

    Parameters
    ----------
    array_bytes : int

    Raises
    ------
    StoreError
        If the folder for temporary files has no room for a part of it.
    """
    if array_bytes <= MEMORY_BYTES:
        return 0.0
    began = time.perf_counter()
    array = scratch((FILE_BYTES,), np.dtype(np.uint8), memory_bytes=0)
    with ThreadPoolExecutor(usable_cores()) as threads:
        # An exception would be in a future that nobody asks; filling an array raises none.
        threads.map(lambda part: part.fill(1), np.array_split(array, usable_cores()))
    del array
    return (time.perf_counter() - began) * array_bytes / FILE_BYTES


def measure_files(source: Path, folder: Path, out_bytes: int, digest_bytes: int) -> float:
    """Return the seconds that the end of a run takes: the output on the disk, and the digests.

    Parameters
    ----------
    source : Path
        The input's file.
    folder : Path
        Of the output's file.
    out_bytes : int
        Of the output.
    digest_bytes : int
        Of the files whose digests are taken.
    """
    with unnamed_file(folder) as descriptor:
        disk = os.fstatvfs(descriptor)
        size = min(out_bytes, FILE_BYTES, disk.f_bavail * disk.f_frsize // 2)
        if not (data := _start_of(source, size)):
            return 0.0
        began = time.perf_counter()
        xxhash.xxh3_128_hexdigest(data)
        digest_s = time.perf_counter() - began
        for at in range(0, size, len(data)):
            os.pwrite(descriptor, memoryview(data)[: size - at], at)
        began = time.perf_counter()
        os.fdatasync(descriptor)
        sync_s = time.perf_counter() - began
    return sync_s * out_bytes / size + digest_s * digest_bytes / len(data)


def _start_of(source: Path, size: int) -> bytes:
    """Return bytes as a file begins; zeros for what is no file."""
    if not source.is_file():
        return bytes(size)
    with source.open("rb") as file:
        return file.read(size)  # not mapped: another process may cut the file short
