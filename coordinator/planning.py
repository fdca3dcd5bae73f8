"""`coord plan` and `--dry-run`: everything about a run but the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coordinator.budget import FleetPeak, LocalPeak, Peak, fit, in_flight_bytes, resident_bytes
from coordinator.chain import Chain, Link
from coordinator.config import load_hosts
from coordinator.credential import find_credential
from coordinator.engines import Capacity
from coordinator.engines.local import capacity as local_capacity
from coordinator.engines.local import usable_cores
from coordinator.files import title
from coordinator.forecast import Forecast, Measured, expected_s, shares, verdict
from coordinator.measuring import measure_fleet, measure_here
from coordinator.run import Request, known_bound, tile_shape
from coordinator.stores.npy import open_npy
from tiling.cost import tile_bytes
from tiling.filters import FILTERS
from tiling.job import Job
from tiling.stages import stages

CAVEATS_HERE = ("one block was timed; cores that share memory's bandwidth may be slower together",)
CAVEATS_FLEET = (
    "workers were timed idle and one after another, each with one block: a link or a core that "
    "they share makes them slower together",
)


def plan_chain(
    links: Sequence[Link],
    source: Path,
    *,
    hosts: Path | None = None,
    token_file: Path | None = None,
    tile: Any = None,
    max_memory_bytes: int | None = None,
) -> Forecast:
    """Forecast the filtering of one `.npy` file; parameters as `coordinator.files.filter_chain`.

    Raises
    ------
    TilefanError, TilingError
        What a run would refuse before it writes anything.
    """
    array = open_npy(source)
    ndim = len(array.shape)
    whole = Chain.of(links, ndim, array.dtype).job
    whole.program.check_shape(array.shape)
    bound = known_bound(whole, array)
    parts = stages(whole, bound)
    job = next((part.work for part in parts if isinstance(part.work, Job)), whole)
    request = Request(job, array, tile_shape(tile, ndim), title(links), bound)
    base_bytes = resident_bytes()
    here = local_capacity(usable_cores())
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
            capacity = Capacity.within(slots, budget)
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
        exactness="; ".join(dict.fromkeys(FILTERS[name].exactness.value for name, _ in links)),
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
        caveats=(*(CAVEATS_FLEET if fleet else CAVEATS_HERE), *_staged(len(parts))),
    )


def _staged(number: int) -> tuple[str, ...]:
    """Say of a job in stages what the numbers are about."""
    if number == 1:
        return ()
    return (f"the job takes {number} stages, one after another: all this is about the first",)
