"""Throughput of workers, alone and together: a pure function of short measurements.

A tile alone at a worker takes a round trip, and the rest of a probe's time in proportion to the
work. A worker computes as many tiles at a time as it has lanes (`coordinator.engines.lanes`): the
cores of a machine count once, whoever shares them. With all lanes busy a tile takes longer by a
factor that was seen when some workers computed tiles together (`coordinator.planning.rehearsal`),
whatever it was that they took one another: bandwidth, a link, or the time of this process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from coordinator.engines.lanes import lanes
from coordinator.text import count
from tiling.geometry.tile_shape import makespan_s

NAMED: Final = 8
"""Workers of a machine: more in a sentence nobody reads."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A worker, or this machine, as a short probe found it: alone, and with one block.

    Parameters
    ----------
    worker : str
    slots : int
        Tiles that it takes at a time.
    round_trip_s : float
        Of a request that computes nothing; 0 for this machine.
    probe_work : float
        Of the block, in units of `tiling.jobs.cost`.
    probe_s : float
        From that block until its answer.
    start_s : float
        Until the first tile can be sent.
    cores : int, optional
        Of its machine that it may use.
    boot : str
        Names its machine.
    trouble : str
        Why it can't be used, if so.
    by_reference, writes : bool
        Whether it would read the input itself, and write the output.
    why : str
        Why it would not do both.
    """

    worker: str
    slots: int = 0
    round_trip_s: float = 0.0
    probe_work: float = 1.0
    probe_s: float = 0.0
    start_s: float = 0.0
    cores: int | None = None
    boot: str = ""
    trouble: str = ""
    by_reference: bool = False
    writes: bool = False
    why: str = ""

    def tile_s(self, work: float) -> float:
        """Return the time of a tile of so much work, if it is the only one."""
        work_s = max(0.0, self.probe_s - self.round_trip_s)
        return max(1e-9, self.round_trip_s + work_s * work / self.probe_work)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Tiles that were computed at the same time.

    Parameters
    ----------
    tiles : int
    work : float
        Of a tile, on average; see `tiling.jobs.cost`.
    lanes : int
        Tiles that got on at a time.
    wall_s : float
        Until the last one was stored.
    """

    tiles: int
    work: float
    lanes: int
    wall_s: float

    @property
    def tile_s(self) -> float:
        """What a lane took for a tile."""
        return self.wall_s / makespan_s(self.tiles, 1.0, self.lanes)


@dataclass(frozen=True, slots=True)
class Speeds:
    """How fast workers are that share a plan: those that can be used, alone and together.

    Parameters
    ----------
    workers : tuple of Measured
    slowdown : float
        How many times as long a tile takes with all lanes busy as it does alone.
    """

    workers: tuple[Measured, ...]
    slowdown: float = 1.0

    @classmethod
    def of(
        cls,
        workers: Sequence[Measured],
        rehearsal: Rehearsal | None = None,
        together: Sequence[str] | None = None,
    ) -> Speeds:
        """Compare what a rehearsal took with what its workers promise each for itself.

        Parameters
        ----------
        workers : sequence of Measured
        rehearsal : Rehearsal, optional
        together : sequence of str, optional
            The workers that took part in it; all unless given.
        """
        usable = tuple(worker for worker in workers if not worker.trouble)
        few = [worker for worker in usable if together is None or worker.worker in together]
        if rehearsal is None or not few:
            return cls(usable)
        return cls(usable, rehearsal.tile_s / cls(tuple(few)).tile_s(rehearsal.work))

    def lanes(self) -> list[float]:
        """Return how many tiles each worker computes at a time."""
        return lanes(self.workers)

    def rates(self, work: float) -> list[float]:
        """Return the tiles per second of each worker, if a tile has so much work."""
        return [
            lane / (worker.tile_s(work) * self.slowdown)
            for worker, lane in zip(self.workers, self.lanes(), strict=True)
        ]

    def tile_s(self, work: float) -> float:
        """Return what a lane takes for a tile of so much work, on average over the lanes."""
        return sum(self.lanes()) / sum(self.rates(work))

    def expected_s(self, tiles: int, work: float) -> float | None:
        """Return how long so many tiles take; None if nobody can be used.

        Parameters
        ----------
        tiles : int
        work : float
            Of each, on average.
        """
        if not self.workers:
            return None
        at_once = max(1, round(sum(self.lanes())))
        return max(worker.start_s for worker in self.workers) + (
            makespan_s(tiles, self.tile_s(work), at_once) if tiles else 0.0
        )


def sharing(workers: Sequence[Measured], own_boot: str) -> Iterator[str]:
    """Yield which workers are on one machine, and which on that of this process.

    Parameters
    ----------
    workers : sequence of Measured
        That can be used.
    own_boot : str
        Names this process's machine.
    """
    machines: defaultdict[str, list[Measured]] = defaultdict(list)
    for worker in workers:
        if worker.boot:
            machines[worker.boot].append(worker)
    for name, there in machines.items():
        whose = "this machine" if name == own_boot else "one machine"
        if len(there) == 1 and name != own_boot:
            continue
        cores = count(max(worker.cores or 0 for worker in there), "core")
        names = ", ".join(worker.worker for worker in there[:NAMED])
        more = f" and {len(there) - NAMED:,} more" if len(there) > NAMED else ""
        verb = "is" if len(there) == 1 else "are"
        yield f"{names}{more} {verb} on {whose}: its {cores} count once" + (
            ", and coord needs them too" if name == own_boot else ""
        )
