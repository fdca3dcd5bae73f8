"""Engines, which compute tiles: this process, or a fleet of workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Protocol, Self

from coordinator.events import Hearer
from coordinator.journal.file import JournalFile
from coordinator.journal.records import Finished
from coordinator.stores import Sink, Source
from coordinator.stores.stored import where
from tiling.geometry.plan import Plan, Tile
from tiling.geometry.tile_shape import MAX_TILE_BYTES, makespan_s
from tiling.jobs.cost import BESIDE, FLEET, Pace
from tiling.jobs.job import Job

__all__ = ["Capacity", "Engine", "TileRun"]


@dataclass(frozen=True, slots=True)
class TileRun:
    """All that a run is about: what to compute, how it is cut, from where and to where.

    Parameters
    ----------
    job : Job
    plan : Plan
    source : Source
    sink : Sink
    journal : JournalFile, optional
        Told of each tile when its bytes are in the sink.
    kept : frozenset of int
        Tiles that are in the sink already.
    only : frozenset of int, optional
        The tiles to compute; all others of the plan are left alone.
    """

    job: Job
    plan: Plan
    source: Source
    sink: Sink
    journal: JournalFile | None = None
    kept: frozenset[int] = frozenset()
    only: frozenset[int] | None = None

    @property
    def count(self) -> int:
        """How many tiles are still to be computed."""
        if self.only is None:
            return len(self.plan) - len(self.kept)
        return len(self.only - self.kept)

    def tiles(self) -> Iterator[Tile]:
        """Make the tiles that are still to be computed."""
        wanted = range(len(self.plan)) if self.only is None else sorted(self.only)
        return (self.plan[index] for index in wanted if index not in self.kept)


@dataclass(frozen=True, slots=True)
class Capacity:
    """What an engine can take: how many tiles at a time, how large, and how fast it does them.

    Parameters
    ----------
    slots : int
    tile_bytes : int
        So large that every slot can be busy within the engine's bound of memory.
    pace : Pace
        Of a slot.
    lanes : int, optional
        Tiles that get on at a time; see `coordinator.engines.lanes`. As many as slots unless given.
    opens : bool
        Whether its workers are on this machine, and open files themselves.
    """

    slots: int
    tile_bytes: int
    pace: Pace = FLEET
    lanes: int | None = None
    opens: bool = False

    @classmethod
    def within(
        cls, slots: int, budget_bytes: int, pace: Pace = FLEET, lanes: int | None = None
    ) -> Self:
        """Return that of a fleet whose tiles in flight, sent and answered, stay within a budget."""
        return cls(slots, max(1, min(MAX_TILE_BYTES, budget_bytes // (2 * slots))), pace, lanes)

    def reading(self, source: Source) -> Self:
        """Return what it can take of a source: of one that is opened, no tile waits for bytes."""
        if not self.opens or where(source) is None:
            return self
        lanes = self.lanes or self.slots
        return replace(self, slots=lanes, pace=replace(BESIDE, work_s=self.pace.work_s))

    def expected_s(self, tiles: int, tile_s: float) -> float:
        """Return how long so many tiles are expected to take, if a lane takes so long for one."""
        return makespan_s(tiles, tile_s, self.lanes or self.slots)


class Engine(Protocol):
    """A place where tiles are computed; the contract is `tests/contracts/engine.py`."""

    def prepare(self, job: Job, tell: Hearer) -> Capacity:
        """Make ready for a job; return how much can be computed at a time.

        Raises
        ------
        TilefanError
            If nobody can take the job.
        """

    def audit(self, tiles: TileRun, finished: Mapping[int, Finished]) -> Set[int]:
        """Have finished tiles read again; return those that are as a journal says.

        Nothing is computed, written or told. All others are for the caller to look at: of some,
        or of all, nobody may be able to say anything. After `prepare`.

        Raises
        ------
        TilefanError
            If what is read can't be shown to anybody.
        """

    def run(self, tiles: TileRun, tell: Hearer) -> None:
        """Compute every tile that the sink does not have yet, and write it there.

        Each tile is told as `TileSent`, `TileAnswered`, then `TileStored`, and is in the journal by
        then. When this returns the sink is full; when it raises, no tile is told any more. A
        KeyboardInterrupt ends it within about a second.

        Raises
        ------
        TilefanError
            If a tile can't be had.
        """
