"""The light kernel: NumPy slices in a cache-sized float64 scratch, neither SciPy nor numba.

For a small job, importing either of them costs more than the filter. Here each pass sees its array
as (outer, line, inner) and goes over it piece by piece: copy to float64, extend the lines as the
edge mode says, add up whole slices in SciPy's order, cast to the output dtype:

    acc = S[:, c] * w[c]
    for k from the farthest pair:  term = S[:, c-k] + S[:, c+k];  term *= w[c-k];  acc += term

Ufuncs with ``out=`` neither reorder nor fuse, so each sample sees the operations of
`NI_Correlate1D`. A slice is one long run for NumPy unless ``line * inner`` is short; then the piece
is laid out with the line first.

Casts go through int32 or int64, whose conversions x86-64 has one meaning for, then drop upper bits:
NumPy's own conversion to unsigned types saturates on some CPUs where SciPy's wraps. What the
compiled kernel leaves to the reference kernel is left to it here too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tiling.kernels import compiled, reference
from tiling.kernels.compiled import in_real_parts, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tiling.operations.passes import Pass

    Floats = npt.NDArray[np.float64]

_PIECE = 1 << 15  # float64 samples of a piece: with its sum and its term, a second-level cache
_SHORT = 256  # samples of a run, below which NumPy's inner loops cost more than the sums
_LARGEST = 1e200  # as in `tiling.kernels.vector`
_DEFAULT_NAN = np.uint64(0xFFF8_0000_0000_0000)


def run(
    block: npt.NDArray[Any],
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
) -> None:
    """Filter `block` by `passes` and write the region `crop` into `out`.

    The parameters are those of `tiling.kernels.reference.run`, and so are the bits.
    """
    if not passes or out.size == 0:
        out[...] = block[crop]
    elif not compiled.is_ours(block, passes, out) or not _filter(block, passes, crop, out):
        reference.run(block, passes, crop, out)


def _filter(
    block: npt.NDArray[Any],
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
) -> bool:
    if block.dtype.kind == "b":
        block = block.view(np.uint8)  # a pass may leave other bytes than 0 and 1
    if out.dtype.kind == "b":
        out = out.view(np.uint8)
    return in_real_parts(_filter_real, block, passes, crop, out)


def _filter_real(
    block: npt.NDArray[Any],
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
    fills: Sequence[float],
) -> bool:
    left = list(crop)
    for done, (step, fill) in enumerate(zip(passes, fills, strict=True), 1):
        region = slice(0, block.shape[step.axis])
        if all(later.axis != step.axis for later in passes[done:]):
            region, left[step.axis] = left[step.axis], slice(None)
        result = _correlate(block, step, fill, region, out.dtype)
        if result is None:
            return False
        block = result
    out[...] = block[tuple(left)]
    return True


def _correlate(
    block: npt.NDArray[Any], step: Pass, fill: float, region: slice, dtype: np.dtype[Any]
) -> npt.NDArray[Any] | None:
    """Apply one pass, keeping `wanted` of its axis; None where unlike NaNs could meet."""
    shape = block.shape
    outer = math.prod(shape[: step.axis])
    inner = math.prod(shape[step.axis + 1 :])
    lines = block.reshape(outer, shape[step.axis], inner)
    count = region.stop - region.start
    result = np.empty((outer, count, inner), dtype)
    strict = block.dtype.kind == "f" and dtype.kind == "f"
    with np.errstate(all="ignore"):
        for part in _pieces(outer, count + step.taps.size - 1, inner):
            piece = _extend(lines[part[0], :, part[1]], step, fill, region)
            if strict and _is_ambiguous(piece):
                return None
            _cast(_sum(piece, step.taps, count), result[part[0], :, part[1]])
    return result.reshape(*shape[: step.axis], count, *shape[step.axis + 1 :])


def _pieces(outer: int, reach: int, inner: int) -> Iterator[tuple[slice, slice]]:
    """Cut the outer axis, and the inner one where a single line of it is too much."""
    columns = max(1, min(inner, _PIECE // reach))
    rows = max(1, _PIECE // (reach * columns))
    for row in range(0, outer, rows):
        for column in range(0, inner, columns):
            yield (
                slice(row, min(row + rows, outer)),
                slice(column, min(column + columns, inner)),
            )


def _extend(lines: npt.NDArray[Any], step: Pass, fill: float, region: slice) -> Floats:
    """Copy what `wanted` outputs read of (outer, line, inner) to float64, edges included."""
    length, (before, after) = lines.shape[1], step.reach
    start, stop = region.start - before, region.stop + after
    shape = lines.shape[0], stop - start, lines.shape[2]
    piece = _empty(shape)
    first, last = max(start, 0), min(stop, length)
    inside = slice(first - start, max(last, first) - start)
    piece[:, inside] = lines[:, first:last]
    for row in (*range(min(inside.start, shape[1])), *range(max(inside.stop, 0), shape[1])):
        origin = _fold(start + row, length, step.mode)
        piece[:, row] = fill if origin < 0 else lines[:, origin]
    return piece


def _empty(shape: tuple[int, int, int]) -> Floats:
    """Make a piece: in C order, or with the line first where a run would be short."""
    outer, line, inner = shape
    if line * inner >= _SHORT or outer == 1:
        return np.empty(shape)
    return np.empty((line, outer, inner)).transpose(1, 0, 2)


def _fold(index: int, length: int, mode: str) -> int:
    """Map a coordinate outside the array to one inside, or -1 for the fill value.

    >>> [_fold(-2, 5, mode) for mode in ("reflect", "mirror", "nearest", "wrap", "constant")]
    [1, 2, 0, 3, -1]
    """
    if mode == "constant":
        return -1
    if mode == "nearest" or length == 1:
        return min(max(index, 0), length - 1)
    if mode == "wrap":
        return index % length
    turn = 2 if mode == "mirror" else 1
    period = 2 * length - (2 if mode == "mirror" else 0)
    index %= period
    return index if index < length else period - index - (2 - turn)


def _sum(piece: Floats, taps: Floats, count: int) -> Floats:
    """Add the taps up in the order that SciPy takes for their symmetry."""
    kind, last = kind_of(taps), taps.size - 1
    centre = last if kind == 2 else last // 2
    total: Floats = piece[:, centre : centre + count] * taps[centre]
    term = np.empty_like(total)
    combine = np.subtract if kind == 1 else np.add
    for tap, weight in enumerate(taps[:centre]):
        here = piece[:, tap : tap + count]
        if kind == 2:
            np.multiply(here, weight, out=term)
        else:
            combine(here, piece[:, last - tap : last - tap + count], out=term)
            np.multiply(term, weight, out=term)
        np.add(total, term, out=total)
    return total


def _cast(total: Floats, target: npt.NDArray[Any]) -> None:
    """Cast as gcc does on x86-64, into `target`."""
    dtype = target.dtype
    if dtype.kind == "f":
        target[...] = total
    elif dtype == np.uint64:
        upper = total >= 2.0**63
        number = np.where(upper, total - 2.0**63, total).astype(np.int64).view(np.uint64)
        np.bitwise_xor(number, upper.astype(np.uint64) << np.uint64(63), out=target)
    else:
        wide = np.int64 if dtype in (np.int64, np.uint32) else np.int32
        target[...] = total.astype(wide)


def _is_ambiguous(piece: Floats) -> bool:
    """Tell whether NaNs with different bits could meet in sums of these samples."""
    if bool((np.abs(piece) <= _LARGEST).all()):
        return False
    nan = np.isnan(piece)
    patterns = np.unique(piece[nan].view(np.uint64))
    if patterns.size < 2 and not bool((np.abs(piece[~nan]) > _LARGEST).any()):
        return False
    return patterns.size > 1 or (patterns.size == 1 and patterns[0] != _DEFAULT_NAN)
