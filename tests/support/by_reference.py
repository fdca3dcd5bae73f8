"""Runs over files on a fleet, by reference or not, and what they told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coordinator.events import Event, Hearer, TileAnswered, TileSent, TileStored, WorkerPlaces
from coordinator.hosts.by_reference import ByReference
from coordinator.run.calls import Link
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import Placement, RunOptions, Storing


@dataclass
class Told:
    """What a run told."""

    hear: Hearer | None = None
    events: list[Event] = field(default_factory=list)

    def __call__(self, _: float, event: Event) -> None:
        self.events.append(event)
        if self.hear is not None:
            self.hear(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def places(self) -> list[WorkerPlaces]:
        return self.of(WorkerPlaces)

    @property
    def body_bytes(self) -> int:
        """Bytes of all answers' bodies, but for hedges: nobody knows beforehand how many."""
        hedges = {(sent.tile, sent.attempt) for sent in self.of(TileSent) if sent.hedge}
        answers = [
            each for each in self.of(TileAnswered) if (each.tile, each.attempt) not in hedges
        ]
        return sum(each.bytes_received for each in answers)

    @property
    def stored(self) -> int:
        return len(self.of(TileStored))


def blur(sigma: float = 2.0, **parameters: Any) -> list[Link]:
    return [("gaussian_filter", {"sigma": sigma, **parameters})]


def filtered(
    links: Sequence[tuple[str, Mapping[str, Any]]],
    source: Path,
    target: Path,
    hosts: Sequence[str] | str,
    by_reference: ByReference | None = None,
    tile: Any = None,
    storing: Storing = Storing(),  # noqa: B008 -- a frozen value
    hear: Hearer | None = None,
    **options: Any,
) -> Told:
    """Filter a file on a fleet; return what was told, and let somebody else hear it too.

    `hosts` may be the address of a dask cluster.
    """
    told = Told(hear)
    fleet = hosts if isinstance(hosts, str) else ",".join(hosts)
    name = "engine" if fleet.startswith("dask://") else "hosts"
    placement = Placement(**{name: fleet}, tile=tile, by_reference=by_reference)
    chosen = RunOptions(placement, style="none", log=told, storing=storing, **options)
    filter_chain(links, source, target, chosen)
    return told
