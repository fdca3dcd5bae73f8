"""The cost of a run before it begins: a pure function of its plan and of short measurements.

The tiles of a stage take what `coordinator.planning.speeds` says, one stage after another, and the
run takes what is to be done besides:

    start_s              this process: its start, its imports, a look at the input
    stage by stage       greetings and the proof of the kernel, then the makespan of the tiles
    finish_s             the output on the disk, and the digests of provenance
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from coordinator.planning.speeds import Measured, Speeds
from coordinator.text import brief_time, megabytes

SMALL_BYTES: Final = 64 * 10**6
"""Of an array that a machine filters in about a second: sending it can't save much."""


WORTH_FACTOR: Final = 1.25
"""How much faster the fleet must look: estimates are no better than that."""

WORTH_S: Final = 0.5
"""What sending must save: less is not noticed, and a fleet has other users."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker is expected to do.

    `tile_s` is with everybody busy; `lanes` is how many tiles it computes at a time, its cores
    shared with others on its machine; `by_reference`, whether it would read the input itself, and
    `writes`, whether the output, or `why` not.
    """

    worker: str
    slots: int
    tiles: float
    tile_s: float
    busy_s: float
    round_trip_s: float
    trouble: str = ""
    lanes: float = 0.0
    by_reference: bool = False
    writes: bool = False
    why: str = ""


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
        That travel as bytes; of a run on this machine, that are read and written.
    coordinator_bytes, worker_bytes : int
        Most memory at a time; `worker_bytes` of the worker with most slots, 0 without a fleet.
    here_s, fleet_s : float
        Expected; `fleet_s` is None without a fleet, or if nobody in it can be used.
    shares : tuple of Share
        By worker.
    by_bytes_s : float, optional
        Expected of the fleet if nothing is by reference; None if nothing is anyway.
    passing_there, passing_back : int
        Bytes that pass this process, there and back, as the run would go.
    alternatives : tuple of str
        Other cuts, with the seconds that the cost model gives them; best first.
    model_s : float
        What the cost model gives the chosen one: it knows less than was measured since.
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
    alternatives: tuple[str, ...] = ()
    model_s: float = 0.0
    by_bytes_s: float | None = None
    passing_there: int = 0
    passing_back: int = 0


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
    tiles, halo_overhead, bytes_there, bytes_back, passing_there, passing_back, shares
        Of all stages together; they run one after another.
    here_s, fleet_s, by_bytes_s : float
        From the start of a process until it ends: of all stages together, and `start_s` and
        `finish_s`. The last is what the fleet takes if nothing is by reference; None if nothing is
        anyway.
    start_s, finish_s : float
        Before the first stage, and after the last.
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
    start_s: float
    finish_s: float
    shares: tuple[Share, ...]
    stages: tuple[StageForecast, ...]
    between_bytes: int
    verdict: str
    caveats: tuple[str, ...]
    by_bytes_s: float | None = None
    passing_there: int = 0
    passing_back: int = 0


def shares(
    tiles: int, work: float, workers: Sequence[Measured], speeds: Speeds
) -> tuple[Share, ...]:
    """Deal tiles out, in proportion to the rates.

    Parameters
    ----------
    tiles : int
    work : float
        Of each, on average.
    workers : sequence of Measured
        Those too that can't be used.
    speeds : Speeds
        Of those that can.
    """
    each = zip(speeds.workers, speeds.lanes(), speeds.rates(work), strict=True)
    found = {worker.worker: (lane, rate) for worker, lane, rate in each}
    total = sum(rate for _, rate in found.values()) or 1.0
    dealt = []
    for worker in workers:
        lane, rate = found.get(worker.worker, (0.0, 0.0))
        dealt_tiles, tile_s = tiles * rate / total, lane / rate if rate else 0.0
        busy_s = dealt_tiles * tile_s / max(lane, 1e-9)
        dealt.append(
            Share(
                *(worker.worker, worker.slots, dealt_tiles, tile_s, busy_s, worker.round_trip_s),
                *(worker.trouble, lane, worker.by_reference, worker.writes, worker.why),
            )
        )
    return tuple(dealt)


def passing(dealt: Sequence[Share], there: int, back: int) -> tuple[int, int]:
    """Return how many of so many bytes pass this process: those of tiles that are sent as bytes."""
    tiles = sum(share.tiles for share in dealt) or 1.0
    sent = sum(share.tiles for share in dealt if not share.by_reference) / tiles
    answered = sum(share.tiles for share in dealt if not share.writes) / tiles
    return round(there * sent), round(back * answered)


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
        lanes=max(part.lanes for part in parts),
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
