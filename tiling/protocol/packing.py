"""Packed samples: LZ4 or Zstandard behind a shuffle of bytes, in the container of Blosc.

The library (numcodecs, ``pip install 'tilefan[codecs]'``) is loaded on first use. It trusts the
lengths in the container's head, so these are compared with what is known before it reads one.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from tiling.dtypes import Array
from tiling.errors import WireError

LEVELS: Final[Mapping[str, int]] = {"lz4": 5, "zstd": 1}
"""How hard each packer tries."""

AT_LEAST_BYTES: Final = 2**16
"""Of samples: fewer are not worth it."""

MOST_BYTES: Final = 2**31 - 17
"""Of samples in one container."""

SAMPLE_BYTES, SAMPLES_AT = 2**16, 4
"""Packed first, at so many places, to see whether the rest will be worth it."""

WORTH: Final = 1.2
"""Times smaller the sample must become."""

_HEAD: Final = struct.Struct("<4B3I")


@cache
def packers() -> frozenset[str]:
    """Return the packers that this process has: all or none."""
    return frozenset(LEVELS) if find_spec("numcodecs") else frozenset()


def packed(samples: Array, packer: str, worth: float = WORTH) -> memoryview | None:
    """Return samples packed, or None if that is not worth it.

    Parameters
    ----------
    samples : ndarray, shape (n,)
        Contiguous.
    packer : str
        One of `packers`.
    worth : float
        How many times smaller a part of them must become.
    """
    if not AT_LEAST_BYTES <= samples.nbytes <= MOST_BYTES:
        return None
    if _pack(_some(samples), packer, worth) is None:
        return None
    return _pack(samples, packer, 1.0)


def unpack(body: memoryview, samples: Array) -> None:
    """Unpack a body into all of these samples; what is in it is not believed.

    Parameters
    ----------
    body : memoryview
    samples : ndarray, shape (n,)
        Contiguous.

    Raises
    ------
    WireError
        If it is not a container of exactly so many bytes.
    """
    if len(body) < _HEAD.size:
        raise WireError(f"{len(body)} bytes are no packed block")
    *_, whole, _, size = _HEAD.unpack_from(body)
    if (whole, size) != (samples.nbytes, len(body)):
        raise WireError(
            f"a packed block of {whole} bytes in {size}, not {samples.nbytes} in {len(body)}"
        )
    try:
        _blosc().decompress(body, samples)
    except RuntimeError:
        raise WireError("a packed block that can't be unpacked") from None


def _pack(samples: Array, packer: str, worth: float) -> memoryview | None:
    body = _blosc().compress(samples, packer.encode("ascii"), LEVELS[packer])
    return memoryview(body) if len(body) * worth < samples.nbytes else None


def _some(samples: Array) -> Array:
    """Return parts of the samples from `SAMPLES_AT` places."""
    count = SAMPLE_BYTES // samples.itemsize
    if len(samples) <= SAMPLES_AT * count:
        return samples
    starts = np.linspace(0, len(samples) - count, SAMPLES_AT, dtype=np.intp)
    return np.concatenate([samples[start : start + count] for start in starts])


def _blosc() -> Any:
    from numcodecs import blosc

    return blosc
