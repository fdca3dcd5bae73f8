"""Facts of a run: what listeners hear, and what the dispatcher is told.

A fact is a frozen value with a time, in seconds on the run's monotonic clock. Whoever learns of it
says so once; progress, logs, reports and tests listen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


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
class WorkerReady:
    """A worker answered the greeting and can take `slots` tiles at a time."""

    worker: str
    slots: int


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker can't be used now: unreachable, unfit, or ejected."""

    worker: str
    reason: str


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
    """A worker answered a tile and the answer passed every check (length, digest, dtype, shape)."""

    tile: int
    worker: str
    attempt: int
    digest: str
    bytes_received: int


@dataclass(frozen=True, slots=True)
class TileFailed:
    """An attempt at a tile failed; `retry_after_s` is the pause that a busy worker asked for."""

    tile: int
    worker: str
    attempt: int
    reason: str
    retry_after_s: float | None = None


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


Event: TypeAlias = (
    RunStarted
    | WorkerReady
    | WorkerLost
    | TileSent
    | TileAnswered
    | TileFailed
    | TileStored
    | RunFinished
)

Listener: TypeAlias = Callable[[float, Event], None]
