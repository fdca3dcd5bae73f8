"""`coord plan` and `--dry-run`: everything about a run but the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coordinator.budget import FleetPeak, LocalPeak, Peak, fit, in_flight_bytes, resident_bytes
from coordinator.config import load_hosts
from coordinator.credential import find_credential
from coordinator.engines import Capacity
from coordinator.engines.local import usable_cores
from coordinator.files import title
from coordinator.forecast import Forecast, Measured, expected_s, shares, verdict
from coordinator.measuring import measure_fleet, measure_here
from coordinator.run import Request, tile_shape
from coordinator.stores.npy import open_npy
from tiling.choose import MAX_TILE_BYTES
from tiling.cost import tile_bytes
from tiling.filters import FILTERS
from tiling.job import Job

CAVEATS_HERE = ("one block was timed; cores that share memory's bandwidth may be slower together",)
CAVEATS_FLEET = (
    "workers were timed idle and one after another, each with one block: a link or a core that "
    "they share makes them slower together",
)


def plan_file(
    name: str,
    source: Path,
    parameters: Mapping[str, Any],
    *,
    hosts: Path | None = None,
    token_file: Path | None = None,
    tile: Any = None,
    max_memory_bytes: int | None = None,
) -> Forecast:
    """Forecast the filtering of one `.npy` file; parameters as `coordinator.files.filter_file`.

    Raises
    ------
    TilefanError, TilingError
        What a run would refuse before it writes anything.
    """
    array = open_npy(source)
    ndim = len(array.shape)
    job = Job(ndim, (FILTERS[name].call(ndim, array.dtype, **parameters),))
    request = Request(job, array, tile_shape(tile, ndim), title(name, parameters))
    base_bytes = resident_bytes()
    here = Capacity(usable_cores(), MAX_TILE_BYTES)
    machine = measure_here(job, array)
    fleet: tuple[Measured, ...] = ()
    capacity = here
    peak: Peak = LocalPeak(base_bytes)
    if hosts is not None:
        config = load_hosts(hosts)
        fleet = measure_fleet(config, find_credential(token_file), job, array)
        slots = sum(worker.slots for worker in fleet)
        if slots:
            budget = in_flight_bytes(config, max_memory_bytes, base_bytes)
            capacity = Capacity(slots, min(MAX_TILE_BYTES, budget // (2 * slots)))
            peak = FleetPeak(base_bytes, budget)
    capacity = fit(request, capacity, max_memory_bytes, peak)
    plan, reason = request.plan(capacity), request.choice(capacity).reason
    here_s = expected_s(request.plan(here), [machine]) or 0.0
    fleet_s = expected_s(plan, fleet)
    most = max((worker.slots for worker in fleet), default=0)
    return Forecast(
        input=array.name,
        dtype=str(array.dtype),
        filter=request.title,
        exactness=FILTERS[name].exactness.value,
        shape=plan.grid.shape,
        tile=plan.grid.tile,
        grid=plan.grid.counts,
        tiles=len(plan),
        reason=reason,
        halo_overhead=plan.halo_overhead,
        bytes_there=plan.bytes_in,
        bytes_back=plan.bytes_out,
        coordinator_bytes=peak(job, plan, capacity.slots),
        worker_bytes=most * tile_bytes(job, plan.largest_read, plan.largest_write),
        here_s=here_s,
        fleet_s=fleet_s,
        shares=shares(plan, fleet or (machine,)),
        verdict=verdict(plan, here_s, fleet_s, fleet),
        caveats=CAVEATS_FLEET if fleet else CAVEATS_HERE,
    )
