"""Trials: how long this worker's kernel takes for a job, measured on a block of noise.

A block of `FIRST` samples is filtered, and then larger ones, until one takes long enough to be
timed well. What counts is the thread's own time, in which tiles that are computed beside it do not
show. No block is begun that would take much longer than that, so a trial is over in some tens of
milliseconds, whatever the job.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.dtypes import Array
from tiling.errors import AbandonedError, TilingError
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.kernels import Kernel
from tiling.kernels.apply import apply

FIRST, LARGEST, GROWTH = 2**10, 2**20, 8
"""Samples of the first block, of the largest, and the factor between two."""

ENOUGH_S, MOST_S = 0.002, 0.02
"""A block that takes so long is timed well; none is begun that is expected to take longer."""

MOST_BYTES = 128 * 2**20
"""Memory of a trial."""

VALUES = 256
"""Different samples of integers: as many as most pictures have."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How long a job took for a block of so many samples, in seconds."""

    samples: int
    seconds: float

    def to_json(self) -> dict[str, int | float]:
        """Return the trial in JSON's types."""
        return {"samples": self.samples, "seconds": round(self.seconds, 9)}


def tried(job: Job, kernel: Kernel, most_work: int) -> Trial | None:
    """Try a job; None if it is too much work, or the kernel refuses it.

    Parameters
    ----------
    job : Job
    kernel : Kernel
    most_work : int
        Operations that the first block may take, as `Program.total_work` estimates them.

    Raises
    ------
    AbandonedError
        If the watch of this thread is cancelled.
    """
    shape = first_shape(job)
    if shape is None or job.program.total_work(shape) > most_work:
        return None
    try:
        return _grown(job, kernel, shape)
    except AbandonedError:
        raise
    except Exception:  # whatever it is, a tile will tell
        return None


def _grown(job: Job, kernel: Kernel, shape: tuple[int, ...]) -> Trial | None:
    """Time larger and larger blocks."""
    best: Trial | None = None
    while tile_bytes(job, shape, shape) <= MOST_BYTES:
        samples, seconds = math.prod(shape), _timed(job, kernel, shape)
        if best is None:  # it may have been the first that this process computes at all
            seconds = min(seconds, _timed(job, kernel, shape))
        best = Trial(samples, seconds)
        shape = shape_of(job.ndim, min(samples * GROWTH, LARGEST))
        growth = math.prod(shape) / max(samples, 1)
        if seconds >= ENOUGH_S or growth <= 1 or seconds * growth > MOST_S:
            break
    return best


def _timed(job: Job, kernel: Kernel, shape: tuple[int, ...]) -> float:
    block, out = noise(job, shape), np.empty(shape, job.target)
    everything = tuple(slice(0, length) for length in shape)
    began_s = time.thread_time()
    apply(job.program, block, everything, out, kernel)
    return time.thread_time() - began_s


def first_shape(job: Job) -> tuple[int, ...] | None:
    """Return the shape of the first block: larger where the job's windows need it, or None.

    Parameters
    ----------
    job : Job
    """
    samples = FIRST
    while samples <= LARGEST:
        shape = shape_of(job.ndim, samples)
        try:
            job.program.check_shape(shape)
        except TilingError:
            samples *= GROWTH
        else:
            return shape
    return None


def shape_of(ndim: int, samples: int) -> tuple[int, ...]:
    """Return a shape of about so many samples, as near to a cube as whole numbers allow.

    Parameters
    ----------
    ndim : int
    samples : int

    Examples
    --------
    >>> shape_of(3, 1024), shape_of(12, 1024)[:4], shape_of(0, 1024)
    ((10, 10, 10), (1, 1, 2, 2), ())
    """
    side = max(1, math.floor(samples ** (1 / max(ndim, 1)) + 1e-9))
    lengths = [side] * ndim
    for axis in reversed(range(ndim)):
        if math.prod(lengths) // side * (side + 1) > samples:
            break
        lengths[axis] += 1
    return tuple(lengths)


def noise(job: Job, shape: tuple[int, ...]) -> Array:
    """Return a block of noise that a job reads: the same one each time.

    Parameters
    ----------
    job : Job
    shape : tuple of int
    """
    rng, dtype = np.random.default_rng(0), job.source
    block: np.ndarray[Any, Any]
    match dtype.kind:
        case "b":
            block = rng.integers(0, 2, shape, np.uint8)
        case "i" | "u":
            values = 4 if job.reads_states else min(VALUES, int(np.iinfo(dtype).max) + 1)
            block = rng.integers(0, values, shape, np.uint16)
        case "c":
            block = rng.random(shape) + 1j * rng.random(shape)
        case _:
            block = rng.random(shape)
    return np.asarray(block).astype(dtype)
