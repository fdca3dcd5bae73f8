"""Integers in a smaller type: the samples of a block as they may travel, if not a bit is lost.

Many blocks hold less than their dtype could: a picture of 0 to 255 in int32, or in float32. They
are cast to the smallest integer type that a sample of them fits into, a piece at a time, and cast
back; a piece with other bits than before ends it. So -0.0, NaN, infinities, fractions and
subnormal numbers stay as they are. A block that will not do is known by its first pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tiling.dtypes import Array, Dtype

SAMPLES: Final = 1024
"""Looked at first, evenly spread."""

PIECE: Final = 2**16
"""Samples cast there and back at a time: they stay in the processor's cache."""

NAMES: Final = ("u1", "i1", "u2", "i2", "u4", "i4")
"""What samples may travel as, smallest first."""

NARROW: Final[Mapping[str, Dtype]] = {name: np.dtype(f"<{name}") for name in NAMES}


def narrower(dtype: Dtype) -> tuple[Dtype, ...]:
    """Return the integer types that samples of a dtype may travel as, smallest first.

    Parameters
    ----------
    dtype : numpy.dtype
        In any byte order.

    Examples
    --------
    >>> [small.name for small in narrower(np.dtype("f4"))]
    ['uint8', 'int8', 'uint16', 'int16']
    """
    if dtype.kind not in "iuf":
        return ()
    return tuple(small for small in NARROW.values() if small.itemsize < dtype.itemsize)


def narrowed(samples: Array) -> Array | None:
    """Return samples in a smaller integer type, from which they come back bit for bit, or None.

    Parameters
    ----------
    samples : ndarray, shape (n,)
        Contiguous, of a dtype that is sent to workers, in any byte order.

    Examples
    --------
    >>> narrowed(np.array([0.0, 255.0], "<f4"))
    array([  0, 255], dtype=uint8)
    >>> narrowed(np.array([-0.0, 255.0], "<f4")) is None
    True
    """
    some = samples[:: max(1, len(samples) // SAMPLES)]
    candidates = narrower(samples.dtype)
    with np.errstate(invalid="ignore"):  # casting what does not fit
        while (small := _fitting(some, candidates)) is not None:
            cast = np.empty(len(samples), small)
            differs_at = _cast(samples, cast)
            if differs_at is None:
                return cast
            some = np.concatenate((some, samples[differs_at : differs_at + PIECE]))
            candidates = candidates[candidates.index(small) + 1 :]
    return None


def _fitting(samples: Array, candidates: tuple[Dtype, ...]) -> Dtype | None:
    """Return the first type that holds all of these bit for bit; there may be none."""
    if not (candidates and len(samples)):
        return None
    low, high = samples.min(), samples.max()
    for small in candidates:
        limits = np.iinfo(small)
        if limits.min <= low and high <= limits.max:  # NaN is not
            return small if _cast(samples, np.empty(len(samples), small)) is None else None
    return None


def _cast(samples: Array, cast: Array) -> int | None:
    """Cast samples; return where the first piece begins that does not come back, or None."""
    bits = np.dtype(f"u{samples.itemsize}")
    back = np.empty(min(len(samples), PIECE), samples.dtype)
    for start in range(0, len(samples), PIECE):
        piece, small = (each[start : start + PIECE] for each in (samples, cast))
        again = back[: len(piece)]
        small[...] = piece
        again[...] = small
        if not np.array_equal(again.view(bits), piece.view(bits)):
            return start
    return None
