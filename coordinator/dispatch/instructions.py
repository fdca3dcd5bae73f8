"""Instructions of the dispatcher: an engine carries them out in order, and reports events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from coordinator.dispatch.outcome import Outcome
    from coordinator.events import Event


@dataclass(frozen=True, slots=True)
class Work:
    """A tile for the dispatcher: its number and sizes.

    Parameters
    ----------
    tile : int
        Index in the plan; unique in the run.
    bytes_out_to_worker, bytes_back : int
        Sizes of the request's and of the answer's body.
    work : float
        Units of work; see `tiling.jobs.cost`.
    """

    tile: int
    bytes_out_to_worker: int
    bytes_back: int
    work: float = 1.0

    @property
    def size_bytes(self) -> int:
        """Bytes that an attempt keeps in flight."""
        return self.bytes_out_to_worker + self.bytes_back


@dataclass(frozen=True, slots=True)
class Send:
    """Send a tile; answer with TileAnswered or TileFailed.

    It is cancelled after `deadline_s`, unless `TileComputing` is reported of it.
    """

    tile: int
    worker: str
    attempt: int
    deadline_s: float
    hedge: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """Abandon an attempt and its connection; a late answer may be reported, nothing has to be."""

    tile: int
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Accept:
    """Write the bytes of this answer, which has just been reported, to the sink."""

    tile: int
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Greet a worker again; answer with WorkerReady or WorkerLost."""

    worker: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Deliver a Tick at `time`; this replaces the wake-up asked for before."""

    time: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the listeners an event that the dispatcher decided."""

    event: Event


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over; every attempt has been cancelled and no more instructions follow."""

    outcome: Outcome


Instruction: TypeAlias = Send | Cancel | Accept | Probe | WakeAt | Tell | Finish
