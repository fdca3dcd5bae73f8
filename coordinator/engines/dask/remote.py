"""Tasks of a dask cluster: functions that its workers, which have tilefan, import and run.

Whoever is a client of a cluster has its workers do anything; so they open any file for one, too.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from coordinator.engines.local import kernel_for
from coordinator.journal.digests import Seals
from coordinator.journal.records import Finished
from coordinator.machine import usable_cores, versions
from places.network import boot
from places.offers import Places
from places.roots import EVERYTHING
from tiling.dtypes import Array
from tiling.geometry.plan import Tile
from tiling.jobs.job import Job
from tiling.kernels.apply import apply
from tiling.probes.digests import digest_of
from tiling.probes.select import select
from tiling.protocol.references import Into

OFFERS = 64
"""That a worker remembers."""

CHUNK_BYTES = CACHE_BYTES = 128 * 2**20


@dataclass(frozen=True, slots=True)
class Computed:
    """A tile as it comes back: its samples, the digests that a journal keeps, and the seconds.

    There are no samples if they are in the output already.
    """

    block: Array | None
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
    return _computed(_decoded(encoded), tile, block)


def compute_there(encoded: bytes, tile: Tile, offer: str, into: Into) -> Computed:
    """Read a block, compute its tile and perhaps write it there: the task by reference.

    Parameters
    ----------
    encoded : bytes
        The job.
    tile : Tile
    offer : str
        Digest of an offer that was taken.
    into : str
        See `tiling.protocol.references`.

    Raises
    ------
    RefusedPlaceError
        If the place can't be read or written any more.
    """
    place = places().get(offer)
    computed = _computed(_decoded(encoded), tile, places().read(place, tile.read))
    if into == "answer":
        return computed
    assert computed.block is not None  # noqa: S101 -- it was just computed
    places().write(place, tile.write, computed.block)
    return replace(computed, block=None)


def read_again(encoded: bytes, tile: Tile, offer: str) -> Finished:
    """Return the record of a tile that is in a place already, from what is there: a task.

    Parameters
    ----------
    encoded, tile, offer
        As of `compute_there`.

    Raises
    ------
    RefusedPlaceError
        If the place can't be read.
    """
    place, opened = places().get(offer), places()
    block, written = opened.read(place, tile.read), opened.written(place, tile.write)
    return Seals(_decoded(encoded)).finished(tile, block, written)


def take(offer: bytes) -> dict[str, Any]:
    """Open places that are offered; see `places.offers.Places.take`."""
    return places().take(offer)


@functools.cache
def places() -> Places:
    """Return those of this process."""
    return Places(EVERYTHING, OFFERS, CACHE_BYTES, CHUNK_BYTES)


def _computed(job: Job, tile: Tile, block: Array) -> Computed:
    began_s = time.monotonic()
    out: Array = np.empty(tile.write.shape, job.target)
    apply(job.program, block, tile.crop.slices, out, kernel_for(job).kernel)
    seals = Seals(job)
    asked = seals.asked(tile, block)
    answered = seals.answered(tile, asked, out)
    return Computed(out, asked, answered, time.monotonic() - began_s)


@functools.lru_cache(maxsize=64)
def _decoded(encoded: bytes) -> Job:
    return Job.decode(encoded)


def trouble(seals: Seals, tile: Tile, asked: str, got: object, into: Into = "answer") -> str:
    """Say what is wrong with a tile that came back; nothing if it is the one that was asked for.

    Parameters
    ----------
    seals : Seals
        Of the job.
    tile : Tile
    asked : str
        Digest of what was sent; empty by reference.
    got : object
        Not checked.
    into : str
        Where the tile goes.
    """
    question = seals.question(tile)
    if not isinstance(got, Computed):
        return f"answered {type(got).__name__}, not a tile"
    if got.asked != (asked or got.asked):
        return "computed another block than the one that was sent"
    if into == "place" and got.block is None:
        return ""
    if not isinstance(got.block, np.ndarray):
        return f"answered {type(got.block).__name__}, not samples"
    if got.block.shape != tile.write.shape:
        return f"answered a tile of {got.block.shape}, not {question.crop.shape}"
    if seals.answered(tile, got.asked, got.block) != got.answered:
        return "the bytes of its answer are not the ones that it sent"
    return ""
