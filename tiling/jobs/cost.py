"""The cost model: what a tile takes, in seconds, from what its job does and how fast that is done.

A job's steps say their work per sample (`Operation.effort`), and each step has to be done on what
the later ones need round a tile. How long a unit of work takes depends on the kernel, the dtypes
and the parameters, so nobody tabulates it: a worker tries the job on a small block when it is
registered, and what answers take corrects it.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan
from tiling.geometry.tile_shape import Layer, samples_read
from tiling.jobs.job import Job
from tiling.operations import Arithmetic


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast tiles are done.

    Parameters
    ----------
    tile_s : float
        What each takes besides, however small: handing it out, and its headers.
    work_s : float
        Seconds that a slot takes for a unit of work.
    byte_s : float
        Seconds for which a byte keeps a slot waiting, there or back.
    """

    tile_s: float
    work_s: float
    byte_s: float


HERE = Pace(4e-4, 1e-10, 1e-10)
"""The native kernel in this process: a sample of a 3-tap correlation takes 0.3 ns, and a byte that
is new to the cache, or to the process, a tenth. A second thread is worth its start for two
milliseconds of work."""

FLEET = Pace(2e-3, 2e-10, 2e-9)
"""A worker that has told nothing; a request takes 1.5 ms, and a byte on loopback 1 to 2 ns."""


BESIDE = Pace(6e-4, 2e-10, 1e-10)
"""A worker of this machine that opens the files itself: only headers travel, and handing out a tile
takes the processor for 0.6 ms, which computes none meanwhile."""


def layers(job: Job, pace: Pace) -> tuple[Layer, ...]:
    """Return what is done round each tile, in the seconds that it takes for each sample.

    Parameters
    ----------
    job : Job
    pace : Pace

    Returns
    -------
    tuple of Layer
        Sending the block, then each step, then the answer.
    """
    there, *_, back = job.program.halos(job.ndim)
    return (
        Layer(there, pace.byte_s * job.source.itemsize),
        *(Layer(halo, pace.work_s * effort) for halo, effort in _steps(job)),
        Layer(back, pace.byte_s * job.target.itemsize),
    )


def work_of(job: Job, shape: tuple[int, ...], answer: tuple[int, ...]) -> float:
    """Return the units of work of a tile.

    Parameters
    ----------
    job : Job
    shape, answer : tuple of int
        Of its block, which no step exceeds, and of what is answered.
    """
    return sum(
        effort
        * math.prod(
            min(length, own + before + after)
            for length, own, before, after in zip(
                shape, answer, halo.before, halo.after, strict=True
            )
        )
        for halo, effort in _steps(job)
    )


def tile_s(job: Job, grid: Grid, pace: Pace) -> float:
    """Return the seconds that a tile of a grid is expected to take, on average.

    Parameters
    ----------
    job : Job
    grid : Grid
    pace : Pace
    """
    all_s = sum(
        layer.sample_s * samples_read(grid, layer.halo, job.wraps) for layer in layers(job, pace)
    )
    return pace.tile_s + all_s / max(1, len(grid))


def combining_s(plan: Plan, arrays: int) -> float:
    """Return the seconds that arithmetic, sample by sample, is expected to take in this process.

    Parameters
    ----------
    plan : Plan
        Of the pieces that are combined at a time.
    arrays : int
        That are read.
    """
    moved = arrays * plan.bytes_in + plan.bytes_out
    return HERE.tile_s * len(plan) + HERE.work_s * plan.samples_in + HERE.byte_s * moved


def mean_work(job: Job, grid: Grid) -> float:
    """Return the units of work of a tile of a grid, on average.

    Parameters
    ----------
    job : Job
    grid : Grid
    """
    total = sum(effort * samples_read(grid, halo, job.wraps) for halo, effort in _steps(job))
    return total / max(1, len(grid))


@functools.lru_cache(maxsize=64)
def _steps(job: Job) -> tuple[tuple[Halo, int], ...]:
    """Return the halo of each step's result, and its work per sample."""
    _, *halos = job.program.halos(job.ndim)
    efforts = (
        1 if isinstance(step.operation, Arithmetic) else 1 + step.operation.effort
        for step in job.program.steps
    )
    return tuple(zip(halos, efforts, strict=True))
