"""The cost of a run before it begins: a pure function of its plan and of short measurements.

The time of a tile at a worker is taken as a round trip, and the rest of a probe's time in
proportion to the samples. A worker has its slots busy at a time, and the fleet is done when its
rates together have done all tiles. So an estimate is crude where slots share a core or workers
share a link, and it says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from coordinator.text import brief_time, megabytes
from tiling.geometry.plan import Plan

SMALL_BYTES: Final = 64 * 10**6
"""Of an array that a machine filters in about a second: sending it can't save much."""


WORTH_FACTOR: Final = 1.25
"""How much faster the fleet must look: estimates are no better than that."""

WORTH_S: Final = 0.5
"""What sending must save: less is not noticed, and a fleet has other users."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A worker, or this machine, as a short probe found it.

    Parameters
    ----------
    worker : str
    slots : int
        Tiles that it takes at a time.
    round_trip_s : float
        Of a request that computes nothing; 0 for this machine.
    probe_samples : int
    probe_s : float
        From a block of so many samples until its answer.
    start_s : float
        Until the first tile can be sent.
    trouble : str
        Why it can't be used, if so.
    """

    worker: str
    slots: int = 0
    round_trip_s: float = 0.0
    probe_samples: int = 1
    probe_s: float = 0.0
    start_s: float = 0.0
    trouble: str = ""

    def tile_s(self, samples: float) -> float:
        """Return the time of a tile that reads so many samples."""
        work_s = max(0.0, self.probe_s - self.round_trip_s)
        return self.round_trip_s + work_s * samples / self.probe_samples

    def rate(self, samples: float) -> float:
        """Return tiles per second."""
        return 0.0 if self.trouble else self.slots / max(self.tile_s(samples), 1e-9)


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker is expected to do."""

    worker: str
    slots: int
    tiles: float
    tile_s: float
    busy_s: float
    round_trip_s: float
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class StageForecast:
    """What one stage of a job costs: a plan with its price, or arithmetic done here.

    Parameters
    ----------
    tile, grid : tuple of int
        Empty for arithmetic.
    tiles : int
    reason : str
        Why tiles of this shape, or none.
    halo_overhead : float
        Samples read more than once, as a fraction of the array.
    bytes_there, bytes_back : int
        That travel; of a run on this machine, that are read and written.
    coordinator_bytes, worker_bytes : int
        Most memory at a time; `worker_bytes` of the worker with most slots, 0 without a fleet.
    here_s, fleet_s : float
        Expected; `fleet_s` is None without a fleet, or if nobody in it can be used.
    shares : tuple of Share
        By worker.
    """

    tile: tuple[int, ...]
    grid: tuple[int, ...]
    tiles: int
    reason: str
    halo_overhead: float
    bytes_there: int
    bytes_back: int
    coordinator_bytes: int
    worker_bytes: int
    here_s: float
    fleet_s: float | None
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A job with its price: what all stages take together, and each of them.

    Parameters
    ----------
    input, dtype, filter, exactness : str
    shape : tuple of int
        Of the array.
    tile, grid, reason
        As in the first of the `stages`.
    tiles, halo_overhead, bytes_there, bytes_back, here_s, fleet_s, shares
        Of all stages together; they run one after another.
    coordinator_bytes, worker_bytes : int
        Of the stage that takes most.
    stages : tuple of StageForecast
    between_bytes : int
        Most of intermediate arrays at a time; small ones are in memory, and counted there too.
    verdict : str
    caveats : tuple of str
        Why it may be otherwise.
    """

    input: str
    dtype: str
    filter: str
    exactness: str
    shape: tuple[int, ...]
    tile: tuple[int, ...]
    grid: tuple[int, ...]
    tiles: int
    reason: str
    halo_overhead: float
    bytes_there: int
    bytes_back: int
    coordinator_bytes: int
    worker_bytes: int
    here_s: float
    fleet_s: float | None
    shares: tuple[Share, ...]
    stages: tuple[StageForecast, ...]
    between_bytes: int
    verdict: str
    caveats: tuple[str, ...]


def expected_s(plan: Plan, workers: Sequence[Measured]) -> float | None:
    """Return how long a plan takes with these workers; None if none of them can be used."""
    usable = [worker for worker in workers if not worker.trouble]
    if not usable:
        return None
    samples = plan.samples_in / max(1, len(plan))
    rate = sum(worker.rate(samples) for worker in usable)
    quickest = min(worker.tile_s(samples) for worker in usable)
    start_s = max(worker.start_s for worker in usable)
    return start_s + max(len(plan) / rate, quickest if len(plan) else 0.0)


def shares(plan: Plan, workers: Sequence[Measured]) -> tuple[Share, ...]:
    """Deal the tiles of a plan out, in proportion to the rates."""
    samples = plan.samples_in / max(1, len(plan))
    rates = [worker.rate(samples) for worker in workers]
    total = sum(rates) or 1.0
    return tuple(
        Share(
            worker.worker,
            worker.slots,
            tiles := len(plan) * rate / total,
            worker.tile_s(samples),
            tiles * worker.tile_s(samples) / max(1, min(worker.slots, math.ceil(tiles))),
            worker.round_trip_s,
            worker.trouble,
        )
        for worker, rate in zip(workers, rates, strict=True)
    )


def together(stages: Sequence[StageForecast]) -> tuple[Share, ...]:
    """Add up what each worker does in stages that follow one another."""
    deals = [stage.shares for stage in stages if stage.tiles] or [stages[0].shares]
    return tuple(_sum(parts) for parts in zip(*deals, strict=True))


def _sum(parts: Sequence[Share]) -> Share:
    tiles = sum(part.tiles for part in parts)
    work_s = sum(part.tiles * part.tile_s for part in parts)
    return replace(
        parts[0],
        tiles=tiles,
        tile_s=work_s / tiles if tiles else parts[0].tile_s,
        busy_s=sum(part.busy_s for part in parts),
        trouble=next((part.trouble for part in parts if part.trouble), ""),
    )


def verdict(
    moved_bytes: int,
    out_bytes: int,
    here_s: float,
    fleet_s: float | None,
    workers: Sequence[Measured],
) -> str:
    """Say where to run it, and with which numbers.

    Parameters
    ----------
    moved_bytes, out_bytes : int
        That would travel, and of the output.
    here_s, fleet_s : float
        Expected, with and without the fleet.
    workers : sequence of Measured
        Of the fleet.
    """
    here = f"about {brief_time(here_s)}"
    if not workers:
        return f"run it here: {here} with this machine's cores"
    if fleet_s is None:
        return f"run it here: {here}; no worker of the fleet can be used"
    there = f"about {brief_time(fleet_s)}"
    if here_s >= max(fleet_s * WORTH_FACTOR, fleet_s + WORTH_S):
        gain = f"{here_s / fleet_s:.1f} times as fast"
        return f"send it: {there} on the fleet, {here} here, so {gain}"
    trip = brief_time(min(worker.round_trip_s for worker in workers if not worker.trouble))
    size = megabytes(moved_bytes)
    numbers = (
        f"{here} here, {there} on the fleet, where {size} MB travel and a round trip is {trip}"
    )
    if out_bytes <= SMALL_BYTES:
        return f"this array is too small to be worth sending: run it here ({numbers})"
    return f"this filter is too light to be worth sending: run it here ({numbers})"
