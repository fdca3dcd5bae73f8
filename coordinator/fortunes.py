"""Facts of a run on a fleet: what befalls workers and tiles; see `coordinator.events`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """What went wrong with an attempt; what follows from it is a row of `policy.BLAME`."""

    BUSY = "busy"  # 503 + Retry-After: back-pressure, not a failure
    REFUSED = "refused"  # 4xx: the tile's or the job's fault
    BROKEN = "broken"  # the connection was lost half-way, or the worker died
    CORRUPT = "corrupt"  # length, digest, dtype or shape is wrong
    TIMEOUT = "timeout"  # no answer before the deadline
    UNREACHED = "unreached"  # connection refused: the tile never got there


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker can't be used now: unreachable or silent; for good if `permanent` (unfit).

    `untrusted` tells that the reason is a token or a certificate.
    """

    worker: str
    reason: str
    permanent: bool = False
    untrusted: bool = False


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
