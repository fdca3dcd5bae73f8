"""Integers in a smaller type: the samples of a block as they may travel, if not a bit is lost.

Many blocks hold less than their dtype could: a picture of 0 to 255 in int32, or in float32. They
are cast to the smallest integer type that a sample of them fits into, a piece at a time. Integers
are compared with its limits before; floats are cast back, and a piece with other bits ends it. So
-0.0, NaN, infinities, fractions and subnormal numbers stay as they are. A block that will not do is
known by its sample, or its first pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tiling.dtypes import Array, Dtype

SAMPLES: Final = 1024
"""Looked at first, evenly spread."""

PIECE: Final = 2**16
"""Samples looked at and cast at a time: they stay in the processor's cache."""

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
    for small in candidates if len(samples) else ():
        if _fits(samples, small):
            return small if _cast(samples, np.empty(len(samples), small)) is None else None
    return None


def _fits(samples: Array, small: Dtype) -> bool:
    """Tell whether samples are within the limits of a type; NaN is not."""
    limits = np.iinfo(small)
    return bool(limits.min <= samples.min() and samples.max() <= limits.max)


def _cast(samples: Array, cast: Array) -> int | None:
    """Cast samples; return where the first piece begins that would not come back, or None."""
    whole = samples.dtype.kind in "iu"
    bits = np.dtype(f"u{samples.itemsize}")
    for start in range(0, len(samples), PIECE):
        piece, small = (each[start : start + PIECE] for each in (samples, cast))
        if whole and not _fits(piece, small.dtype):
            return start
        small[...] = piece
        if not whole and not np.array_equal(small.astype(piece.dtype).view(bits), piece.view(bits)):
            return start
    return None
