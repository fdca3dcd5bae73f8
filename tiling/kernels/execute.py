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
from numba.core import cgutils
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Sequence

AXIS, LENGTH, BEFORE, SIZE, KIND, MODE, TAPS = range(7)  # columns of `steps`
GATHER, READ, SCATTER, WRITE, CORRELATE, CLASSIFY, STRICT = range(7)  # of `leaves`
NEVER, IF_SEEN, ALWAYS = range(3)  # STRICT: when samples are checked
CLEAR, SEEN, AMBIGUOUS = range(3)  # the results of `classify`
REFLECT, MIRROR, NEAREST, WRAP, CONSTANT = range(5)

BATCH = 512  # outputs between correlate and scatter: they stay in the first-level cache
WINDOW = 4096  # samples under all taps of a run of columns: likewise
LINE = 2048  # samples of a run of lines
SHORT = 48  # a contiguous filter axis below this is transposed
NARROW, WIDE = 64, 512  # bounds of a chunk of columns
PADDING = 64  # samples that correlate may read and write past the end

_INT64 = ir.IntType(64)


def _call(result: Any, kind: Any) -> Any:
    """Make an intrinsic that calls a native function of int64 arguments by its address."""

    def call(_: Any, _function: Any, arguments: Any) -> tuple[Any, Any]:
        def codegen(context: Any, b: Any, _signature: Any, args: Sequence[Any]) -> Any:
            function = ir.FunctionType(kind, [_INT64] * len(arguments))
            values = cgutils.unpack_tuple(b, args[1], len(arguments))
            value = b.call(b.inttoptr(args[0], function.as_pointer()), values)
            return context.get_dummy_value() if result is types.void else value

        return result(types.int64, types.UniTuple(types.int64, len(arguments))), codegen

    return intrinsic(call)


_ask = _call(types.int64, _INT64)
_do = _call(types.void, ir.VoidType())


@njit(cache=True, nogil=True)
def _address(array: Any) -> int:
    return np.int64(array.ctypes.data)  # type: ignore[return-value]  # unsigned would make floats


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
def _fill_rows(
    scratch: Any, source: int, stride: int, step: int, width: int, pitch: int, start: int,
    rows: int, length: int, mode: int, fill: float, gather: int, read: int,
) -> None:  # fmt: skip
    """Gather rows `start` to `start + rows` of the filter axis, the edge mode supplying some."""
    first, last = min(max(start, 0), length), max(min(start + rows, length), 0)
    base = _address(scratch)
    place = base + (first - start) * pitch * 8
    _do(gather, (source + first * stride, stride, step, last - first, width, read, place, pitch))
    row = last - start if first == start and first < last else 0
    while row < rows:
        origin = _fold(start + row, length, mode)
        if origin < 0 or first <= origin < last:
            for column in range(width):
                value = fill if origin < 0 else scratch[(origin - start) * pitch + column]
                scratch[row * pitch + column] = value
        else:
            place = base + row * pitch * 8
            _do(gather, (source + origin * stride, 0, step, 1, width, read, place, pitch))
        row += 1
        if row == first - start:
            row = max(row, last - start)


@njit(cache=True, nogil=True)
def _fill_lines(
    scratch: Any, source: int, stride: int, step: int, width: int, pitch: int, start: int,
    rows: int, length: int, mode: int, fill: float, gather: int, read: int,
) -> None:  # fmt: skip
    """Do the same for `width` lines, each a row of scratch: the transpose of `_fill_rows`."""
    first, last = min(max(start, 0), length), max(min(start + rows, length), 0)
    base = _address(scratch)
    place = base + (first - start) * 8
    _do(gather, (source + first * stride, step, stride, width, last - first, read, place, pitch))
    row = last - start if first == start and first < last else 0
    while row < rows:
        origin = _fold(start + row, length, mode)
        if origin < 0 or first <= origin < last:
            for line in range(width):
                value = fill if origin < 0 else scratch[line * pitch + origin - start]
                scratch[line * pitch + row] = value
        else:
            place = base + row * 8
            _do(gather, (source + origin * stride, step, 0, width, 1, read, place, pitch))
        row += 1
        if row == first - start:
            row = max(row, last - start)


@njit(cache=True, nogil=True)
def _rows(
    scratch: Any, buffer: Any, source: int, target: int, stride: int, step: int, out_stride: int,
    out_step: int, width: int, start: int, rows: int, plan: Any, fill: float, leaves: Any,
    nan_flag: Any,
) -> bool:  # fmt: skip
    """Compute `rows` outputs of `width` columns; False if NaNs with different bits could meet."""
    reach = rows + plan[SIZE] - 1
    pitch = width if width < 32 else (width + 7) // 8 * 8
    checked = leaves[STRICT] == ALWAYS or (leaves[STRICT] == IF_SEEN and nan_flag[0])
    if checked and pitch != width:
        scratch[: reach * pitch] = 0.0
    _fill_rows(
        scratch, source, stride, step, width, pitch, start - plan[BEFORE], reach,
        plan[LENGTH], plan[MODE], fill, leaves[GATHER], leaves[READ],
    )  # fmt: skip
    base, buffer_address = _address(scratch), _address(buffer)
    if checked:
        nans = _ask(leaves[CLASSIFY], (base, base, reach * pitch))
        if nans == AMBIGUOUS:
            return False
        nan_flag[0] |= nans == SEEN
    batch = max(1, BATCH // pitch)
    for row in range(0, rows, batch):
        count = min(batch, rows - row)
        place = base + row * pitch * 8
        taps, size, kind = plan[TAPS], plan[SIZE], plan[KIND]
        _do(leaves[CORRELATE], (place, buffer_address, count * pitch, pitch, taps, size, kind))
        place = target + row * out_stride
        write = leaves[WRITE]
        _do(
            leaves[SCATTER],
            (place, out_stride, out_step, count, width, write, buffer_address, pitch),
        )
    return True


@njit(cache=True, nogil=True)
def _lines(
    scratch: Any, buffer: Any, source: int, target: int, stride: int, step: int, out_stride: int,
    out_step: int, width: int, start: int, rows: int, plan: Any, fill: float, leaves: Any,
    nan_flag: Any,
) -> bool:  # fmt: skip
    """Compute `rows` outputs of each of `width` lines in one run; else as `_rows`.

    The outputs between two lines mix both; they are not read.
    """
    reach = rows + plan[SIZE] - 1
    pitch = (reach + 7) // 8 * 8
    checked = leaves[STRICT] == ALWAYS or (leaves[STRICT] == IF_SEEN and nan_flag[0])
    if checked and pitch != reach:
        scratch[: width * pitch] = 0.0
    _fill_lines(
        scratch, source, stride, step, width, pitch, start - plan[BEFORE], reach,
        plan[LENGTH], plan[MODE], fill, leaves[GATHER], leaves[READ],
    )  # fmt: skip
    base, buffer_address = _address(scratch), _address(buffer)
    if checked:
        nans = _ask(leaves[CLASSIFY], (base, base, width * pitch))
        if nans == AMBIGUOUS:
            return False
        nan_flag[0] |= nans == SEEN
    count = (width - 1) * pitch + rows
    taps, size, kind = plan[TAPS], plan[SIZE], plan[KIND]
    _do(leaves[CORRELATE], (base, buffer_address, count, 1, taps, size, kind))
    write = leaves[WRITE]
    _do(leaves[SCATTER], (target, out_step, out_stride, width, rows, write, buffer_address, pitch))
    return True


@njit(cache=True, nogil=True)
def _choose(extent: Any, stride: Any, axis: int) -> int:
    """Choose the axis of the columns: the least stride, but no run of a few samples."""
    best = 0 if axis else extent.size - 1
    for other in range(extent.size):
        if other == axis or extent[other] == 1:
            continue
        if extent[best] == 1 or best == axis or abs(stride[other]) < abs(stride[best]):
            best = other
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
def _even(count: int, most: int) -> int:
    """Cut `count` into equal parts of at most about `most`, in whole vectors."""
    parts = (count + most - 1) // most
    return count if parts == 1 else ((count + parts - 1) // parts + 7) // 8 * 8


@njit(cache=True, nogil=True)
def _pass(
    source: int, stride: Any, target: int, out_stride: Any, extent: Any, start: int,
    plan: Any, fill: float, leaves: Any, nan_flag: Any, scratch: Any, buffer: Any,
) -> bool:  # fmt: skip
    """Apply one pass; `source` and `target` are at the first output on all but the filter axis.

    On the filter axis, `source` is at coordinate 0 and `start` is that of the first output.
    """
    axis, reach = plan[AXIS], plan[SIZE] - 1
    rows, counts, pace = extent[axis], extent.copy(), np.ones(extent.size, np.int64)
    columns = _choose(extent, stride, axis)  # the filter axis itself in one dimension
    step, out_step, wide = stride[columns], out_stride[columns], 1
    in_lines = columns == axis or (abs(stride[axis]) < abs(step) and rows >= SHORT)
    if columns != axis:
        _merge(counts, stride, out_stride, axis, columns)
    if in_lines:
        pace[axis] = _even(rows, LINE)
        wide = max(1, LINE // (pace[axis] + reach + 7))
    else:
        wide = _even(counts[columns], min(WIDE, max(NARROW, WINDOW // plan[SIZE] // 32 * 32)))
        pace[axis] = min(rows, max(1, (scratch.size - PADDING) // (wide + 7) - reach))
    if columns != axis:
        pace[columns] = wide
    index = np.zeros(extent.size, np.int64)
    more = True
    while more:
        here, there = source, target
        for other in range(extent.size):
            here += 0 if other == axis else index[other] * stride[other]
            there += index[other] * out_stride[other]
        width = 1 if columns == axis else min(wide, counts[columns] - index[columns])
        if in_lines:
            done = _lines(
                scratch, buffer, here, there, stride[axis], step, out_stride[axis], out_step, width,
                start + index[axis], min(pace[axis], rows - index[axis]), plan, fill, leaves,
                nan_flag,
            )  # fmt: skip
        else:
            done = _rows(
                scratch, buffer, here, there, stride[axis], step, out_stride[axis], out_step, width,
                start + index[axis], min(pace[axis], rows - index[axis]), plan, fill, leaves,
                nan_flag,
            )  # fmt: skip
        if not done:
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
    steps: Any, fills: Any, leaves: Any, nan_flag: Any, scratch: Any, buffer: Any, between: Any,
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
    seen : ndarray
        Whether a NaN has come in, so that later passes are checked; shape (1,), updated.
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
            there, step_to = _address(between[k % 2]), _dense(extent, leaves[1, WRITE])
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
                fills[k], leaves[min(k, 1)], nan_flag, scratch, buffer,
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
        _TABLE, _VECTOR, _FLOATS, _FLOATS, types.Array(types.uint8, 2, "C"),
    ),
    cache=True,
    nogil=True,
)(_execute)  # fmt: skip
