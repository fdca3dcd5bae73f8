"""`coord plan` and `--dry-run`: everything about a run but the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from coordinator.engines import Capacity
from coordinator.engines.local import capacity as local_capacity
from coordinator.hosts.hosts_file import Config, load_hosts
from coordinator.hosts.token import Credential, find_credential, warn_of_clear_text
from coordinator.machine import resident_bytes, usable_cores
from coordinator.planning.forecast import (
    Forecast,
    Measured,
    StageForecast,
    expected_s,
    shares,
    together,
    verdict,
)
from coordinator.planning.measure import measure_arithmetic, measure_fleet, measure_here
from coordinator.run.calls import Chain, Link, masked
from coordinator.run.memory_limit import FleetPeak, LocalPeak, Peak, fit, in_flight_bytes
from coordinator.run.request import Request, known_bound, tile_shape
from coordinator.stores import Source
from coordinator.stores.memory import CastSource
from coordinator.stores.npy import open_npy
from coordinator.stores.scratch import MEMORY_BYTES
from coordinator.workflows.filter_file import title
from coordinator.workflows.run_options import Placement
from tiling.dtypes import Dtype
from tiling.filters import FILTERS
from tiling.jobs.memory import tile_bytes
from tiling.jobs.stages import Stage, stages
from tiling.operations import Arithmetic

CAVEATS_HERE = ("one block was timed; cores that share memory's bandwidth may be slower together",)
CAVEATS_FLEET = (
    "workers were timed idle and one after another, each with one block: a link or a core that "
    "they share makes them slower together",
)


def plan_chain(links: Sequence[Link], source: Path, placement: Placement) -> Forecast:
    """Forecast the filtering of one `.npy` file.

    Parameters
    ----------
    links : sequence of (str, mapping)
        Rows of `tiling.filters.FILTERS`, and SciPy's parameters for each.
    source : Path
    placement : Placement

    Raises
    ------
    TilefanError, TilingError
        What a run would refuse before it writes anything.
    """
    array = open_npy(source)
    ndim = len(array.shape)
    job = Chain.of(links, ndim, array.dtype).job
    job.program.check_shape(array.shape)
    read = masked(links, array)
    bound = known_bound(job, read)
    request = Request(job, read, tile_shape(placement.tile, ndim), title(links), bound)
    fleet = None
    if placement.hosts is not None:
        fleet = load_hosts(placement.hosts), find_credential(placement.token_file)
        warn_of_clear_text(*fleet)
    place = _Place(fleet, placement.max_memory_bytes, resident_bytes())
    parts = stages(job, bound)
    dtypes = {0: read.dtype, **{part.number: part.target for part in parts}}
    costs, workers = [], tuple[Measured, ...]()
    for part in parts:
        cost, measured = place.forecast(request, part, [dtypes[number] for number in part.inputs])
        costs.append(cost)
        workers = workers or measured
    kept = _live_bytes(parts, math.prod(array.shape))
    exactness = "; ".join(dict.fromkeys(FILTERS[name].exactness.value for name, _ in links))
    return _together(request, exactness, costs, workers, kept)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a job would be computed, and with how much memory."""

    fleet: tuple[Config, Credential] | None
    limit_bytes: int | None
    base_bytes: int

    def forecast(
        self, request: Request, part: Stage, dtypes: Sequence[Dtype]
    ) -> tuple[StageForecast, tuple[Measured, ...]]:
        """Forecast one stage, which reads arrays of these dtypes; return also its workers."""
        sources = [CastSource(request.source, dtype) for dtype in dtypes]
        if isinstance(part.work, Arithmetic):
            return self._combined(part.work, sources, part.target), ()
        stage = replace(request, job=part.work, source=sources[0], bound=part.bound)
        machine, fleet = measure_here(stage.job, stage.source), tuple[Measured, ...]()
        here = local_capacity(usable_cores(), stage.job)
        peak: Peak = LocalPeak(self.base_bytes)
        capacity = here
        if self.fleet is not None:
            fleet = measure_fleet(*self.fleet, stage.job, stage.source)
            capacity, peak = self._of_fleet(fleet) or (capacity, peak)
        capacity = fit(stage, capacity, self.limit_bytes, peak)
        return _cost(stage, capacity, peak, here, machine, fleet), fleet

    def _of_fleet(self, fleet: Sequence[Measured]) -> tuple[Capacity, Peak] | None:
        slots = sum(worker.slots for worker in fleet)
        if not slots or self.fleet is None:
            return None
        budget = in_flight_bytes(self.fleet[0].in_flight_bytes, self.limit_bytes, self.base_bytes)
        return Capacity.within(slots, budget), FleetPeak(self.base_bytes, budget)

    def _combined(
        self, work: Arithmetic, sources: Sequence[Source], target: Dtype
    ) -> StageForecast:
        seconds = measure_arithmetic(work, sources, target)
        return StageForecast(
            tile=(),
            grid=(),
            tiles=0,
            reason=f"sample by sample, of {len(sources)} arrays, in this process",
            halo_overhead=0.0,
            bytes_there=0,
            bytes_back=0,
            coordinator_bytes=self.base_bytes,
            worker_bytes=0,
            here_s=seconds,
            fleet_s=seconds if self.fleet else None,
            shares=(),
        )


def _cost(
    stage: Request,
    capacity: Capacity,
    peak: Peak,
    here: Capacity,
    machine: Measured,
    fleet: tuple[Measured, ...],
) -> StageForecast:
    job, plan = stage.job, stage.plan(capacity)
    most = max((worker.slots for worker in fleet), default=0)
    return StageForecast(
        tile=tuple(max(1, length) for length in plan.largest_write),
        grid=plan.grid.counts,
        tiles=len(plan),
        reason=stage.choice(capacity).reason,
        halo_overhead=plan.halo_overhead,
        bytes_there=plan.bytes_in,
        bytes_back=plan.bytes_out,
        coordinator_bytes=peak(job, plan, capacity.slots),
        worker_bytes=most * tile_bytes(job, plan.largest_read, plan.largest_write),
        here_s=expected_s(stage.plan(here), [machine]) or 0.0,
        fleet_s=expected_s(plan, fleet),
        shares=shares(plan, fleet or (machine,)),
    )


def _live_bytes(parts: Sequence[Stage], samples: int) -> list[list[int]]:
    """Return, for each stage, the sizes of the intermediate arrays that are kept during it."""
    lasts = {number: i for i, part in enumerate(parts) for number in part.inputs}
    between = list(enumerate(parts[:-1]))
    return [
        [
            samples * part.target.itemsize
            for i, part in between
            if i <= stage <= lasts.get(part.number, i)
        ]
        for stage in range(len(parts))
    ]


def _together(
    request: Request,
    exactness: str,
    costs: Sequence[StageForecast],
    workers: tuple[Measured, ...],
    kept: Sequence[Sequence[int]],
) -> Forecast:
    """Add the stages up."""
    source, first = request.source, next((cost for cost in costs if cost.tiles), costs[0])
    here_s = sum(cost.here_s for cost in costs)
    times_s = [cost.fleet_s for cost in costs if cost.fleet_s is not None]
    fleet_s = sum(times_s) if len(times_s) == len(costs) else None
    moved = [sum(cost.bytes_there for cost in costs), sum(cost.bytes_back for cost in costs)]
    out_bytes = math.prod(source.shape) * request.job.target.itemsize
    in_memory = [sum(size for size in sizes if size <= MEMORY_BYTES) for sizes in kept]
    return Forecast(
        input=source.name,
        dtype=str(source.dtype),
        filter=request.title,
        exactness=exactness,
        shape=source.shape,
        tile=first.tile,
        grid=first.grid,
        tiles=sum(cost.tiles for cost in costs),
        reason=first.reason,
        halo_overhead=sum(cost.halo_overhead for cost in costs),
        bytes_there=moved[0],
        bytes_back=moved[1],
        coordinator_bytes=max(
            cost.coordinator_bytes + size for cost, size in zip(costs, in_memory, strict=True)
        ),
        worker_bytes=max(cost.worker_bytes for cost in costs),
        here_s=here_s,
        fleet_s=fleet_s,
        shares=together(costs),
        stages=tuple(costs),
        between_bytes=max(map(sum, kept)),
        verdict=verdict(sum(moved), out_bytes, here_s, fleet_s, workers),
        caveats=CAVEATS_FLEET if workers else CAVEATS_HERE,
    )
