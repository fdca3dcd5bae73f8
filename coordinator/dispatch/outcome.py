"""The outcomes of a run, with messages that name the tiles and workers concerned.

A message names at most ten; the tuples of an `Outcome` have all.
"""

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
class FailedAttempt:
    """A failed attempt of a tile: its worker, its kind, and the reason in words."""

    worker: str
    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True)
class FailedTile:
    """A tile that was given up, with its failed attempts and its latest events."""

    tile: int
    failures: tuple[FailedAttempt, ...]
    story: tuple[StoryEvent, ...] = ()

    def __str__(self) -> str:
        """Return the tile, the workers and the reasons on one line, each once."""
        named = dict.fromkeys(f"{failure.worker}: {failure.reason}" for failure in self.failures)
        return f"tile {self.tile}: {'; '.join(named)}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run, and the tiles and workers concerned.

    Parameters
    ----------
    exit_code : int
        One of `ExitCode`, or the code of the interruption.
    message : str
        One line: what happened.
    failed : tuple of FailedTile
        Tiles that were given up, in that order.
    hosts : tuple of (str, str)
        Workers concerned, each with the reason.
    summary : str
        The message without the hosts and tiles that it names; empty if it names none.
    """

    exit_code: int
    message: str
    failed: tuple[FailedTile, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    summary: str = ""

    @property
    def done(self) -> bool:
        """Whether the output is whole."""
        return self.exit_code == ExitCode.DONE

    @property
    def story(self) -> tuple[str, ...]:
        """The events of the failed tiles, one a line, for at most as many as a message names."""
        return tuple(
            line for each in self.failed[:_NAMED] for line in story_lines(each.tile, each.story)
        )


Hosts: TypeAlias = tuple[tuple[str, str], ...]

ADVICE = "coord doctor tells what is wrong with each worker"

_NAMED = 10
"""Tiles or workers that a message names."""


def complete(failed: Sequence[FailedTile]) -> Outcome:
    """Return the outcome of a run that accepted or gave up every tile."""
    if not failed:
        return Outcome(int(ExitCode.DONE), "done")
    summary = f"{len(failed)} tile{'s' if len(failed) > 1 else ''} failed"
    message = f"{len(failed)} tiles failed: {_join_named(map(str, failed))}"
    return Outcome(int(ExitCode.FAILED), message, tuple(failed), summary=summary)


def tile_failed(failed: Sequence[FailedTile]) -> Outcome:
    """Return the outcome of a run that ends with the first tile given up, the last in `failed`."""
    hosts = tuple((failure.worker, failure.reason) for failure in failed[-1].failures)
    summary = f"tile {failed[-1].tile} failed wherever it was sent"
    return Outcome(int(ExitCode.FAILED), str(failed[-1]), tuple(failed), hosts, summary)


def fleet_lost(hosts: Hosts, failed: Sequence[FailedTile], *, ever_ready: bool) -> Outcome:
    """Return the outcome of a run without a ready worker.

    Parameters
    ----------
    hosts : tuple of (str, str)
        Each worker with the reason why it is not ready.
    failed : sequence of FailedTile
        Tiles given up before.
    ever_ready : bool
        Whether a worker was ready at any time.
    """
    code = ExitCode.FAILED if ever_ready else ExitCode.NO_WORKER
    summary = "the fleet was lost" if ever_ready else "no usable worker"
    named = _join_named(f"{name}: {reason}" for name, reason in hosts)
    message = f"{summary}: {named or 'no host is listed'}"
    return Outcome(int(code), message, tuple(failed), hosts, summary if named else message)


def different_bits(tile: int, answers: Hosts, failed: Sequence[FailedTile]) -> Outcome:
    """Return the outcome of a run in which two answers of a tile differ: (worker, digest) each."""
    named = " and ".join(f"{worker} ({digest})" for worker, digest in answers)
    message = f"tile {tile}: different bits from {named}"
    return Outcome(int(ExitCode.DIFFERENT_BITS), message, tuple(failed), answers)


def interrupted(exit_code: int, failed: Sequence[FailedTile]) -> Outcome:
    """Return the outcome of a run that was stopped, with the exit code that the signal asks for."""
    return Outcome(exit_code, "interrupted", tuple(failed))


def block(outcome: Outcome, advice: str = ADVICE) -> str:
    """Return an outcome as text: the summary, a line for each host or tile, and advice about hosts.

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
    last = [advice] if outcome.hosts else []
    return "\n".join([outcome.summary or outcome.message, *lines, *last])


def _join_named(names: Iterable[str]) -> str:
    """Join names; of a long list the first ten.

    >>> _join_named(map(str, range(12)))
    '0; 1; 2; 3; 4; 5; 6; 7; 8; 9; and 2 more'
    """
    every = list(names)
    rest = [f"and {len(every) - _NAMED} more"] if len(every) > _NAMED else []
    return "; ".join(every[:_NAMED] + rest)
