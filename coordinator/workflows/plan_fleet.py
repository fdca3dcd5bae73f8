"""Who would compute a run that is only planned: workers of a hosts file, or a dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from coordinator.engines import Capacity
from coordinator.events import WorkerReady
from coordinator.planning.rehearsal import Sample
from coordinator.planning.speeds import Measured, Speeds
from coordinator.stores import Sink, Source
from coordinator.workflows.run_options import Placement
from tiling.jobs.job import Job


class Fleet(Protocol):
    """Workers that can be measured."""

    @property
    def in_flight_bytes(self) -> int:
        """Most bytes of tiles in flight."""

    @property
    def held(self) -> int:
        """How often a tile in flight is in this process's memory."""

    @property
    def opens(self) -> bool:
        """Whether its workers may be asked to open files."""

    def alone(
        self, job: Job, source: Source, sink: Sink | None
    ) -> tuple[tuple[Measured, ...], tuple[WorkerReady, ...]]:
        """Measure each worker by itself, and ask what it would open.

        Return also what those say that can be used.
        """

    def capacity(
        self, workers: Sequence[Measured], ready: Sequence[WorkerReady], in_flight_bytes: int
    ) -> Capacity:
        """Return what these workers can take with so many bytes in flight."""

    def ways(
        self,
        workers: Sequence[Measured],
        ready: Sequence[WorkerReady],
        samples: tuple[Sample, Sample],
        in_flight_bytes: int,
    ) -> tuple[Speeds, Speeds | None]:
        """Find out how fast workers are together; see `coordinator.planning.ways`."""


@contextmanager
def planned_fleet(placement: Placement) -> Iterator[Fleet | None]:
    """Yield who would compute, if that is not this machine."""
    if placement.engine is not None:
        from coordinator.engines.dask.connection import connected
        from coordinator.planning.measure_cluster import ClusterFleet

        with connected(placement.engine) as client:
            yield ClusterFleet(client, placement.by_reference or "auto")
    elif placement.hosts is None:
        yield None
    else:
        from coordinator.hosts.hosts_file import find_hosts
        from coordinator.hosts.token import find_credential, warn_of_clear_text
        from coordinator.planning.measure_fleet import HostsFleet

        config = find_hosts(placement.hosts).with_codec(placement.wire_codec)
        config = config.with_by_reference(placement.by_reference)
        credential = find_credential(placement.token_file or config.token_file)
        warn_of_clear_text(config, credential)
        yield HostsFleet(config, credential)
