"""What the dispatcher asks for. An engine performs these in order, and reports back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from coordinator.events import Event, FailureKind


class ExitCode(IntEnum):
    """How a run ended, as the shell sees it."""

    DONE = 0
    NO_WORKER = 3
    FAILED = 4
    DIFFERENT_BITS = 5
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Work:
    """A tile as the dispatcher sees it: its number and what it weighs.

    Parameters
    ----------
    tile : int
        Index in the plan; unique in the run.
    bytes_out_to_worker, bytes_back : int
        Sizes of the request's and of the answer's body.
    """

    tile: int
    bytes_out_to_worker: int
    bytes_back: int

    @property
    def size_bytes(self) -> int:
        """Bytes that an attempt keeps in flight."""
        return self.bytes_out_to_worker + self.bytes_back


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed attempt: where, what kind, and the words for it."""

    worker: str
    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True)
class FailedTile:
    """A tile that was given up, with every fault it met."""

    tile: int
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        """Name the tile, the workers and the reasons on one line, each once."""
        named = dict.fromkeys(f"{fault.worker}: {fault.reason}" for fault in self.faults)
        return f"tile {self.tile}: {'; '.join(named)}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the run ended, and whom to blame.

    Parameters
    ----------
    exit_code : int
        One of `ExitCode`, or what the interruption asked for.
    message : str
        One line: what happened.
    failed : tuple of FailedTile
        Tiles given up, in the order they were.
    hosts : tuple of (str, str)
        Workers concerned, each with the reason.
    what : str
        The message without the hosts and tiles that it names; the message unless given.
    """

    exit_code: int
    message: str
    failed: tuple[FailedTile, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    what: str = ""

    @property
    def done(self) -> bool:
        """Whether the output is whole."""
        return self.exit_code == ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Send:
    """Send a tile; answer with TileAnswered or TileFailed, at the latest after `deadline_s`."""

    tile: int
    worker: str
    attempt: int
    deadline_s: float
    hedge: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """Drop an attempt and its connection; nothing need be reported, a late answer may be."""

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
    """Let the listeners hear a fact that the dispatcher decided."""

    event: Event


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over; every attempt has been cancelled and no more instructions follow."""

    outcome: Outcome


Instruction: TypeAlias = Send | Cancel | Accept | Probe | WakeAt | Tell | Finish
