"""Events of a run, for listeners and for the dispatcher.

An event is a frozen value; its time, in seconds on the run's monotonic clock, goes with it. It is
emitted once, where it is first known; progress, logs, reports and tests listen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

__all__ = [
    "Event",
    "FailureKind",
    "FleetAwaited",
    "Hearer",
    "Interrupted",
    "Listener",
    "OutputWritten",
    "RunFinished",
    "RunStarted",
    "StageStarted",
    "Tick",
    "TileAnswered",
    "TileComputing",
    "TileFailed",
    "TileGivenUp",
    "TileHedged",
    "TileKept",
    "TileRetried",
    "TileSent",
    "TileStored",
    "TilesVerified",
    "WorkerBack",
    "WorkerEjected",
    "WorkerLost",
    "WorkerPlaces",
    "WorkerReady",
    "WorkerUsage",
]


@dataclass(frozen=True, slots=True)
class StageStarted:
    """The next stage of a run begins, counted from 1; its tiles are numbered anew.

    The first one begins with the run, and how it is cut is in `RunStarted`. `dtype` is that of
    the samples that the stage reads. `expected_s` is as in `RunStarted`.
    """

    stage: int
    dtype: str
    tile_shape: tuple[int, ...]
    grid: tuple[int, ...]
    tiles: int
    bytes_in: int
    bytes_out: int
    halo_overhead: float
    expected_s: float | None = None


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins: what will be computed, and how its first stage is cut.

    Each of its `stages` writes an array of this shape; see `StageStarted`. The first is expected to
    take `expected_s`, by the cost model and what workers told when they were greeted; None where
    nobody can know.
    """

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
    stages: int = 1
    expected_s: float | None = None

    def cut_as(self, stage: StageStarted) -> RunStarted:
        """Return this run with the tiles of another stage."""
        return replace(
            self,
            tile_shape=stage.tile_shape,
            grid=stage.grid,
            tiles=stage.tiles,
            bytes_in=stage.bytes_in,
            bytes_out=stage.bytes_out,
            halo_overhead=stage.halo_overhead,
            expected_s=stage.expected_s,
        )


@dataclass(frozen=True, slots=True)
class TileKept:
    """An earlier run finished this tile; its bytes were checked, and it is not computed again."""

    tile: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker answered the greeting and can take `slots` tiles at a time.

    `about` pairs names with what it says of itself: version, kernel, CPU. `proof` pairs probes with
    the digests by which it proved that it computes SciPy's bits. `work_s` is its word for the
    seconds that a unit of the job's work takes it (see `tiling.jobs.cost`). Workers of one `boot`
    are on one machine, and share its `cores`, for `ends_in_s` more seconds if its time ends.
    """

    worker: str
    slots: int
    about: tuple[tuple[str, str], ...] = ()
    proof: tuple[tuple[str, str], ...] = ()
    work_s: float | None = None
    cores: int | None = None
    boot: str = ""
    ends_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class TileSent:
    """A tile is on its way to a worker; `attempt` counts from 1, hedges included."""

    tile: int
    worker: str
    attempt: int
    bytes_sent: int
    hedge: bool = False


@dataclass(frozen=True, slots=True)
class TileComputing:
    """A worker says that it still has a tile, and which share of it is done, from 0 to 1."""

    tile: int
    worker: str
    share: float


@dataclass(frozen=True, slots=True)
class TileAnswered:
    """A worker answered a tile and the answer passed every check (length, digest, dtype, shape).

    `computing_s`, and `waiting_s` for a free thread, are the worker's word for it, or None; what
    else passed since the tile was sent is transfer. This machine sends itself no bytes or digest.
    `wire_bytes` travelled for it, there and back: fewer than its bytes where they were narrowed or
    packed; see `tiling.protocol.forms`.
    """

    tile: int
    worker: str
    attempt: int
    digest: str
    bytes_received: int
    computing_s: float | None = None
    waiting_s: float | None = None
    wire_bytes: int = 0


@dataclass(frozen=True, slots=True)
class TileStored:
    """The tile's bytes are in the sink."""

    tile: int
    worker: str
    bytes_out: int


class FailureKind(StrEnum):
    """The kind of an attempt's failure; its consequence is a row of `policy.CONSEQUENCES`."""

    BUSY = "busy"  # 503 + Retry-After: back-pressure, not a failure
    REFUSED = "refused"  # 4xx: the tile's or the job's fault
    BROKEN = "broken"  # the connection was lost half-way, or the worker died
    CORRUPT = "corrupt"  # length, digest, dtype or shape is wrong
    TIMEOUT = "timeout"  # no answer before the deadline
    UNREACHED = "unreached"  # connection refused: the tile never got there


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker can't be used now: unreachable or silent; for good if `permanent` (unfit).

    `untrusted`: the reason is a token or a certificate.
    """

    worker: str
    reason: str
    permanent: bool = False
    untrusted: bool = False


@dataclass(frozen=True, slots=True)
class WorkerPlaces:
    """A worker `reads` the run's input, and `writes` its output, where they are: by reference.

    Where it does not do both, `reason` says why; what it does not do is sent as bytes.
    """

    worker: str
    reads: bool
    writes: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkerEjected:
    """A worker failed too often in a row; it is asked again after `pause_s`."""

    worker: str
    reason: str
    pause_s: float


@dataclass(frozen=True, slots=True)
class WorkerBack:
    """A worker that was ejected or lost is in use again."""

    worker: str


@dataclass(frozen=True, slots=True)
class WorkerUsage:
    """A worker says what its process has taken so far: seconds of processors, and memory now.

    The first count since the process began, so that the difference of two is what was used between.
    """

    worker: str
    cpu_s: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class FleetAwaited:
    """No worker is left; the run waits so long for one to come back, and then ends."""

    patience_s: float


@dataclass(frozen=True, slots=True)
class TileFailed:
    """An attempt at a tile failed; `retry_after_s` is the pause that a busy worker asked for."""

    tile: int
    worker: str
    attempt: int
    reason: str
    retry_after_s: float | None = None
    kind: FailureKind = FailureKind.BROKEN


@dataclass(frozen=True, slots=True)
class TileRetried:
    """A failed tile waits `after_s` and is then sent again."""

    tile: int
    after_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class TileHedged:
    """A tile is late at `worker`; it is also sent to `to`, and the first answer wins."""

    tile: int
    worker: str
    to: str
    late_s: float


@dataclass(frozen=True, slots=True)
class TileGivenUp:
    """A tile failed too often to try again; `reasons` pairs each worker with what it said."""

    tile: int
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """The time that the dispatcher asked to be woken at has come."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Somebody wants the run to stop; what is finished is kept."""

    exit_code: int = 130


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over; `error` is None when the output is whole."""

    error: str | None = None


@dataclass(frozen=True, slots=True)
class TilesVerified:
    """So many tiles of a stage's `of` were computed once more, by SciPy: every bit is equal."""

    tiles: int
    of: int


@dataclass(frozen=True, slots=True)
class OutputWritten:
    """The output's file is at its path, after `RunFinished`; and so are those `beside` it."""

    path: str
    file_bytes: int
    beside: tuple[tuple[str, str], ...] = ()


Event: TypeAlias = (
    RunStarted
    | StageStarted
    | TileKept
    | WorkerReady
    | WorkerLost
    | WorkerPlaces
    | WorkerEjected
    | WorkerBack
    | WorkerUsage
    | FleetAwaited
    | TileSent
    | TileComputing
    | TileAnswered
    | TileFailed
    | TileRetried
    | TileHedged
    | TileGivenUp
    | TileStored
    | TilesVerified
    | RunFinished
    | OutputWritten
    | Tick
    | Interrupted
)

Listener: TypeAlias = Callable[[float, Event], None]
"""Called with the time of an event, in seconds on a monotonic clock, and the event."""

Hearer: TypeAlias = Callable[[Event], None]
"""Called by an engine with each event, from any of its threads, one at a time."""
