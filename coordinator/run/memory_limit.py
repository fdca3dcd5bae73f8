"""The memory that a run takes in this process, and tiles that are small enough for it.

What is mapped from files is not counted: the system takes those pages back when it wants them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from coordinator.engines import Capacity, Engine, TileRun
from coordinator.errors import InputError
from coordinator.events import Hearer
from coordinator.journal.records import Finished
from coordinator.machine import resident_bytes
from coordinator.run.request import Request
from coordinator.stores import Source
from coordinator.text import megabytes
from tiling.geometry.plan import Plan
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes

if TYPE_CHECKING:
    pass

KERNEL_BYTES = 100_000_000
"""Of SciPy, once it is loaded, and of the threads' scratch; measured, and rounded up."""

READING_SHARE = 4
"""Of the memory, the chunks of an input may take one part in so many."""

OWN_BYTES = 120_000_000
"""Of a process besides tiles in flight to a fleet: together 400 MB, with the usual budget."""

BUFFER_BYTES = 32_000_000
"""Of connections in use: the stacks and arenas of their threads, a dozen of them."""


@dataclass(frozen=True, slots=True)
class Copies:
    """What is in memory besides of an output in chunks: these are copied, and encoded.

    Parameters
    ----------
    window_bytes : int
        Of chunks that are in hand at a time, at most.
    """

    window_bytes: int = 0

    @classmethod
    def of_output(cls, request: Request) -> Copies:
        """Return those of a request."""
        if not request.grain:
            return cls()
        from coordinator.stores.pieces import window_bytes

        return cls(window_bytes(request.grain, request.source.shape, request.job.target))

    def of(self, answers_bytes: int) -> int:
        """Return the bytes for so many bytes of answers that are to be stored."""
        return 2 * min(answers_bytes, self.window_bytes)


NO_COPIES = Copies()

Peak: TypeAlias = Callable[[Job, Plan, int], int]
"""Most bytes that this process has at a time, following a plan with so many slots."""


@dataclass(frozen=True, slots=True)
class LocalPeak:
    """Memory of a run in this process.

    Parameters
    ----------
    base_bytes : int
        Of the process before the run.
    copies : Copies
    """

    base_bytes: int
    copies: Copies = NO_COPIES

    def __call__(self, job: Job, plan: Plan, slots: int) -> int:
        """Return the bytes of the tiles in hand, and of all else."""
        tiles = min(slots, max(1, len(plan)))
        each = tile_bytes(job, plan.largest_read, plan.largest_write)
        answers = tiles * math.prod(plan.largest_write) * job.target.itemsize
        return self.base_bytes + KERNEL_BYTES + tiles * each + self.copies.of(answers)


@dataclass(frozen=True, slots=True)
class FleetPeak:
    """Memory of a run on a fleet, of which the coordinator bounds the bytes in flight.

    Parameters
    ----------
    base_bytes : int
        Of the process before the run.
    in_flight_bytes : int
    copies : Copies
    held : int
        How often a tile in flight is in memory.
    """

    base_bytes: int
    in_flight_bytes: int
    copies: Copies = NO_COPIES
    held: int = 1

    def __call__(self, job: Job, plan: Plan, slots: int) -> int:
        """Return the bytes of the tiles in flight, there and back, and of all else."""
        each = travelling_bytes(job, plan)
        in_flight = max(each, min(min(slots, max(1, len(plan))) * each, self.in_flight_bytes))
        here = self.held * in_flight + self.copies.of(in_flight)
        return self.base_bytes + BUFFER_BYTES + here


def travelling_bytes(job: Job, plan: Plan) -> int:
    """Return the bytes of the largest tile, there and back."""
    there, back = math.prod(plan.largest_read), math.prod(plan.largest_write)
    return there * job.source.itemsize + back * job.target.itemsize


def fit(request: Request, capacity: Capacity, limit_bytes: int | None, peak: Peak) -> Capacity:
    """Return the largest capacity whose plan needs no more than this memory.

    Raises
    ------
    InputError
        If no tile is small enough; it names the least memory that would do.
    """
    least = need = peak(request.job, request.plan(capacity), capacity.slots)
    size = capacity.tile_bytes
    while limit_bytes is not None and need > limit_bytes:
        if request.tile is not None or size < max(2, request.job.source.itemsize):
            what = f"tiles of {request.tile}" if request.tile else "the smallest tiles"
            hint = "" if request.tile else _finer(request, capacity, limit_bytes, peak)
            raise InputError(
                f"--max-memory: {megabytes(limit_bytes)} MB do not suffice: {what} need "
                f"{megabytes(least + 50_000)} MB{hint}; "
                f"say --max-memory {math.ceil(least / 1e6) + 1}MB"
            )
        size //= 2
        need = peak(request.job, request.plan(replace(capacity, tile_bytes=size)), capacity.slots)
        least = min(least, need)
    return replace(capacity, tile_bytes=size)


def _finer(request: Request, capacity: Capacity, limit_bytes: int, peak: Peak) -> str:
    """Return a hint at chunks of the output that would fit, if there are any."""
    grain = list(request.grain)
    while math.prod(grain) > 1:
        longest = grain.index(max(grain))
        grain[longest] = -(-grain[longest] // 2)
        finer = replace(request, grain=tuple(grain))
        if peak(request.job, finer.plan(replace(capacity, tile_bytes=1)), 1) <= limit_bytes:
            return f"; chunks of the output would fit by --chunks {','.join(map(str, grain))}"
    return ""


def fleet_budget(
    request: Request, budget_bytes: int, limit_bytes: int | None, held: int = 1
) -> int:
    """Return the bytes of tiles that may be in flight to a fleet; see `in_flight_bytes`."""
    most_bytes = held * budget_bytes + OWN_BYTES if limit_bytes is None else limit_bytes
    base_bytes = resident_bytes() + bound_reading(request.source, most_bytes)
    copies = Copies.of_output(request)
    return in_flight_bytes(budget_bytes, limit_bytes, base_bytes, copies, held)


def in_flight_bytes(
    budget_bytes: int,
    limit_bytes: int | None,
    base_bytes: int,
    copies: Copies = NO_COPIES,
    held: int = 1,
) -> int:
    """Return the bytes of tiles that may be in flight, within a bound for the whole process.

    Parameters
    ----------
    budget_bytes : int
        What the hosts file allows.
    limit_bytes : int, optional
        For the process; unless given it follows from the budget.
    base_bytes : int
        That the process takes besides.
    copies : Copies
    held : int
        How often a tile in flight is in memory.
    """
    if limit_bytes is None:
        limit_bytes = held * budget_bytes + OWN_BYTES
    room = (limit_bytes - base_bytes - BUFFER_BYTES) // held
    return max(1, min(budget_bytes, max(room - copies.of(room), room // 3)))


def within(engine: Engine, request: Request, limit_bytes: int, held: int) -> Engine:
    """Return the engine, bounded.

    Parameters
    ----------
    engine : Engine
    request : Request
    limit_bytes : int
    held : int
        How often a tile in flight is in memory; 0 if none is ever sent.

    Raises
    ------
    InputError
        If the array must be in memory as a whole, and is too large for that.
    """
    base_bytes = resident_bytes() + bound_reading(request.source, limit_bytes)
    itemsizes = request.source.dtype.itemsize + request.job.target.itemsize
    need = base_bytes + math.prod(request.source.shape) * itemsizes
    if request.job.program.by_layout and need > limit_bytes:
        raise InputError(
            f"--max-memory: {megabytes(limit_bytes)} MB do not suffice: a cast to "
            f"{request.job.target.name} that filters nothing needs the whole array, "
            f"{megabytes(need)} MB"
        )
    copies = Copies.of_output(request)
    peak: Peak = LocalPeak(base_bytes, copies)
    if held:
        budget = in_flight_bytes(limit_bytes, limit_bytes, base_bytes, copies, held)
        peak = FleetPeak(base_bytes, budget, copies, held)
    return FrugalEngine(engine, request, limit_bytes, peak)


def check_chunks(source: Source, limit_bytes: int | None) -> int:
    """Refuse a source whose chunks are too large to be decoded; return the bytes they take.

    Raises
    ------
    InputError
        If one takes more than the memory.
    """
    taken = bound_reading(source, limit_bytes)
    if limit_bytes is not None and taken > limit_bytes:
        raise InputError(
            f"--max-memory: {megabytes(limit_bytes)} MB do not suffice: the chunks of "
            f"{source.name} are large, and take {megabytes(taken)} MB to be decoded"
        )
    return taken


def bound_reading(source: Source, limit_bytes: int | None) -> int:
    """Let a source in chunks have a share of the memory, if that has a bound; return its bytes."""
    return source.bound_memory(None if limit_bytes is None else limit_bytes // READING_SHARE)


@dataclass(frozen=True, slots=True)
class FrugalEngine:
    """An engine that is given tiles within a bound of memory.

    Parameters
    ----------
    engine : Engine
        That computes.
    request : Request
        Whose tiles are bounded.
    limit_bytes : int
    peak : callable
    """

    engine: Engine
    request: Request
    limit_bytes: int
    peak: Peak

    def prepare(self, job: Job, tell: Hearer) -> Capacity:
        """Make ready, and take no more than the memory allows; see `coordinator.engines.Engine`."""
        capacity = self.engine.prepare(job, tell)
        # What bounds the samples of a later stage is not known here.
        known = job == self.request.job
        stage = self.request if known else replace(self.request, job=job, bound=None)
        return fit(stage, capacity, self.limit_bytes, self.peak)

    def audit(self, tiles: TileRun, finished: Mapping[int, Finished]) -> Set[int]:
        """Have finished tiles read again; see `coordinator.engines.Engine`."""
        return self.engine.audit(tiles, finished)

    def run(self, tiles: TileRun, tell: Hearer) -> None:
        """Compute every tile; see `coordinator.engines.Engine`."""
        self.engine.run(tiles, tell)
