"""Fixed probe blocks: a kernel, or a machine, proves itself by digests of what it makes of them.

Samples and weights come from integer arithmetic and single IEEE operations, so every machine
starts from the same bits. Each case goes over all axes of one block: the first, a short middle
one, and a last one long enough for vectors, with casts that overflow, and for floats with negative
zeros, with infinities, and with NaNs (apart: where the two meet, the compiler decides on x86
which NaN is the result).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tiling.geometry.edges import Mode
from tiling.kernels import Kernel
from tiling.operations import Correlations
from tiling.operations.passes import Pass

if TYPE_CHECKING:
    from collections.abc import Iterable

SHAPE = (3, 6, 70)
MODES: tuple[Mode, ...] = ("reflect", "mirror", "nearest", "constant", "wrap")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
REAL = ("bool", *INTEGERS, "float32", "float64")
PAIRS = (
    *((name, name) for name in (*REAL, "complex64", "complex128")),
    ("uint8", "float32"),
    ("int32", "float64"),
    ("float64", "uint32"),
)
SPECIALS = {
    "finite": (-0.0, 1e-320, -3e9),
    "infinite": (np.inf, -np.inf, 1e300),
    "nan": (np.nan, -0.0, 2.5),
    "subnormal": (),
}
"""Kinds of blocks of floats, and the numbers that are scattered in each; ``subnormal`` has nothing
but numbers below the normal ones, so that no larger one hides what is made of them."""
_THIRD = 1.0 / 3.0
TAPS = {
    "symmetric": (-0.1, 0.25, 1.3, 0.25, -0.1),
    "antisymmetric": (_THIRD, -1.25, 0.0, 1.25, -_THIRD),
    "plain": (0.7, -_THIRD, 0.2, 1.1, -0.05),
    "even": (0.6, -1.7, _THIRD, 0.9),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One probe: names of the dtypes, of the edge mode, of the weights and of what is special."""

    in_dtype: str
    out_dtype: str
    mode: Mode
    taps: str
    special: str

    def operation(self) -> Correlations:
        """One pass along each axis, each with another origin."""
        weights = np.array(TAPS[self.taps], "<f8").tobytes()
        fill = 0.0 if self.special == "subnormal" else 1.5
        return Correlations(
            tuple(Pass(axis, weights, self.mode, fill, axis - 1) for axis in range(len(SHAPE)))
        )

    def crop(self) -> tuple[slice, ...]:
        """A region that touches an edge on some axes and not on others."""
        return slice(0, 2), slice(1, 6), slice(2, 69)

    def outcome(self, run: Kernel) -> npt.NDArray[Any]:
        """Return what a kernel computes of the case.

        Parameters
        ----------
        run : Kernel
        """
        crop = self.crop()
        out = np.empty([part.stop - part.start for part in crop], self.out_dtype)
        run(self.operation(), block(self.in_dtype, self.special), crop, out)
        return out


def cases(pairs: Iterable[tuple[str, str]] = PAIRS) -> list[Case]:
    """Make the probes for pairs of dtypes: every mode and kind of weights, specials for floats.

    Parameters
    ----------
    pairs : iterable of (str, str)
        Names of the dtypes that are read and written.
    """
    return [
        Case(source, target, mode, taps, special)
        for source, target in pairs
        for mode in MODES
        for taps in TAPS
        for special in specials(np.dtype(source))
        if special != "subnormal" or taps == "plain"
    ]


def specials(dtype: np.dtype[Any]) -> tuple[str, ...]:
    """Return the kinds of blocks that a dtype has: all of `SPECIALS` for floats, one for others.

    Parameters
    ----------
    dtype : numpy.dtype
    """
    return tuple(SPECIALS) if dtype.kind in "fc" else ("finite",)


def block(dtype: str, special: str) -> npt.NDArray[Any]:
    """Make the samples of a probe.

    >>> block("int8", "finite").ravel()[:3]
    array([ 23, -55, -25], dtype=int8)

    Parameters
    ----------
    dtype : str
        A dtype's name.
    special : str
        One of `specials`.

    Returns
    -------
    ndarray, shape `SHAPE`
    """
    kind = np.dtype(dtype)
    bits = _scramble(math.prod(SHAPE)).reshape(SHAPE)
    if kind.kind == "c":
        both = np.empty(SHAPE, kind)
        both.real = _floats(bits, both.real.dtype, special)
        both.imag = _floats(bits[::-1], both.real.dtype, special)
        return both
    if kind.kind == "f":
        return _floats(bits, kind, special)
    return (bits >> np.uint64(63 if kind.kind == "b" else 64 - 8 * kind.itemsize)).astype(kind)


def _scramble(count: int) -> npt.NDArray[np.uint64]:
    """Return `count` well mixed 64-bit numbers: a Weyl sequence through a multiply-shift."""
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    return mixed * np.uint64(0xD6E8FEB86659FD93)


def _floats(bits: npt.NDArray[np.uint64], dtype: np.dtype[Any], special: str) -> npt.NDArray[Any]:
    if special == "subnormal":
        return _subnormals(bits, dtype)
    samples = (bits.view(np.int64) >> np.int64(20)).astype(np.float64) * 2.0**-24
    flat = samples.reshape(-1)
    for start, value in enumerate(SPECIALS[special]):
        flat[37 * (start + 1) :: 211] = value
    with np.errstate(over="ignore", under="ignore"):
        return samples.astype(dtype)


def _subnormals(bits: npt.NDArray[np.uint64], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return a sign and a fraction each, and no exponent, put together without arithmetic."""
    width = np.uint64(8 * dtype.itemsize)
    fraction = np.uint64(np.finfo(dtype).nmant)
    sign = bits >> np.uint64(63) << (width - np.uint64(1))
    patterns = sign | (bits << np.uint64(1) >> (np.uint64(64) - fraction))
    return patterns.astype(f"u{dtype.itemsize}").view(dtype)
