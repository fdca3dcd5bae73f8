"""Layers of a dask graph: a task for each chunk, which reads the chunks that its halo touches.

Whole chunks are read where they are small: a task costs more than they do. Of large ones a task
reads slabs, of which each is cut out where its chunk is, so that no neighbour travels whole; a slab
serves all that read of it, those at its corners too.
"""

from __future__ import annotations

import functools
import math
from itertools import product
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from dask.task_spec import Task, TaskRef

from coordinator.engines.local import kernel_for
from coordinator.stores.memory import ArraySource, MaskedSource
from tiling.dtypes import Array, Dtype
from tiling.errors import BadValueError
from tiling.geometry.box import Box
from tiling.geometry.chunks import Part, Span, spans
from tiling.jobs.job import Job
from tiling.kernels.apply import apply
from tiling.kernels.arithmetic import combine_blocks
from tiling.operations import Arithmetic

SLAB_CHUNK_BYTES = 8 * 2**20
"""Of chunks, from which on slabs of them are cut."""

SLAB_SHARE = 1 / 4
"""Of a chunk: a larger slab is not worth its task."""

Key = tuple[Any, ...]

Lazy = Any
"""A `dask.array.Array`, which has no annotations that strict checks could use."""


def filtered(x: Lazy, job: Job) -> Lazy:
    """Return an array of the same chunks, each computed from the chunks that it needs.

    Parameters
    ----------
    x : dask.array.Array
        With whole chunks along the axes that the job wants whole.
    job : Job
    """
    encoded = job.encode()
    name = f"{job.calls[-1].filter}-{tokenize(x.name, encoded)}"
    graph = HighLevelGraph.from_collections(name, _tasks(name, x, job, encoded), dependencies=[x])
    return da.Array(graph, name, x.chunks, dtype=job.target, meta=_meta(x, job.target))


def _tasks(name: str, x: Lazy, job: Job, encoded: bytes) -> dict[Key, Task]:
    halo, wraps = job.halo, job.wraps
    axes = [
        spans(chunks, (before, after), wraps=wrap)
        for chunks, before, after, wrap in zip(
            x.chunks, halo.before, halo.after, wraps, strict=True
        )
    ]
    cuts, tasks = _Cuts(name, x), {}
    for place in np.ndindex(*x.numblocks):
        read = tuple(along[number] for along, number in zip(axes, place, strict=True))
        parts = product(*(span.parts for span in read))
        key = (name, *place)
        tasks[key] = Task(key, compute_tile, encoded, read, *map(cuts.holding, parts))
    return tasks | cuts.tasks


class _Cuts:
    """What tasks read: chunks of an array, or slabs, whose tasks it collects."""

    def __init__(self, name: str, x: Lazy) -> None:
        self._name = f"slab-{name}"
        self._source = x.name
        self._chunks = x.chunks
        self._itemsize = x.dtype.itemsize
        self._references: dict[Key, TaskRef] = {}
        self.tasks: dict[Key, Task] = {}

    def holding(self, parts: tuple[Part, ...]) -> TaskRef:
        """Return a reference to what holds a part of a chunk: the thinnest slab, or the chunk."""
        place = tuple(part.chunk for part in parts)
        lengths = tuple(along[number] for along, number in zip(self._chunks, place, strict=True))
        if math.prod(lengths) * self._itemsize >= SLAB_CHUNK_BYTES:
            shares = [part.length / length for part, length in zip(parts, lengths, strict=True)]
            share = min(shares)
            if share <= SLAB_SHARE:
                axis = shares.index(share)
                return self._slab(place, axis, parts[axis].there)
        return self._reference((self._source, *place))

    def _slab(self, place: tuple[int, ...], axis: int, there: slice) -> TaskRef:
        key = (self._name, *place, axis, there.start, there.stop)
        if key not in self.tasks:
            chunk = self._reference((self._source, *place))
            self.tasks[key] = Task(key, cut_slab, chunk, axis, there)
        return self._reference(key)

    def _reference(self, key: Key) -> TaskRef:
        return self._references.setdefault(key, TaskRef(key))


def cut_slab(chunk: Array, axis: int, there: slice) -> Array:
    """Copy a slab out of a chunk, which need not be kept for it: a task.

    Parameters
    ----------
    chunk : ndarray
    axis : int
    there : slice
        Along the axis.
    """
    return np.array(chunk[(slice(None),) * axis + (there,)])


def compute_tile(encoded: bytes, read: tuple[Span, ...], *chunks: Array) -> Array:
    """Compute one chunk of the output: the task.

    Parameters
    ----------
    encoded : bytes
        The job.
    read : tuple of Span
        What of the chunks is read, for each axis.
    *chunks : ndarray
        A chunk, or a slab of it, for each combination of the parts, in C order.
    """
    job = _decoded(encoded)
    crop = tuple(span.crop for span in read)
    out = np.empty(tuple(part.stop - part.start for part in crop), job.target)
    if out.size:
        block = _block(read, chunks, job.source)
        apply(job.program, block, crop, out, kernel_for(job).kernel)
    return out


@functools.lru_cache(maxsize=64)
def _decoded(encoded: bytes) -> Job:
    return Job.decode(encoded)


def _block(read: tuple[Span, ...], chunks: tuple[Array, ...], dtype: Dtype) -> Array:
    """Return what is read as one array: a view if it lies in one chunk.

    Raises
    ------
    BadValueError
        If a chunk is not what the dask array says of it.
    """
    parts = product(*(span.parts for span in read))
    block = np.empty(tuple(span.length for span in read), dtype)
    for chunk, along in zip(chunks, parts, strict=True):
        there: Any = (*map(_inside, along, chunk.shape), ...)
        here: Any = (*(part.here for part in along), ...)
        samples: Array = np.asarray(chunk)[there]
        wanted = tuple(part.length for part in along)
        if samples.shape != wanted or not np.can_cast(samples.dtype, dtype, "equiv"):
            raise BadValueError(
                f"a chunk is {samples.dtype} of {np.shape(chunk)}, and {dtype} of {wanted} is read "
                "of it: the dask array says what it is not; map_blocks takes dtype= and chunks="
            )
        if len(chunks) == 1:
            return samples.astype(dtype, copy=False)
        block[here] = samples
    return block


def _inside(part: Part, length: int) -> slice:
    """Return where a part is along an axis of a chunk, or of a slab that is just so long."""
    return slice(None) if part.length == length else part.there


def combined(work: Arithmetic, arrays: list[Lazy], target: Dtype) -> Lazy:
    """Return what arithmetic makes of arrays of the same chunks, sample by sample.

    Parameters
    ----------
    work : Arithmetic
    arrays : list of dask.array.Array
    target : numpy.dtype
        Of the result.
    """
    meta = _meta(arrays[0], target)
    return da.map_blocks(_combine, *arrays, work=work, target=target, dtype=target, meta=meta)


def _combine(*blocks: Array, work: Arithmetic, target: Dtype) -> Array:
    out = np.empty(blocks[0].shape, target)
    combine_blocks(work, blocks, out)
    return out


def states(x: Lazy, mask: Lazy) -> Lazy:
    """Return an array and its mask in one; see `coordinator.stores.memory.MaskedSource`.

    Parameters
    ----------
    x, mask : dask.array.Array
        Of the same chunks.
    """
    dtype = np.dtype(np.uint8)
    return da.map_blocks(_states, x, mask, dtype=dtype, meta=_meta(x, dtype))


def _states(samples: Array, mask: Array) -> Array:
    return MaskedSource(ArraySource(samples), ArraySource(mask)).read(Box.whole(samples.shape))


def _meta(x: Lazy, dtype: Dtype) -> Array:
    return np.empty((0,) * x.ndim, dtype)
