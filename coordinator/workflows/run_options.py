"""The options of a run over files: its placement, its display, and the files it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coordinator.display.listener import Style
from coordinator.report.artifacts import Artifacts
from coordinator.stores.storing import Storing

if TYPE_CHECKING:
    from coordinator.checks.recompute import Sampling
    from coordinator.events import Event, Listener
    from coordinator.hosts.by_reference import ByReference
    from coordinator.hosts.codec import Codec

__all__ = ["Placement", "RunOptions", "Storing", "both"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a job is computed, and in what pieces.

    Parameters
    ----------
    hosts : str, optional
        What `coordinator.hosts.hosts_file.find_hosts` takes; this machine's cores without it.
    token_file : Path, optional
        Of the fleet; see `coordinator.hosts.token`.
    tile : int or sequence of int, optional
        Shape of a tile.
    max_memory_bytes : int, optional
        Of this process; tiles are made so small that it suffices.
    wire_codec : str, optional
        What tiles travel in to a fleet and back; as its hosts file says unless given.
    by_reference : str, optional
        Whether workers open the files themselves; as its hosts file says unless given.
    engine : str, optional
        Where the scheduler of a dask cluster is, in place of hosts: ``dask://HOST:PORT``, or
        ``tls://HOST:PORT``.
    """

    hosts: str | None = None
    token_file: Path | None = None
    tile: Any = None
    max_memory_bytes: int | None = None
    wire_codec: Codec | None = None
    by_reference: ByReference | None = None
    engine: str | None = None


def _silent(_: str) -> None:
    pass


def both(first: Listener, second: Listener) -> Listener:
    """Return a listener that is these two, in this order."""

    def listen(at: float, event: Event) -> None:
        first(at, event)
        second(at, event)

    return listen


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run does besides filtering.

    Parameters
    ----------
    placement : Placement
    overwrite : bool
        Whether the output may exist, and what an unfinished run left may be lost.
    sync : bool
        Whether the output's bytes are on the disk before its name is: so it outlives a power cut.
    resume : bool
        Whether to go on with an unfinished run.
    keep_going : bool
        Whether the fleet computes the rest when a tile failed everywhere.
    sampling : Sampling, optional
        Which tiles are verified before the output appears.
    style : str
        How to show the progress; see `coordinator.display.listener`.
    notes : bool
        Whether to say beforehand what may surprise; see `coordinator.planning.hints`.
    say : callable
        Takes a sentence for the user.
    again : str
        The command that resumes this run, printed if it ends early.
    log : callable, optional
        Also hears each event of the run.
    artifacts : Artifacts
        What to write beside the output.
    storing : Storing
        How the output is stored, in a format that leaves a choice.
    """

    placement: Placement = Placement()
    overwrite: bool = False
    sync: bool = True
    resume: bool = False
    keep_going: bool = False
    sampling: Sampling | None = None
    style: Style = "auto"
    notes: bool = False
    say: Callable[[str], None] = _silent
    again: str = ""
    log: Listener | None = None
    artifacts: Artifacts = field(default_factory=Artifacts)
    storing: Storing = field(default_factory=Storing)
