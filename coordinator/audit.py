"""`coord verify`: a finished file against what SciPy makes of its input on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from coordinator.chain import Chain
from coordinator.engines import Hearer
from coordinator.engines.local import NAME, capacity, usable_cores
from coordinator.errors import VerifyError
from coordinator.events import Event, RunFinished, TileSent, TileStored, WorkerReady
from coordinator.files import title
from coordinator.progress import Style, make_listener
from coordinator.run import Request, started
from coordinator.stores.memory import ArraySource
from coordinator.stores.npy import open_npy
from coordinator.verify import Check, Sampling
from tiling.plan import Plan


def verify_file(
    name: str,
    result: Path,
    source: Path,
    parameters: Mapping[str, Any],
    *,
    sampling: Sampling,
    style: Style = "auto",
) -> int:
    """Check a finished file; return how many tiles were found right.

    Parameters
    ----------
    name : str
        A row of `tiling.filters.FILTERS`.
    result, source : Path
        What is checked, and what it was made from.
    parameters : mapping
        SciPy's parameters of that filter.
    sampling : Sampling
        How much of it is looked at.
    style : str
        How to show the progress.

    Raises
    ------
    VerifyError
        If a bit, the shape or the dtype is another.
    """
    array, made = open_npy(source), open_npy(result)
    chain = Chain.of([(name, parameters)], len(array.shape), array.dtype)
    want = array.shape, chain.dtype
    if (made.shape, made.dtype) != want:
        got = f"{made.shape} of {made.dtype}"
        raise VerifyError(f"{result} holds {got}; SciPy makes {want[0]} of {want[1]}")
    request = Request(chain.job, array, title=title([(name, parameters)]))
    plan = request.plan(capacity(usable_cores()))
    with make_listener(style) as listen:

        def tell(event: Event) -> None:
            listen(time.monotonic(), event)

        return _audit(request, plan, made, sampling.draw(plan.grid), tell)


def _audit(
    request: Request, plan: Plan, made: ArraySource, sample: tuple[int, ...], tell: Hearer
) -> int:
    """Compare a sample of tiles, telling of it as of a run on so many tiles."""
    count = len(sample)
    tell(replace(started(request, plan, made.name), grid=(count,), tiles=count))
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
