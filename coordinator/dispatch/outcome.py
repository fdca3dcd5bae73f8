"""How runs end, in words that name whom to blame. A line names a few; the lists name all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from coordinator.dispatch.story import story_lines
from coordinator.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coordinator.dispatch.story import StoryEvent
    from coordinator.events import FailureKind


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed attempt: where, what kind, and the words for it."""

    worker: str
    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True)
class FailedTile:
    """A tile that was given up, with every fault it met and its latest events."""

    tile: int
    faults: tuple[Fault, ...]
    story: tuple[StoryEvent, ...] = ()

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

    @property
    def story(self) -> tuple[str, ...]:
        """The events of the tiles that failed, one a line; of as many tiles as a message names."""
        return tuple(
            line for each in self.failed[:_NAMED] for line in story_lines(each.tile, each.story)
        )


Hosts: TypeAlias = tuple[tuple[str, str], ...]

ADVICE = "coord doctor tells what is wrong with each worker"

_NAMED = 10  # more names than these make a line nobody reads


def complete(failed: Sequence[FailedTile]) -> Outcome:
    """Every tile has its end: the run is done, or some were given up on the way."""
    if not failed:
        return Outcome(int(ExitCode.DONE), "done")
    what = f"{len(failed)} tile{'s' if len(failed) > 1 else ''} failed"
    message = f"{len(failed)} tiles failed: {_listed(map(str, failed))}"
    return Outcome(int(ExitCode.FAILED), message, tuple(failed), what=what)


def tile_failed(failed: Sequence[FailedTile]) -> Outcome:
    """One tile too many was given up: the last one."""
    hosts = tuple((fault.worker, fault.reason) for fault in failed[-1].faults)
    what = f"tile {failed[-1].tile} failed wherever it was sent"
    return Outcome(int(ExitCode.FAILED), str(failed[-1]), tuple(failed), hosts, what)


def fleet_lost(hosts: Hosts, failed: Sequence[FailedTile], *, ever_ready: bool) -> Outcome:
    """Nobody is left, or nobody ever was."""
    code = ExitCode.FAILED if ever_ready else ExitCode.NO_WORKER
    what = "the fleet was lost" if ever_ready else "no usable worker"
    named = _listed(f"{name}: {reason}" for name, reason in hosts)
    message = f"{what}: {named or 'no host is listed'}"
    return Outcome(int(code), message, tuple(failed), hosts, what if named else message)


def different_bits(tile: int, answers: Hosts, failed: Sequence[FailedTile]) -> Outcome:
    """Two workers filtered the same tile to different bits; `answers` are (worker, digest)."""
    named = " and ".join(f"{worker} ({digest})" for worker, digest in answers)
    message = f"tile {tile}: different bits from {named}"
    return Outcome(int(ExitCode.DIFFERENT_BITS), message, tuple(failed), answers)


def interrupted(exit_code: int, failed: Sequence[FailedTile]) -> Outcome:
    """Somebody stopped the run."""
    return Outcome(exit_code, "interrupted", tuple(failed))


def block(outcome: Outcome) -> str:
    """Return what happened on a line, each host or tile concerned on one of its own, and advice.

    Examples
    --------
    >>> print(block(fleet_lost((("node1:8080", "silent"),), (), ever_ready=True)))
    the fleet was lost
      node1:8080: silent
    coord doctor tells what is wrong with each worker
    """
    named = [f"{name}: {reason}" for name, reason in outcome.hosts] or list(
        map(str, outcome.failed)
    )
    every = list(dict.fromkeys(named))
    rest = [f"and {len(every) - _NAMED} more"] if len(every) > _NAMED else []
    lines = [f"  {line}" for line in every[:_NAMED] + rest]
    advice = [ADVICE] if outcome.hosts else []
    return "\n".join([outcome.what or outcome.message, *lines, *advice])


def _listed(names: Iterable[str]) -> str:
    """Join names; a long list is cut.

    >>> _listed(map(str, range(12)))
    '0; 1; 2; 3; 4; 5; 6; 7; 8; 9; and 2 more'
    """
    every = list(names)
    rest = [f"and {len(every) - _NAMED} more"] if len(every) > _NAMED else []
    return "; ".join(every[:_NAMED] + rest)
