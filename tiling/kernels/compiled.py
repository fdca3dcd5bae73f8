"""The compiled kernel: SciPy's operations in SciPy's order, in vectors and in cache.

Here a call is planned, in Python: which passes share a group, how a micro-tile is cut, how much
scratch that takes. `execute` walks it and `vector` computes, both compiled by numba on first use
and kept in its cache; the GIL is released for the whole of a group.

What is not computed here goes to the reference kernel, which is SciPy:

==========================================  =====================================================
case                                        why
==========================================  =====================================================
float16, longdouble, object, mixed complex  SciPy refuses them, and the error is SciPy's to raise
weights not finite, or above 1e100 in sum   sums could make NaNs beyond what is checked below
unlike NaNs that meet, or a NaN that meets  x86 keeps one operand's sign and payload, and which
an infinity (float output only)             operand that is was settled when SciPy was compiled
==========================================  =====================================================
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tiling.kernels import reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tiling.operations.passes import Pass

_CACHED_BYTES = 1 << 19  # of a micro-tile's intermediate that shares a second-level cache
_INTERMEDIATE_BYTES = 1 << 23  # beyond it, one fresh array between two passes costs no more
_SCRATCH = 1 << 15  # float64 samples under and around a chunk of columns
_HEAVIEST = 1e100  # sum of |weights| whose sums of checked samples stay finite
_BUFFER_SAMPLES = 2 * 2048 + 64
_EPSILON = float(np.finfo(np.float64).eps)
_MODES = {"reflect": 0, "mirror": 1, "nearest": 2, "wrap": 3, "constant": 4}
_REAL = frozenset("?bhilqBHILQfd")


def use_cache(folder: str) -> None:
    """Keep compiled code in `folder`; call it before the first `run`.

    Without it numba writes beside this package, or to its own folder of the user where that is
    read-only. The folder is made when it is needed. Numba checks only whether the file of a
    compiled function is new, and code from one file is inlined into another's; so each state of the
    sources has a folder of its own.

    Parameters
    ----------
    folder : str
        A path.
    """
    import importlib.resources
    import zlib

    import numba

    sources = (
        importlib.resources.files("tiling.kernels").joinpath(name).read_bytes()
        for name in ("execute.py", "vector.py")
    )
    numba.config.CACHE_DIR = f"{folder}/{zlib.crc32(b''.join(sources)):08x}"


def supports(in_dtype: npt.DTypeLike, out_dtype: npt.DTypeLike) -> bool:
    """Tell whether this kernel computes the pair itself.

    >>> supports("uint8", "float32"), supports("float16", "float16")
    (True, False)

    Parameters
    ----------
    in_dtype, out_dtype : dtype_like
    """
    pair = np.dtype(in_dtype), np.dtype(out_dtype)
    if not all(dtype.isnative for dtype in pair):
        return False
    return all(d.char in _REAL for d in pair) or all(d.char in "FD" for d in pair)


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
    elif not is_ours(block, passes, out) or not _filter(block, passes, crop, out):
        reference.run(block, passes, crop, out)


def is_ours(block: npt.NDArray[Any], passes: Sequence[Pass], out: npt.NDArray[Any]) -> bool:
    """Tell whether dtypes and weights are such that the sums here are proven to be SciPy's.

    Parameters
    ----------
    block : ndarray
    passes : sequence of Pass
    out : ndarray
    """
    if not supports(block.dtype, out.dtype):
        return False
    return all(float(np.abs(step.taps).sum()) <= _HEAVIEST for step in passes)


def _filter(
    block: npt.NDArray[Any],
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
) -> bool:
    return in_real_parts(_filter_real, block, passes, crop, out)


def in_real_parts(
    filter_real: Callable[..., bool],
    block: npt.NDArray[Any],
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
) -> bool:
    """Filter real samples as they are, complex ones as two real blocks, as SciPy does.

    Parameters
    ----------
    filter_real : callable
        Takes block, passes, crop, out and a fill value for each pass, all real; tells whether it
        has computed them.
    block, out : ndarray
        Both real or both complex.
    passes : sequence of Pass
    crop : tuple of slice
        Region of the block that is wanted.

    Returns
    -------
    bool
        Whether all parts are computed.
    """
    real = [complex(step.cval).real for step in passes]
    if block.dtype.kind != "c":
        return filter_real(block, passes, crop, out, real)
    imag = [complex(step.cval).imag for step in passes]
    return filter_real(block.real, passes, crop, out.real, real) and filter_real(
        block.imag, passes, crop, out.imag, imag
    )


def _filter_real(
    block: npt.NDArray[Any],
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
    fills: Sequence[float],
) -> bool:
    boxes = _boxes(passes, crop, block.shape)
    nan_flag = np.array([any(map(math.isnan, fills))], np.int64)
    source, origin = block, np.zeros(block.ndim, np.int64)
    for part, chunk in _groups(passes, boxes, out.dtype.itemsize):
        last = part.stop - 1
        extent = boxes.highs[last] - boxes.lows[last]
        target = out if part.stop == len(passes) else np.empty(tuple(extent), out.dtype)
        group = _Group(passes[part], fills[part], boxes.part(part), chunk, part.start == 0)
        if not group.run(source, origin, target, nan_flag):
            return False
        source, origin = target, boxes.lows[last]
    return True


@dataclass(frozen=True, slots=True)
class _Boxes:
    """The boxes, in coordinates of the block, that passes give: shape (passes, axes)."""

    lows: npt.NDArray[np.int64]
    highs: npt.NDArray[np.int64]
    shape: tuple[int, ...]

    def part(self, passes: slice) -> _Boxes:
        return _Boxes(self.lows[passes], self.highs[passes], self.shape)


def _boxes(passes: Sequence[Pass], crop: tuple[slice, ...], shape: tuple[int, ...]) -> _Boxes:
    """Give each pass the crop, but all of an axis that a later pass filters."""
    lows = np.tile(np.array([part.start for part in crop], np.int64), (len(passes), 1))
    highs = np.tile(np.array([part.stop for part in crop], np.int64), (len(passes), 1))
    for k, step in enumerate(passes):
        lows[:k, step.axis], highs[:k, step.axis] = 0, shape[step.axis]
    return _Boxes(lows, highs, shape)


def _groups(
    passes: Sequence[Pass], boxes: _Boxes, itemsize: int
) -> list[tuple[slice, npt.NDArray[np.int64]]]:
    """Share the passes out, from the last: as many in a group as its micro-tile holds."""
    groups = []
    stop = len(passes)
    while stop:
        first = stop - 1
        chunk = boxes.highs[first] - boxes.lows[first]
        while first:
            candidate = _chunk(passes[first - 1 : stop], boxes, first - 1, itemsize)
            if candidate is None:
                break
            first, chunk = first - 1, candidate
        groups.append((slice(first, stop), chunk))
        stop = first
    return groups[::-1]


def _chunk(
    group: Sequence[Pass], boxes: _Boxes, first: int, itemsize: int
) -> npt.NDArray[np.int64] | None:
    """Cut a micro-tile whose intermediate fits, or give None where it would be too thin.

    The axes of later passes stay whole. The lead, the axis of the first pass, gets as much as
    its halo at least, for each cut gathers the halo again; then the others, from the last axis on.
    """
    extent: npt.NDArray[np.int64] = boxes.highs[first] - boxes.lows[first]
    chunk: npt.NDArray[np.int64] = np.ones_like(extent)
    for step in group[1:]:
        chunk[step.axis] = extent[step.axis]
    lead = group[0].axis
    enough = max(8, len(group[0].weights) // 8 - 1)
    chunk[lead] = min(extent[lead], max(chunk[lead], enough))
    chunk_bytes = itemsize * math.prod(chunk.tolist())
    if chunk_bytes > _INTERMEDIATE_BYTES:
        return None
    for axis in (*reversed(range(extent.size)), lead):
        chunk[axis] = min(extent[axis], chunk[axis] * max(1, _CACHED_BYTES // chunk_bytes))
        chunk_bytes = itemsize * math.prod(chunk.tolist())
    return chunk


@dataclass(frozen=True, slots=True)
class _Group:
    """Passes that go over each micro-tile together."""

    passes: Sequence[Pass]
    fills: Sequence[float]
    boxes: _Boxes
    chunk: npt.NDArray[np.int64]
    fresh: bool  # its input is the block, which may bring any NaN

    def run(
        self,
        source: npt.NDArray[Any],
        origin: npt.NDArray[np.int64],
        target: npt.NDArray[Any],
        nan_flag: npt.NDArray[np.int64],
    ) -> bool:
        """Filter `source`, whose first sample is at `origin`; False where `execute` gives up."""
        strides = np.array(source.strides, np.int64)
        taps = [step.taps for step in self.passes]
        chunk_bytes = target.dtype.itemsize * math.prod(self.chunk.tolist()) if len(taps) > 1 else 0
        return bool(
            _executor()(
                _address(source) - int(origin @ strides),
                strides,
                _address(target),
                np.array(target.strides, np.int64),
                self.chunk,
                self.boxes.lows,
                self.boxes.highs,
                self._steps(taps),
                np.array(self.fills, np.float64),
                _leaves(source.dtype, target.dtype, self.fresh),
                nan_flag,
                _aligned(max(_scratch_samples(step.size) for step in taps)),
                _aligned(_BUFFER_SAMPLES),
                np.empty((2, chunk_bytes), np.uint8),
            )
        )

    def _steps(self, taps: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.int64]:
        """One row for each pass, in the columns that `execute` names; `taps` must outlive it."""
        rows = [
            (
                step.axis,
                self.boxes.shape[step.axis],
                step.reach[0],
                weights.size,
                kind_of(weights),
                _MODES[step.mode],
                _address(weights),
            )
            for step, weights in zip(self.passes, taps, strict=True)
        ]
        return np.array(rows, np.int64)


def kind_of(weights: npt.NDArray[np.float64]) -> int:
    """Return the order in which SciPy adds: 0 symmetric, 1 antisymmetric, 2 plain.

    >>> kind_of(np.array([1.0, 2.0, 1.0])), kind_of(np.array([-1.0, 0.0, 1.0]))
    (0, 1)

    Parameters
    ----------
    weights : ndarray, shape (n,), float64
    """
    half = weights.size // 2
    if weights.size % 2:
        left, right = weights[:half], weights[half + 1 :][::-1]
        if bool((np.abs(right - left) <= _EPSILON).all()):
            return 0
        if bool((np.abs(right + left) <= _EPSILON).all()):
            return 1
    return 2


def _scratch_samples(size: int) -> int:
    """Count the float64 samples that `execute` needs for a pass of `size` taps."""
    return max(_SCRATCH, 72 * (size + 64))


def _aligned(samples: int) -> npt.NDArray[np.float64]:
    """Make float64 scratch that begins on a cache line: vectors across two lines cost double."""
    room = np.empty(samples + 8)
    first = -_address(room) // 8 % 8
    return room[first : first + samples]


def _address(array: npt.NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


@functools.cache
def _leaves(
    in_dtype: np.dtype[Any], out_dtype: np.dtype[Any], fresh: bool
) -> npt.NDArray[np.int64]:
    """Rows of addresses for the first pass of a group and for the later ones."""
    from tiling.kernels import vector

    def row(dtype: np.dtype[Any], strict: int) -> list[int]:
        gather, scatter = vector.gather_address(dtype), vector.scatter_address(out_dtype)
        sizes = dtype.itemsize, out_dtype.itemsize
        shared = vector.correlate_address(), vector.classify_address(), strict
        return [gather, sizes[0], scatter, sizes[1], *shared]

    never, if_seen, always = range(3)
    later = if_seen if out_dtype.kind == "f" else never
    first = always if fresh and later and in_dtype.kind == "f" else later
    return np.array([row(in_dtype, first), row(out_dtype, later)], np.int64)


def _executor() -> Any:
    from tiling.kernels.execute import execute

    return execute
