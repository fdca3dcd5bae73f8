"""The compiled walk over a block: micro-tiles, passes, columns; everything between two leaves.

A *group* of passes runs micro-tile by micro-tile: each one goes through all passes of the group
while its intermediate (in the output dtype, as SciPy keeps it) is in cache. Only the axis of the
first pass and axes that the group does not filter are cut, so no pass computes a halo; the first
one merely gathers it again.

One pass over one micro-tile takes the filter axis and one other axis, the columns, as a matrix in
float64 scratch, one row for each sample along the filter axis:

        before | g g g g g g g g | after       rows outside the array come from the edge mode
               |<- outputs ---->|              columns: a chunk of the axis with the least stride

Rows are dense, so a run of outputs over several rows is one run of `correlate` with the row length
as tap distance. A filter axis that is itself contiguous needs no columns: the matrix is one line,
unless it is short; then the next axis becomes the columns, which transposes it.

Everything is addresses and byte strides, so there is one compiled version for all dtypes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Sequence

AXIS, LENGTH, BEFORE, SIZE, KIND, MODE, TAPS = range(7)  # columns of `steps`
GATHER, READ, SCATTER, WRITE, CORRELATE, AMBIGUOUS, STRICT = range(7)  # of `leaves`
REFLECT, MIRROR, NEAREST, WRAP, CONSTANT = range(5)

BUFFER = 1024  # outputs between correlate and scatter: they stay in the first-level cache
WINDOW = 4096  # samples under all taps of a run of columns: likewise
LINE = 4096  # outputs of a line at a time
SHORT = 48  # a contiguous filter axis below this is transposed
NARROW, WIDE = 64, 512  # bounds of a chunk of columns

_INT64 = ir.IntType(64)


def _call(name: str, result: Any, kind: Any) -> Any:
    """Make an intrinsic that calls a native function of int64 arguments by its address."""

    def codegen(_: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        function = ir.FunctionType(kind, [_INT64] * (len(args) - 1))
        pointer = builder.inttoptr(args[0], function.as_pointer())
        value = builder.call(pointer, args[1:])
        return None if signature.return_type == types.void else value

    def call3(_: Any, _f: Any, _1: Any, _2: Any, _3: Any) -> tuple[Any, Any]:
        return result(*[types.int64] * 4), codegen

    def call7(
        _: Any, _f: Any, _1: Any, _2: Any, _3: Any, _4: Any, _5: Any, _6: Any, _7: Any
    ) -> tuple[Any, Any]:
        return result(*[types.int64] * 8), codegen

    return intrinsic(call3 if name == "ask" else call7)


_ask = _call("ask", types.int64, _INT64)
_do = _call("do", types.void, ir.VoidType())


@njit(cache=True, nogil=True)
def _fold(index: int, length: int, mode: int) -> int:
    """Map a coordinate outside the array to one inside, or -1 for the fill value."""
    if mode == CONSTANT:
        return -1
    if mode == NEAREST or length == 1:
        return min(max(index, 0), length - 1)
    if mode == WRAP:
        return index % length
    period = 2 * length - (2 if mode == MIRROR else 0)
    index %= period
    if index < length:
        return index
    return period - index - (0 if mode == MIRROR else 1)


@njit(cache=True, nogil=True)
def _fill(
    scratch: Any, source: int, stride: int, step: int, width: int, start: int, rows: int,
    length: int, mode: int, fill: float, gather: int, read: int,
) -> None:  # fmt: skip
    """Gather rows `start` to `start + rows` of the filter axis, the edge mode supplying some."""
    first, last = min(max(start, 0), length), max(min(start + rows, length), 0)
    base = scratch.ctypes.data
    if first < last:
        place = base + (first - start) * width * 8
        _do(gather, source + first * stride, stride, step, last - first, width, read, place)
    row = 0
    while row < rows:
        if first <= start + row < last:
            row = last - start
            continue
        origin = _fold(start + row, length, mode)
        here = scratch[row * width : (row + 1) * width]
        if origin < 0:
            here[:] = fill
        elif first <= origin < last:
            here[:] = scratch[(origin - start) * width : (origin - start + 1) * width]
        else:
            _do(gather, source + origin * stride, 0, step, 1, width, read, here.ctypes.data)
        row += 1


@njit(cache=True, nogil=True)
def _matrix(
    scratch: Any, buffer: Any, source: int, target: int, stride: int, step: int, out_stride: int,
    out_step: int, width: int, start: int, rows: int, step_row: Any, fill: float, leaves: Any,
) -> bool:  # fmt: skip
    """Compute `rows` outputs of `width` columns; False if NaNs with different bits could meet."""
    size, reach = step_row[SIZE], rows + step_row[SIZE] - 1
    _fill(
        scratch, source, stride, step, width, start - step_row[BEFORE], reach,
        step_row[LENGTH], step_row[MODE], fill, leaves[GATHER], leaves[READ],
    )  # fmt: skip
    base, held = scratch.ctypes.data, buffer.ctypes.data
    if leaves[STRICT] and _ask(leaves[AMBIGUOUS], base, base, reach * width):
        return False
    batch = max(1, BUFFER // width)
    for row in range(0, rows, batch):
        count = min(batch, rows - row)
        _do(
            leaves[CORRELATE], base + row * width * 8, held, count * width, width,
            step_row[TAPS], size, step_row[KIND],
        )  # fmt: skip
        place = target + row * out_stride
        _do(leaves[SCATTER], place, out_stride, out_step, count, width, leaves[WRITE], held)
    return True


@njit(cache=True, nogil=True)
def _choose(extent: Any, stride: Any, axis: int) -> int:
    """Choose the axis of the columns, or -1 for none."""
    best = -1
    for other in range(extent.size):
        if other == axis or extent[other] == 1:
            continue
        if best < 0 or abs(stride[other]) < abs(stride[best]):
            best = other
    if best < 0 or (abs(stride[axis]) < abs(stride[best]) and extent[axis] >= SHORT):
        return -1
    if extent[best] * extent[axis] < SHORT:
        for other in range(extent.size):
            if other != axis and extent[other] > extent[best]:
                best = other
    return best


@njit(cache=True, nogil=True)
def _merge(extent: Any, stride: Any, out_stride: Any, axis: int, columns: int) -> None:
    """Make the axes that continue the columns in both arrays part of them."""
    for other in range(extent.size - 1, -1, -1):
        if other in (axis, columns) or extent[other] == 1:
            continue
        count = extent[columns]
        if (
            stride[other] == count * stride[columns]
            and out_stride[other] == count * out_stride[columns]
        ):
            extent[columns] *= extent[other]
            extent[other] = 1


@njit(cache=True, nogil=True)
def _advance(index: Any, extent: Any, pace: Any) -> bool:
    """Count up, last axis fastest, `pace` at a time; False after the last."""
    for axis in range(index.size - 1, -1, -1):
        index[axis] += pace[axis]
        if index[axis] < extent[axis]:
            return True
        index[axis] = 0
    return False


@njit(cache=True, nogil=True)
def _pass(
    source: int, stride: Any, target: int, out_stride: Any, extent: Any, start: int,
    step_row: Any, fill: float, leaves: Any, scratch: Any, buffer: Any,
) -> bool:  # fmt: skip
    """Apply one pass; `source` and `target` are at the first output on all but the filter axis.

    On the filter axis, `source` is at coordinate 0 and `start` is that of the first output.
    """
    axis = step_row[AXIS]
    columns = _choose(extent, stride, axis)
    rows, reach = extent[axis], step_row[SIZE] - 1
    counts, pace = extent.copy(), np.ones(extent.size, np.int64)
    step, out_step = 0, 0
    if columns >= 0:
        _merge(counts, stride, out_stride, axis, columns)
        step, out_step = stride[columns], out_stride[columns]
        pace[columns] = min(WIDE, max(NARROW, WINDOW // step_row[SIZE] // 32 * 32))
    wide = 1 if columns < 0 else min(pace[columns], counts[columns])
    room = LINE if columns < 0 else max(1, (scratch.size - 64) // wide - reach)
    pace[axis] = max(1, min(rows, room))
    index = np.zeros(extent.size, np.int64)
    more = True
    while more:
        here, there = source, target
        for other in range(extent.size):
            here += 0 if other == axis else index[other] * stride[other]
            there += index[other] * out_stride[other]
        width = 1 if columns < 0 else min(pace[columns], counts[columns] - index[columns])
        if not _matrix(
            scratch, buffer, here, there, stride[axis], step, out_stride[axis], out_step, width,
            start + index[axis], min(pace[axis], rows - index[axis]), step_row, fill, leaves,
        ):  # fmt: skip
            return False
        more = _advance(index, counts, pace)
    return True


@njit(cache=True, nogil=True)
def _dense(extent: Any, width: int) -> Any:
    """Byte strides of a C-order array."""
    strides = np.empty(extent.size, np.int64)
    step = width
    for axis in range(extent.size - 1, -1, -1):
        strides[axis] = step
        step *= extent[axis]
    return strides


def _execute(
    source: int, stride: Any, target: int, out_stride: Any, chunk: Any, lows: Any, highs: Any,
    steps: Any, fills: Any, leaves: Any, scratch: Any, buffer: Any, between: Any,
) -> bool:  # fmt: skip
    """Run one group; False if a NaN met another and the reference kernel has to.

    Parameters
    ----------
    source, target : int
        Addresses of coordinate 0 of the group's input and of the first sample of its output.
    stride, out_stride : ndarray
        Byte strides of both, shape (axes,).
    chunk : ndarray
        Extents of a micro-tile, shape (axes,).
    lows, highs : ndarray
        Box that each pass has to give, shape (passes, axes).
    steps, fills, leaves : ndarray
        The passes, their fill values, and the leaves for the first pass and for the later ones.
    scratch, buffer, between : ndarray
        Float64 scratch and outputs; bytes of two intermediates, shape (2, bytes).
    """
    last = len(steps) - 1
    whole = highs[last] - lows[last]
    index = np.zeros(whole.size, np.int64)
    more = True
    while more:
        here, step_from = source, stride.copy()
        offset = np.zeros(whole.size, np.int64)  # of `here`: its coordinates on each axis
        for k in range(last + 1):
            extent, low = highs[k] - lows[k], lows[k].copy()
            for axis in range(whole.size):
                if chunk[axis] < whole[axis]:
                    low[axis] += index[axis]
                    extent[axis] = min(chunk[axis], extent[axis] - index[axis])
            there, step_to = between[k % 2].ctypes.data, _dense(extent, leaves[1, WRITE])
            if k == last:
                there, step_to = target, out_stride
                for axis in range(whole.size):
                    there += (low[axis] - lows[k, axis]) * out_stride[axis]
            begin = here
            for axis in range(whole.size):
                if axis != steps[k, AXIS]:
                    begin += (low[axis] - offset[axis]) * step_from[axis]
            if not _pass(
                begin, step_from, there, step_to, extent, low[steps[k, AXIS]], steps[k],
                fills[k], leaves[min(k, 1)], scratch, buffer,
            ):  # fmt: skip
                return False
            here, step_from, offset = there, step_to, low
        more = _advance(index, whole, chunk)
    return True


_VECTOR = types.Array(types.int64, 1, "C")
_TABLE = types.Array(types.int64, 2, "C")
_FLOATS = types.Array(types.float64, 1, "C")
execute = njit(
    types.boolean(
        types.int64, _VECTOR, types.int64, _VECTOR, _VECTOR, _TABLE, _TABLE, _TABLE, _FLOATS,
        _TABLE, _FLOATS, _FLOATS, types.Array(types.uint8, 2, "C"),
    ),
    cache=True,
    nogil=True,
)(_execute)  # fmt: skip
