"""Arrays in memory, filtered by an engine: from SciPy's parameters to the result."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coordinator.engines import Engine
from coordinator.events import Event, Listener
from coordinator.run.calls import Chain, Link, heeded, masked
from coordinator.run.output import Output
from coordinator.run.request import Request, known_bound, tile_shape, whole
from coordinator.run.run import run
from coordinator.stores.memory import ArraySink, ArraySource
from coordinator.stores.recycler import LEFTOVERS
from coordinator.warn import warn
from tiling.dtypes import Array, Dtype
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters import FILTERS
from tiling.geometry.plan import Plan
from tiling.jobs.job import Call, Job
from tiling.jobs.stages import stages
from tiling.operations import Program

if TYPE_CHECKING:
    from coordinator.checks.recompute import Sampling


def filter_array(
    engine: Engine,
    listen: Listener,
    links: Sequence[Link],
    input: Any,  # noqa: A002 -- SciPy's name
    tile: Any = None,
    sampling: Sampling | None = None,
) -> Array:
    """Normalise SciPy's parameters, run, and return the output of the last filter.

    Parameters
    ----------
    engine : Engine
    listen : Listener
    links : sequence of (str, mapping)
        The last may have an array as its `output`, which is filled and returned.
    input : array_like
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns.
    sampling : Sampling, optional
        Which tiles are verified.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, a filter before the last is given an array to fill, or a
        window looks at one sample that is broadcast.
    TilefanError
        If the run fails.
    """
    array, links = as_array(input), as_chain(links)
    for name, parameters in links[:-1]:
        if _given(parameters.get("output")) is not None:
            raise BadTypeError(f"{name}: only the last filter of a chain fills an output array")
    chain = Chain.of(links, array.ndim, array.dtype)
    warn_as_scipy(links, chain.job)
    _check_broadcast(array, chain.job)
    out = _output(links[-1][1].get("output"), array, chain.dtype)
    _check_layout(out, chain.job.calls[-1])
    overlaps = np.may_share_memory(array, out)
    if overlaps:
        _check_in_place(links)
    # A tile's output must not be another tile's halo.
    filled = np.empty_like(out) if overlaps else out
    shape = tile_shape(tile, array.ndim)
    source = masked(links, ArraySource(array))
    request = Request(chain.job, source, shape, sampling=sampling)
    run(request, lambda _: Output(ArraySink(filled)), engine, listen)
    if filled is not out:
        out[...] = filled
    return out


def plan_array(engine: Engine, links: Sequence[Link], input: Any, tile: Any = None) -> Plan:  # noqa: A002
    """Return how `filter_array` would cut an array; of a job in stages, the last one's plan."""
    array, links = as_array(input), as_chain(links)
    job = Chain.of(links, array.ndim, array.dtype).job
    source = masked(links, ArraySource(array))
    parts = [part for part in stages(job, known_bound(job, source)) if isinstance(part.work, Job)]
    if not parts:
        return whole(source)
    last = parts[-1]
    assert isinstance(last.work, Job)  # noqa: S101 -- the others were left out
    request = Request(last.work, source, tile_shape(tile, array.ndim), bound=last.bound)
    return request.plan(engine.prepare(last.work, lambda _: None))


def as_array(input: Any) -> Array:  # noqa: A002
    """Return the input as an array; NumPy makes none of rows of several lengths.

    Raises
    ------
    BadValueError
        Then.
    """
    try:
        return np.asarray(input)
    except ValueError as error:
        raise BadValueError(f"the input is no array: {error}") from None


def as_chain(links: Any) -> list[Link]:
    """Return the filters of a chain, without what SciPy ignores of their parameters.

    Raises
    ------
    BadTypeError
        If any is something else than a name and its parameters.
    """
    chain: list[Link] = []
    several = isinstance(links, Iterable) and not isinstance(links, str)
    for link in links if several else [links]:
        match link:
            case (str(name), Mapping() as parameters):
                chain.append((name, heeded(name, parameters)))
            case _:
                form = '[("gaussian_filter", {"sigma": 2})]'
                raise BadTypeError(
                    f"filters are names with their parameters, such as {form}, "
                    f"not {reprlib.repr(link)}"
                )
    return chain


def warn_as_scipy(links: Sequence[Link], job: Job) -> None:
    """Warn of what SciPy warns of."""
    for (_, parameters), call in zip(links, job.calls, strict=True):
        if parameters.get("size") is not None and parameters.get("footprint") is not None:
            warn(UserWarning("ignoring size because footprint is set"))
        output = parameters.get("output")
        asked = np.dtype(output) if isinstance(output, type | np.dtype) else call.target
        if call.target.kind == "c" != asked.kind:
            warn(UserWarning("promoting specified output dtype to complex"))


def _check_broadcast(array: Array, job: Job) -> None:
    """Refuse windows over one sample that is broadcast: SciPy takes its neighbours for outside."""
    if array.size < 2 or any(array.strides):
        return
    from tiling.operations.windows import Window

    for step in job.program.steps:
        operation = step.operation if 0 in step.inputs else None
        if isinstance(operation, Window) and operation.by_strides(array.shape):
            raise UnsupportedError(
                f"{job.calls[0].filter}: the input is one sample broadcast to {array.shape}, and "
                "SciPy takes most of it for the outside; give a copy: np.ascontiguousarray(input)"
            )


def _check_layout(out: Array, call: Call) -> None:
    """Refuse to add up copies whose bits are those of the output's layout in SciPy."""
    if (out.flags.c_contiguous and out.dtype.isnative) or not isinstance(call.operation, Program):
        return
    if replace(call.operation, steps=call.operation.steps[:-1]).by_layout:
        raise UnsupportedError(
            f"{call.filter}: nothing is filtered, and what SciPy adds up depends on the layout of "
            "the output; give a contiguous one of this machine's byte order"
        )


def _check_in_place(links: Sequence[Link]) -> None:
    """Refuse an output that overlaps the input where SciPy reads it again, half overwritten."""
    name, parameters = links[0]
    complex_weights = np.iscomplexobj(parameters.get("weights", 0))
    if len(links) == 1 and (complex_weights or not FILTERS[name].in_place):
        raise UnsupportedError(
            f"{name}: the output shares memory with the input, which SciPy overwrites "
            "before it has read all of it; give another output"
        )


def _given(output: Any) -> Array | None:
    """Return the array that `output` is, if it is one."""
    if output is None or isinstance(output, str | type | np.dtype):
        return None
    return np.asarray(output)


def _output(output: Any, array: Array, dtype: Dtype) -> Array:
    """Return the array to fill."""
    given = _given(output)
    if given is None:
        return LEFTOVERS.empty(array.shape, dtype)
    if given.shape != array.shape:
        raise UnsupportedError(f"output shape not correct: {given.shape}, not {array.shape}")
    return given


def silent(at: float, event: Event) -> None:
    """Hear nothing."""
