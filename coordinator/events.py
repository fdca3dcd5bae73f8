"""Facts of a run: what listeners hear, and what the dispatcher is told.

A fact is a frozen value with a time, in seconds on the run's monotonic clock. Whoever learns of it
says so once; progress, logs, reports and tests listen. What happens in every run is here; what
only a fleet goes through is in `coordinator.fortunes`, and loaded when it is first named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from coordinator.fortunes import (
        FailureKind,
        Interrupted,
        Tick,
        TileFailed,
        TileGivenUp,
        TileHedged,
        TileRetried,
        WorkerBack,
        WorkerEjected,
        WorkerLost,
    )

__all__ = [
    "Event",
    "FailureKind",
    "Interrupted",
    "Listener",
    "RunFinished",
    "RunStarted",
    "Tick",
    "TileAnswered",
    "TileFailed",
    "TileGivenUp",
    "TileHedged",
    "TileKept",
    "TileRetried",
    "TileSent",
    "TileStored",
    "WorkerBack",
    "WorkerEjected",
    "WorkerLost",
    "WorkerReady",
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins: what will be computed, and how it is cut."""

    input: str
    output: str
    filter: str
    shape: tuple[int, ...]
    dtype: str
    tile_shape: tuple[int, ...]
    grid: tuple[int, ...]
    tiles: int
    bytes_in: int
    bytes_out: int
    halo_overhead: float
    workers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TileKept:
    """An earlier run finished this tile; its bytes were checked, and it is not computed again."""

    tile: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker answered the greeting and can take `slots` tiles at a time.

    `about` pairs names with what it says of itself: version, kernel, CPU. `proof` pairs probes with
    the digests by which it proved that it computes SciPy's bits.
    """

    worker: str
    slots: int
    about: tuple[tuple[str, str], ...] = ()
    proof: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TileSent:
    """A tile is on its way to a worker; `attempt` counts from 1, hedges included."""

    tile: int
    worker: str
    attempt: int
    bytes_sent: int
    hedge: bool = False


@dataclass(frozen=True, slots=True)
class TileAnswered:
    """A worker answered a tile and the answer passed every check (length, digest, dtype, shape).

    `computing_s`, and `waiting_s` for a free thread, are the worker's word for it, or None; what
    else passed since the tile was sent is transfer. This machine sends itself no bytes or digest.
    """

    tile: int
    worker: str
    attempt: int
    digest: str
    bytes_received: int
    computing_s: float | None = None
    waiting_s: float | None = None


@dataclass(frozen=True, slots=True)
class TileStored:
    """The tile's bytes are in the sink."""

    tile: int
    worker: str
    bytes_out: int


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over; `error` is None when the output is whole."""

    error: str | None = None


if TYPE_CHECKING:
    Event: TypeAlias = (
        RunStarted
        | TileKept
        | WorkerReady
        | WorkerLost
        | WorkerEjected
        | WorkerBack
        | TileSent
        | TileAnswered
        | TileFailed
        | TileRetried
        | TileHedged
        | TileGivenUp
        | TileStored
        | RunFinished
        | Tick
        | Interrupted
    )
else:
    Event = object  # for annotations, which nobody evaluates

Listener: TypeAlias = Callable[[float, Event], None]


if not TYPE_CHECKING:  # a checker would believe that there is every name

    def __getattr__(name: str) -> Any:
        """Load what only fleets go through when it is first named."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from coordinator import fortunes

        return getattr(fortunes, name)
