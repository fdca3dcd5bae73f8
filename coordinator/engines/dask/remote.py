"""Tasks of a dask cluster: functions that its workers, which have tilefan, import and run."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from coordinator.engines.local import kernel_for
from coordinator.journal.digests import Seals
from coordinator.machine import usable_cores, versions
from places.network import boot
from tiling.dtypes import Array
from tiling.geometry.plan import Tile
from tiling.jobs.job import Job
from tiling.kernels.apply import apply
from tiling.probes.digests import digest_of
from tiling.probes.select import select


@dataclass(frozen=True, slots=True)
class Computed:
    """A tile as it comes back: its samples, the digests that a journal keeps, and the seconds."""

    block: Array
    asked: str
    answered: str
    computing_s: float


def introduce(probes: Sequence[str]) -> dict[str, Any]:
    """Return who this worker is, and the digests of probes by which it proves its bits.

    Parameters
    ----------
    probes : sequence of str
        See `tiling.probes.digests`.
    """
    selected = select("auto", probes)
    return {
        **versions(),
        "kernel": selected.name,
        "cores": usable_cores(),
        "boot": boot(),
        "digests": {name: digest_of(name, selected.kernel) for name in probes},
    }


def compute(encoded: bytes, tile: Tile, block: Array) -> Computed:
    """Compute a tile: the task.

    Parameters
    ----------
    encoded : bytes
        The job.
    tile : Tile
    block : ndarray
        What the tile reads, in native byte order.
    """
    began_s = time.monotonic()
    job = _decoded(encoded)
    out: Array = np.empty(tile.write.shape, job.target)
    apply(job.program, block, tile.crop.slices, out, kernel_for(job).kernel)
    seals = Seals(job)
    asked = seals.asked(tile, block)
    answered = seals.answered(tile, asked, out)
    return Computed(out, asked, answered, time.monotonic() - began_s)


@functools.lru_cache(maxsize=64)
def _decoded(encoded: bytes) -> Job:
    return Job.decode(encoded)


def trouble(seals: Seals, tile: Tile, asked: str, got: object) -> str:
    """Say what is wrong with a tile that came back; nothing if it is the one that was asked for.

    Parameters
    ----------
    seals : Seals
        Of the job.
    tile : Tile
    asked : str
        Digest of what was sent.
    got : object
        Not checked.
    """
    question = seals.question(tile)
    if not isinstance(got, Computed) or not isinstance(got.block, np.ndarray):
        return f"answered {type(got).__name__}, not a tile"
    if got.asked != asked:
        return "computed another block than the one that was sent"
    if got.block.shape != tile.write.shape:
        return f"answered a tile of {got.block.shape}, not {question.crop.shape}"
    if seals.answered(tile, asked, got.block) != got.answered:
        return "the bytes of its answer are not the ones that it sent"
    return ""
