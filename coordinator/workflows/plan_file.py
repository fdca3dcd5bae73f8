"""`coord plan` and `--dry-run`: everything about a run but the run."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from coordinator.engines import Capacity
from coordinator.engines.local import capacity as local_capacity
from coordinator.machine import resident_bytes, usable_cores
from coordinator.planning.forecast import (
    Forecast,
    StageForecast,
    passing,
    shares,
    together,
    verdict,
)
from coordinator.planning.hints import of_chunks
from coordinator.planning.measure import (
    measure_arithmetic,
    measure_files,
    measure_here,
    measure_scratch,
)
from coordinator.planning.rehearsal import Sample
from coordinator.planning.speeds import Measured, Speeds, sharing
from coordinator.report.artifacts import CHEAP_BYTES
from coordinator.run.calls import Link, chain_of, masked
from coordinator.run.memory_limit import (
    Copies,
    FleetPeak,
    LocalPeak,
    Peak,
    check_chunks,
    fit,
    in_flight_bytes,
)
from coordinator.run.request import Request, check_grain, known_bound, row_grain, tile_shape
from coordinator.stores import FileSource, Sink, Source
from coordinator.stores.file_state import FileState
from coordinator.stores.files import open_place
from coordinator.stores.memory import CastSource
from coordinator.stores.place import Place
from coordinator.stores.scratch import MEMORY_BYTES
from coordinator.stores.storing import Storing
from coordinator.workflows.filter_file import title
from coordinator.workflows.plan_fleet import Fleet, planned_fleet
from coordinator.workflows.plan_output import PlannedOutput
from coordinator.workflows.run_options import Placement
from places.network import boot
from tiling.dtypes import Dtype
from tiling.filters import FILTERS
from tiling.geometry.grid import Grid
from tiling.geometry.plan import Plan
from tiling.jobs.cost import mean_work
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.jobs.stages import Stage, stages
from tiling.operations import Arithmetic

CAVEAT_HERE = "some tiles were computed beforehand; with others, the rest may take longer"
CAVEAT_FLEET = (
    "some tiles were computed beforehand, by a few workers at most: where more share a link, all "
    "are slower"
)
CAVEAT_CHUNKS = (
    "by reference was measured without writing chunks: tiles were read so, and came back as bytes"
)
CAVEAT_REPEATED = "what is repeated until nothing changes is counted once: how often is not known"


def plan_chain(
    links: Sequence[Link],
    source: Path,
    placement: Placement,
    process_s: float = 0.0,
    target: Path | None = None,
    storing: Storing = Storing(),  # noqa: B008 -- a frozen value
) -> Forecast:
    """Forecast the filtering of one file of an array into another.

    Parameters
    ----------
    links : sequence of (str, mapping)
        Rows of `tiling.filters.FILTERS`, and SciPy's parameters for each.
    source : Path
    placement : Placement
    process_s : float
        What a process takes before it comes here.
    target : Path, optional
        The output; a file beside the input unless given.
    storing : Storing
        How it is stored.

    Raises
    ------
    TilefanError, TilingError
        What a run would refuse before it writes anything.
    """
    began_s = time.perf_counter()
    given = Place.parse(source)
    array, source = open_place(given, placement.max_memory_bytes), given.path
    reading_bytes = check_chunks(array, placement.max_memory_bytes)
    ndim = len(array.shape)
    chain = chain_of(links, array)
    job = chain.job
    job.program.check_shape(array.shape)
    read = masked(links, array)
    bound = known_bound(job, read)
    tile = tile_shape(placement.tile, ndim)
    output = PlannedOutput.of(given, target, array, chain.dtype, storing)
    grain = output.grain
    check_grain(tile, array.shape, grain)
    if placement.hosts is not None and not grain:
        grain = row_grain(array.shape, chain.dtype.itemsize)
    request = Request(job, read, tile, title(links), bound, grain=grain)
    parts = stages(job, bound)
    with planned_fleet(placement) as fleet:
        base_bytes = resident_bytes() + reading_bytes
        place = _Place(fleet, placement.max_memory_bytes, base_bytes, output)
        start_s = process_s + time.perf_counter() - began_s
        costs, workers = _costs(place, request, parts)
    sizes = FileState.of(given).file_bytes, math.prod(array.shape) * job.target.itemsize
    cheap_bytes = sum(size for size in sizes if size <= CHEAP_BYTES)
    finish_s = measure_files(source, output.folder, sizes[1], cheap_bytes)
    kept = _live_bytes(parts, math.prod(array.shape))
    exactness = "; ".join(dict.fromkeys(FILTERS[name].exactness.value for name, _ in links))
    caveats = *_caveats(parts, workers), *_of_chunks(array, parts[0], costs[0])
    if output.grain and any(worker.writes for worker in workers):
        caveats = *caveats, CAVEAT_CHUNKS
    around = _Around(start_s, finish_s, caveats)
    return _together(request, exactness, costs, workers, kept, around)


def _costs(
    place: _Place, request: Request, parts: Sequence[Stage]
) -> tuple[list[StageForecast], tuple[Measured, ...]]:
    """Forecast one stage after another; return also the workers."""
    size = math.prod(request.source.shape)
    dtypes = {0: request.source.dtype, **{part.number: part.target for part in parts}}
    costs, workers = [], tuple[Measured, ...]()
    for part in parts:
        read_dtypes = [dtypes[number] for number in part.inputs]
        last = part is parts[-1]
        cost, measured = place.forecast(request, part, read_dtypes, last=last)
        costs.append(cost if last else _kept(cost, size * part.target.itemsize))
        workers = workers or measured
    return costs, workers


def _kept(cost: StageForecast, array_bytes: int) -> StageForecast:
    """Add what the array of a stage costs that is kept for a later one."""
    kept_s = measure_scratch(array_bytes)
    fleet_s = None if cost.fleet_s is None else cost.fleet_s + kept_s
    by_bytes_s = None if cost.by_bytes_s is None else cost.by_bytes_s + kept_s
    here_s = cost.here_s + kept_s
    return replace(cost, here_s=here_s, fleet_s=fleet_s, by_bytes_s=by_bytes_s)


def _of_chunks(array: FileSource, first: Stage, cost: StageForecast) -> Iterator[str]:
    """Yield what is to be said of the chunks of an input that has some."""
    inner = getattr(array.about, "inner", ())
    if inner and cost.tiles and isinstance(first.work, Job):
        job = first.work
        itemsizes = job.source.itemsize, job.target.itemsize
        plan = Plan(Grid(array.shape, cost.tile), job.halo, job.wraps, *itemsizes)
        yield from of_chunks(plan, inner)


def _caveats(parts: Sequence[Stage], workers: tuple[Measured, ...]) -> Iterator[str]:
    yield CAVEAT_FLEET if workers else CAVEAT_HERE
    if any(part.repeated for part in parts):
        yield CAVEAT_REPEATED
    yield from sharing([worker for worker in workers if not worker.trouble], boot())


@dataclass(frozen=True, slots=True)
class _Around:
    """What a run takes before and after its stages, and what makes the forecast crude."""

    start_s: float
    finish_s: float
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """Workers, what they can take, and how fast they are together; also if nothing is opened."""

    workers: tuple[Measured, ...]
    capacity: Capacity
    peak: Peak
    speeds: Speeds
    by_bytes: Speeds | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a job would be computed, and with how much memory."""

    fleet: Fleet | None
    limit_bytes: int | None
    base_bytes: int
    output: PlannedOutput

    def forecast(
        self, request: Request, part: Stage, dtypes: Sequence[Dtype], *, last: bool
    ) -> tuple[StageForecast, tuple[Measured, ...]]:
        """Forecast one stage, which reads arrays of these dtypes; return also its workers."""
        sources = [CastSource(request.source, dtype) for dtype in dtypes]
        if isinstance(part.work, Arithmetic):
            return self._combined(part.work, sources, part.target), ()
        is_first = part.inputs == (0,) and dtypes[0] == request.source.dtype
        source = request.source if is_first else sources[0]
        stage = replace(request, job=part.work, source=source, bound=part.bound)
        folder = self.output.fillable if last else None
        here = self._here(stage, folder)
        if self.fleet is None:
            return _cost(stage, here, here), ()
        output = self.output.begun(stage.source) if last and self.fleet.opens else nullcontext()
        with output as sink:
            there = self._there(stage, folder, sink, self.fleet)
        return _cost(stage, here, there), there.workers

    def _here(self, stage: Request, folder: Path | None) -> _Found:
        peak = LocalPeak(self.base_bytes, Copies.of_output(stage))
        capacity = local_capacity(usable_cores(), stage.job)
        if self.fleet is None:
            capacity = fit(stage, capacity, self.limit_bytes, peak)
        sample = _sample(stage, stage.plan(capacity), folder)
        machine, rehearsal = measure_here(sample, capacity)
        return _Found((machine,), capacity, peak, Speeds.of([machine], rehearsal))

    def _there(
        self, stage: Request, folder: Path | None, sink: Sink | None, fleet: Fleet
    ) -> _Found:
        """Measure the fleet; where nobody can be used, tiles are those of this machine."""
        base_bytes, copies = self.base_bytes, Copies.of_output(stage)
        workers, ready = fleet.alone(stage.job, stage.source, sink)
        if not ready:
            capacity = local_capacity(usable_cores(), stage.job)
            return _Found(workers, capacity, LocalPeak(base_bytes, copies), Speeds(()))
        limit_bytes, held = self.limit_bytes, fleet.held
        budget = in_flight_bytes(fleet.in_flight_bytes, limit_bytes, base_bytes, copies, held)
        peak = FleetPeak(base_bytes, budget, copies, held)
        capacity = fit(stage, fleet.capacity(workers, ready, budget), limit_bytes, peak)
        sample = _sample(stage, stage.plan(capacity), folder)
        samples = sample, replace(sample, sink=sink if folder else None)
        return _Found(workers, capacity, peak, *fleet.ways(workers, ready, samples, budget))

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


def _sample(stage: Request, plan: Plan, folder: Path | None) -> Sample:
    bound = math.inf if stage.bound is None else stage.bound
    whole = (False,) * stage.job.ndim if stage.job.repeated else stage.job.whole(bound)
    return Sample(stage.job, plan, stage.source, whole, folder)


def _cost(stage: Request, here: _Found, there: _Found) -> StageForecast:
    """Price a stage, as cut for those who would compute it."""
    job, plan, choice = stage.job, stage.plan(there.capacity), stage.choice(there.capacity)
    local = stage.plan(here.capacity)
    most = max((worker.slots for worker in there.workers), default=0) if there is not here else 0
    work = mean_work(job, plan.grid)
    dealt = shares(len(plan), work, there.workers, there.speeds)
    passes = passing(dealt, plan.bytes_in, plan.bytes_out)
    return StageForecast(
        tile=tuple(max(1, length) for length in plan.largest_write),
        grid=plan.grid.counts,
        tiles=len(plan),
        reason=choice.reason,
        halo_overhead=plan.halo_overhead,
        bytes_there=plan.bytes_in,
        bytes_back=plan.bytes_out,
        coordinator_bytes=there.peak(job, plan, there.capacity.slots),
        worker_bytes=most * tile_bytes(job, plan.largest_read, plan.largest_write),
        here_s=here.speeds.expected_s(len(local), mean_work(job, local.grid)) or 0.0,
        fleet_s=None if there is here else there.speeds.expected_s(len(plan), work),
        shares=dealt,
        alternatives=choice.others,
        model_s=choice.makespan_s,
        by_bytes_s=there.by_bytes.expected_s(len(plan), work) if there.by_bytes else None,
        passing_there=passes[0],
        passing_back=passes[1],
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
    around: _Around,
) -> Forecast:
    """Add the stages up."""
    source, first = request.source, next((cost for cost in costs if cost.tiles), costs[0])
    besides_s = around.start_s + around.finish_s
    here_s = besides_s + sum(cost.here_s for cost in costs)
    times_s = [cost.fleet_s for cost in costs if cost.fleet_s is not None]
    fleet_s = besides_s + sum(times_s) if len(times_s) == len(costs) else None
    opened = fleet_s is not None and any(cost.by_bytes_s is not None for cost in costs)
    bytes_s = [cost.fleet_s if cost.by_bytes_s is None else cost.by_bytes_s for cost in costs]
    passes = [sum(cost.passing_there for cost in costs), sum(cost.passing_back for cost in costs)]
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
        bytes_there=sum(cost.bytes_there for cost in costs),
        bytes_back=sum(cost.bytes_back for cost in costs),
        coordinator_bytes=max(
            cost.coordinator_bytes + size for cost, size in zip(costs, in_memory, strict=True)
        ),
        worker_bytes=max(cost.worker_bytes for cost in costs),
        here_s=here_s,
        fleet_s=fleet_s,
        start_s=around.start_s,
        finish_s=around.finish_s,
        shares=together(costs),
        stages=tuple(costs),
        between_bytes=max(map(sum, kept)),
        verdict=verdict(sum(passes), out_bytes, here_s, fleet_s, workers),
        caveats=around.caveats,
        by_bytes_s=besides_s + sum(filter(None, bytes_s)) if opened else None,
        passing_there=passes[0],
        passing_back=passes[1],
    )
