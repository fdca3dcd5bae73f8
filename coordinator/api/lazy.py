"""dask arrays, filtered lazily: the functions behind `tilefan.dask`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np

from coordinator.api.arrays import as_array, as_chain, warn_as_scipy
from coordinator.api.documentation import summary
from coordinator.api.functions import arguments, named, signature_of
from coordinator.api.lazy_tiles import Lazy, combined, filtered, states
from coordinator.api.tracebacks import brief
from coordinator.run.calls import Chain, Link
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters import FILTERS, Exactness, Filter
from tiling.jobs.job import Job
from tiling.jobs.stages import Stage, stages
from tiling.operations.base import dtype_bound


def filter_lazily(links: Sequence[Link], input: Any) -> Lazy:  # noqa: A002 -- SciPy's name
    """Return a dask array that is what SciPy's filters give one after another.

    Parameters
    ----------
    links : sequence of (str, mapping)
    input : array_like
        One that is no dask array is one chunk.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, or chunks can't have its bits.
    """
    x, links = _dask_array(input), as_chain(links)
    outputs = (parameters.get("output") for _, parameters in links)
    if not all(isinstance(output, str | type | np.dtype | None) for output in outputs):
        raise BadTypeError(
            "a lazy result fills no array; give output=None or a dtype, and store the result: "
            "dask.array.store(result, array)"
        )
    chain = Chain.of(links, x.ndim, x.dtype)
    warn_as_scipy(links, chain.job)
    chain.job.program.check_shape(x.shape)
    result = _staged(chain.job, _masked(x, links[0][1].get("mask")))
    return result if result.dtype == chain.dtype else result.astype(chain.dtype)


def _dask_array(input: Any) -> Lazy:  # noqa: A002
    """Return the input as a dask array of NumPy's, of which all lengths are known."""
    lazy = getattr(input, "data", None)  # of xarray's
    x = next((each for each in (input, lazy) if isinstance(each, da.Array)), None)
    if x is None:
        x = da.from_array(as_array(input), chunks=-1)
    if not isinstance(x._meta, np.ndarray):
        raise BadTypeError(f"the chunks are {type(x._meta).__name__}, and must be NumPy's arrays")
    if any(map(math.isnan, x.shape)):
        raise BadValueError(
            "the lengths of chunks are not known; x.compute_chunk_sizes() finds out"
        )
    return x


def _masked(x: Lazy, mask: Any) -> Lazy:
    """Return what the filters read: the array, and perhaps the mask with it."""
    if mask is None:
        return x
    if np.shape(mask) != x.shape:
        raise UnsupportedError(
            f"mask and input must have equal sizes, not {np.shape(mask)} and {x.shape}"
        )
    lazy = mask if isinstance(mask, da.Array) else da.from_array(np.asarray(mask), chunks=x.chunks)
    return states(x, lazy.rechunk(x.chunks))


def _staged(job: Job, x: Lazy) -> Lazy:
    """Return what the stages of a job make of an array whose samples are not known yet."""
    arrays, chunks = {0: x}, x.chunks
    for stage in stages(job, dtype_bound(job.source)):
        read = [arrays[number] for number in stage.inputs]
        if isinstance(stage.work, Job):
            whole = _whole(stage, stage.work, x)
            arrays[stage.number] = filtered(_kept(read[0], chunks, whole), stage.work)
        else:
            if stage.work.by_layout:
                _check_one_chunk(x, "a cast to uint32 that filters nothing", "use astype")
            alike = [each.rechunk(chunks) for each in read]
            arrays[stage.number] = combined(stage.work, alike, stage.target)
        result = arrays[stage.number]
    return result.rechunk(chunks)


def _whole(stage: Stage, job: Job, x: Lazy) -> tuple[bool, ...]:
    """Return which axes chunks must have whole."""
    if stage.repeated:
        _check_one_chunk(x, "a filter until nothing changes", "give iterations")
        return (False,) * job.ndim
    return job.whole(stage.bound)


def _check_one_chunk(x: Lazy, what: str, otherwise: str) -> None:
    """Refuse several chunks where the bits are those of the whole array."""
    if (count := math.prod(x.numblocks)) > 1:
        raise UnsupportedError(
            f"{what} runs across the whole array, so it needs an array of one chunk, not of "
            f"{count}: x.rechunk(-1) makes it, or {otherwise}"
        )


def _kept(x: Lazy, chunks: tuple[tuple[int, ...], ...], whole: tuple[bool, ...]) -> Lazy:
    """Return an array in these chunks, but for axes that must be whole."""
    axes = zip(chunks, whole, strict=True)
    return x.rechunk(tuple((sum(along),) if kept else along for along, kept in axes))


def _function(row: Filter) -> Callable[..., Lazy]:
    signature = _signature(row)

    def call(*args: Any, **kwargs: Any) -> Lazy:
        parameters, array, _ = arguments(row, signature, args, kwargs)
        return filter_lazily([(row.name, parameters)], array)

    body = brief(row.call if row.exactness is Exactness.REFUSED else call)
    body.__module__ = "tilefan.dask"  # where users, and pickle, find it
    return named(body, row, signature, _documentation(row))


def _documentation(row: Filter) -> str:
    if row.exactness is Exactness.REFUSED:
        return f"Refuse: {row.note}."
    return (
        f"{summary(row)}\n\nAs `tilefan.ndimage.{row.name}`, but lazy: a dask array\n"
        "with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.\n"
    )


def _signature(row: Filter) -> inspect.Signature:
    """Return SciPy's: the tiles are the chunks."""
    signature = signature_of(row)
    kept = [each for name, each in signature.parameters.items() if name != "tile"]
    return signature.replace(parameters=kept)


FUNCTIONS = {name: _function(row) for name, row in FILTERS.items()}
"""By SciPy's name, the refused ones too."""


@brief
def run(links: Sequence[Link], input: Any) -> Lazy:  # noqa: A002
    """Filter an array lazily, by filters one after another: one task for each chunk in all.

    Parameters
    ----------
    links : sequence of (str, mapping)
        SciPy's name of each filter, and its parameters.
    input : dask.array.Array or array_like

    Returns
    -------
    dask.array.Array
        What SciPy's functions give one after another, bit for bit, in the chunks of `input`.

    Examples
    --------
    >>> import dask.array as da
    >>> from tilefan.dask import run
    >>> x = da.arange(16.0, chunks=5).reshape(4, 4)
    >>> run([("sobel", {"axis": 0}), ("maximum_filter", {"size": 3})], x).compute()[0]
    array([32., 32., 32., 32.])
    """
    return filter_lazily(links, input)
