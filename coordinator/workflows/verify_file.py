"""`coord verify`: a finished file against what SciPy makes of its input on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from coordinator.checks.recompute import Check, Sampling
from coordinator.display.listener import Style, make_listener
from coordinator.engines.local import capacity
from coordinator.errors import InputError, VerifyError
from coordinator.events import Event, Hearer, RunFinished, TileSent, TileStored, WorkerReady
from coordinator.machine import NAME, usable_cores
from coordinator.run.calls import Chain, Link
from coordinator.run.request import Request, known_bound
from coordinator.run.stage import run_started
from coordinator.stores.memory import ArraySource
from coordinator.stores.npy import open_npy
from coordinator.workflows.filter_file import title
from tiling.geometry.plan import Plan


def verify_file(
    links: Sequence[Link],
    result: Path,
    source: Path,
    *,
    job: str = "",
    sampling: Sampling,
    style: Style = "auto",
) -> int:
    """Check a finished file; return how many tiles were found right.

    Parameters
    ----------
    links : sequence of (str, mapping)
        Rows of `tiling.filters.FILTERS`, and SciPy's parameters for each.
    result, source : Path
        What is checked, and what it was made from.
    job : str
        Digest of the job that these filters must come to; any if it is empty.
    sampling : Sampling
        How much of it is looked at.
    style : str
        How to show the progress.

    Raises
    ------
    VerifyError
        If a bit, the shape or the dtype is another.
    InputError
        If the filters come to another job.
    """
    array, made = open_npy(source), open_npy(result)
    chain = Chain.of(links, len(array.shape), array.dtype)
    if job not in ("", chain.job.digest):
        raise InputError(f"{result}: its provenance tells of another job; say --filter and how")
    want = array.shape, chain.dtype
    if (made.shape, made.dtype) != want:
        got = f"{made.shape} of {made.dtype}"
        raise VerifyError(f"{result} holds {got}; SciPy makes {want[0]} of {want[1]}")
    chain.job.program.check_shape(array.shape)
    bound = known_bound(chain.job, array)
    request = Request(chain.job, array, title=title(links), bound=bound)
    plan = request.plan(capacity(usable_cores()))
    with make_listener(style) as listen:

        def tell(event: Event) -> None:
            listen(time.monotonic(), event)

        return _audit(request, plan, made, sampling.draw(plan.grid), tell)


def _audit(
    request: Request, plan: Plan, made: ArraySource, sample: Sequence[int], tell: Hearer
) -> int:
    """Compare a sample of tiles, telling of it as of a run on so many tiles."""
    count = len(sample)
    tell(replace(run_started(request, plan, made.name), grid=(count,), tiles=count))
    tell(WorkerReady(NAME, usable_cores()))
    try:
        check = Check(request.job, plan, request.source, made.read)
        for place, number in enumerate(check.tiles(sample, {})):
            size = plan[number].write.size * plan.output_itemsize
            tell(TileSent(place, NAME, attempt=1, bytes_sent=0))
            tell(TileStored(place, NAME, size))
    except BaseException as error:
        tell(RunFinished(error=str(error)))
        raise
    tell(RunFinished())
    return count
