"""One-dimensional correlations: which passes share a micro-tile, and what is left to SciPy.

==========================================  =====================================================
left to SciPy                               why
==========================================  =====================================================
float16, longdouble, object, mixed complex  SciPy refuses them, and the error is SciPy's to raise
weights not finite, or above 1e100 in sum   sums could make NaNs beyond what is checked
unlike NaNs that meet, or a NaN that meets  x86 keeps one operand's sign and payload, and which
an infinity (float output only)             operand that is was settled when SciPy was compiled
==========================================  =====================================================
"""

from __future__ import annotations

import ctypes
import functools
import math
from ctypes import addressof
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tiling.kernels.native.arrays import (
    EPSILON,
    MODES,
    address_of,
    integers,
    is_light,
    number_of,
    numbered,
    real_parts,
)
from tiling.kernels.native.library import cache_bytes, finished, library
from tiling.kernels.watch import current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiling.dtypes import Array, Dtype
    from tiling.operations import Correlations
    from tiling.operations.passes import Pass

_CACHED_SHARE = 2  # of the second-level cache, a micro-tile's intermediate has one in so many
_SCRATCH_SHARE = 4  # and the scratch under and around a chunk of columns
_INTERMEDIATE_CACHES = 8  # beyond so many, one fresh array between two passes costs no more
_NEVER, _IF_SEEN, _ALWAYS = range(3)  # when samples are checked for unlike NaNs


def run(operation: Correlations, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Filter a block, unless it is left to SciPy; complex samples as two real blocks, as there.

    Parameters
    ----------
    operation : Correlations
        With at least one pass.
    block, out : ndarray
    crop : tuple of slice

    Returns
    -------
    bool
        Whether `out` is computed.
    """
    passes = operation.passes
    if not supports(block.dtype, out.dtype) or not all(is_light(step.taps) for step in passes):
        return False
    parts = real_parts(block, out)
    if (watch := current()) is not None:
        boxes = _boxes(passes, _region(crop), block.shape)
        samples = sum(math.prod(high - low for low, high in box) for box in boxes)
        watch.expect(samples * len(parts))
    return all(
        _filter(part, passes, crop, target, bool(imaginary))
        for imaginary, (part, target) in enumerate(parts)
    )


def supports(source: Dtype, target: Dtype) -> bool:
    """Tell whether these dtypes, read and written, are computed here.

    >>> supports(np.dtype("uint8"), np.dtype("float32")), supports(np.dtype("e"), np.dtype("e"))
    (True, False)

    Parameters
    ----------
    source, target : numpy.dtype
        In native byte order.
    """
    if source.kind == "c":
        return source.char in "FD" and target.char in "FD"
    return numbered(source, target)


def _filter(
    block: Array, passes: tuple[Pass, ...], crop: tuple[slice, ...], out: Array, imaginary: bool
) -> bool:
    region = _region(crop)
    fills = np.array([step.cval for step in passes], np.complex128)
    bits = (fills.imag if imaginary else fills.real).tobytes()
    plan = _plan(passes, region, block.shape, out.dtype.itemsize, bits)
    nan_seen = ctypes.c_int64(plan[0].nan_fill)
    source, low = block, (0,) * block.ndim
    for share in plan:
        target = out if share is plan[-1] else np.empty(share.shape, out.dtype)
        if not share.run(source, low, target, nan_seen, fresh=source is block):
            return False
        source, low = target, share.low
    return True


def _region(crop: tuple[slice, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((part.start, part.stop) for part in crop)


class _Group(ctypes.Structure):
    """`struct group` of `source/passes.c`."""

    _fields_ = (
        ("source", ctypes.c_void_p),
        ("stride", ctypes.c_void_p),
        ("target", ctypes.c_void_p),
        ("out_stride", ctypes.c_void_p),
        ("ndim", ctypes.c_int64),
        ("chunk", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("lows", ctypes.c_void_p),
        ("highs", ctypes.c_void_p),
        ("passes", ctypes.c_void_p),
        ("fills", ctypes.c_void_p),
        ("from", ctypes.c_int64),
        ("to", ctypes.c_int64),
        ("width", ctypes.c_int64),
        ("room", ctypes.c_int64),
        ("strict", ctypes.c_int64 * 2),
    )


@dataclass(frozen=True, slots=True)
class _Share:
    """Passes that go over each micro-tile together: what the library is told of them.

    `low` and `shape` are those of the box that the last one gives, in coordinates of the block;
    `kept` is what the addresses in `group` lead to.
    """

    low: tuple[int, ...]
    shape: tuple[int, ...]
    group: bytes
    kept: tuple[object, ...]
    nan_fill: bool

    def run(
        self,
        source: Array,
        origin: tuple[int, ...],
        target: Array,
        nan_seen: ctypes.c_int64,
        *,
        fresh: bool,
    ) -> bool:
        """Filter `source`, whose first sample is at `origin`; False where unlike NaNs could meet.

        A `fresh` source is the block, which may bring any NaN.
        """
        group = _Group.from_buffer_copy(self.group)
        stride, out_stride = integers(source.strides), integers(target.strides)
        group.source = address_of(source) - sum(map(mul, origin, source.strides))
        group.stride, group.out_stride = addressof(stride), addressof(out_stride)
        group.target = address_of(target)
        setattr(group, "from", number_of(source.dtype))
        group.to = number_of(target.dtype)
        later = _IF_SEEN if target.dtype.kind == "f" else _NEVER
        group.strict[0] = _ALWAYS if fresh and later and source.dtype.kind == "f" else later
        group.strict[1] = later
        return finished(library().correlate_passes(ctypes.byref(group), ctypes.byref(nan_seen)))


@functools.lru_cache(maxsize=64)
def _plan(
    passes: tuple[Pass, ...],
    region: tuple[tuple[int, int], ...],
    shape: tuple[int, ...],
    itemsize: int,
    fill_bits: bytes,
) -> tuple[_Share, ...]:
    """Share the passes out, from the last: as many go together as a micro-tile holds.

    Fill values are told apart by their bits: as numbers, 0.0 and -0.0 are one key of the cache.
    """
    boxes = _boxes(passes, region, shape)
    shares: list[_Share] = []
    stop = len(passes)
    fills = np.frombuffer(fill_bits).tolist()
    while stop:
        first = stop - 1
        chunk = [high - low for low, high in boxes[first]]
        while first:
            candidate = _chunk(passes[first - 1 : stop], boxes[first - 1], itemsize)
            if candidate is None:
                break
            first, chunk = first - 1, candidate
        part = slice(first, stop)
        nan_fill = any(map(math.isnan, fills))
        shares.append(
            _share(passes[part], boxes[part], fills[part], chunk, shape, itemsize, nan_fill)
        )
        stop = first
    return tuple(reversed(shares))


def _boxes(
    passes: Sequence[Pass], region: tuple[tuple[int, int], ...], shape: tuple[int, ...]
) -> list[list[tuple[int, int]]]:
    """Give each pass the region, but all of an axis that a later pass filters."""
    boxes = [list(region)]
    for step in reversed(passes[1:]):
        box = list(boxes[-1])
        box[step.axis] = 0, shape[step.axis]
        boxes.append(box)
    return boxes[::-1]


def _chunk(
    group: Sequence[Pass], box: Sequence[tuple[int, int]], itemsize: int
) -> list[int] | None:
    """Cut a micro-tile whose intermediate fits, or give None where it would be too thin.

    The axes of later passes stay whole. The lead, the axis of the first pass, gets as much as
    its halo at least, for each cut gathers the halo again; then the others, from the last axis on.
    """
    extent = [high - low for low, high in box]
    chunk = [1] * len(extent)
    for step in group[1:]:
        chunk[step.axis] = extent[step.axis]
    lead = group[0].axis
    enough = max(8, len(group[0].weights) // 8 - 1)
    chunk[lead] = min(extent[lead], max(chunk[lead], enough))
    chunk_bytes, cached = itemsize * math.prod(chunk), cache_bytes() // _CACHED_SHARE
    if chunk_bytes > _INTERMEDIATE_CACHES * cache_bytes():
        return None
    for axis in (*reversed(range(len(extent))), lead):
        chunk[axis] = min(extent[axis], chunk[axis] * max(1, cached // chunk_bytes))
        chunk_bytes = itemsize * math.prod(chunk)
    return chunk


def _share(
    passes: Sequence[Pass],
    boxes: Sequence[Sequence[tuple[int, int]]],
    fills: Sequence[float],
    chunk: Sequence[int],
    shape: tuple[int, ...],
    itemsize: int,
    nan_fill: bool,
) -> _Share:
    taps = [step.taps for step in passes]
    rows = [
        (
            step.axis,
            shape[step.axis],
            step.reach[0],
            weights.size,
            order_of(weights),
            MODES[step.mode],
            address_of(weights),
        )
        for step, weights in zip(passes, taps, strict=True)
    ]
    lows = integers([low for box in boxes for low, _ in box])
    highs = integers([high for box in boxes for _, high in box])
    table = integers([value for row in rows for value in row])
    cut, filled = integers(chunk), (ctypes.c_double * len(fills))(*fills)
    group = _Group(
        ndim=len(shape),
        chunk=addressof(cut),
        count=len(passes),
        lows=addressof(lows),
        highs=addressof(highs),
        passes=addressof(table),
        fills=addressof(filled),
        width=itemsize,
        room=cache_bytes() // _SCRATCH_SHARE // 8,
    )
    return _Share(
        tuple(low for low, _ in boxes[-1]),
        tuple(high - low for low, high in boxes[-1]),
        bytes(group),
        (taps, lows, highs, table, cut, filled),
        nan_fill,
    )


def order_of(weights: npt.NDArray[np.float64]) -> int:
    """Return the order in which SciPy adds: 0 symmetric, 1 antisymmetric, 2 plain.

    >>> order_of(np.array([1.0, 2.0, 1.0])), order_of(np.array([-1.0, 0.0, 1.0]))
    (0, 1)

    Parameters
    ----------
    weights : ndarray, shape (n,), float64
    """
    half = weights.size // 2
    if weights.size % 2:
        left, right = weights[:half], weights[half + 1 :][::-1]
        if bool((np.abs(right - left) <= EPSILON).all()):
            return 0
        if bool((np.abs(right + left) <= EPSILON).all()):
            return 1
    return 2
