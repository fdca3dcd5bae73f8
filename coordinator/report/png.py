"""Pictures of arrays: a slice as grey or coloured bytes, and those as a PNG file.

PNG needs no more than zlib: a signature, a header, the rows each behind a 0 (no filter), an end.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from tiling.dtypes import Array

Bytes = npt.NDArray[np.uint8]

GREY, RGB = 0, 2
MAX_SIDE: Final = 360
"""Pixels of a thumbnail's longer side."""


def encode(pixels: Bytes) -> bytes:
    """Return a PNG file of rows of grey pixels, or of rows of RGB pixels.

    Parameters
    ----------
    pixels : ndarray of uint8
        Of shape (height, width) or (height, width, 3).
    """
    height, width = pixels.shape[:2]
    colour = RGB if pixels.ndim == 3 else GREY
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    body = zlib.compress(np.insert(rows, 0, 0, axis=1).tobytes(), 6)
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def step_for(shape: tuple[int, ...], side: int = MAX_SIDE) -> int:
    """Return the step at which the longest axis takes so many pixels at most.

    >>> step_for((872, 1000, 3))
    3
    """
    return max(1, math.ceil(max(shape, default=1) / side))


def limits(*planes: Array) -> tuple[float, float]:
    """Return the least and the largest finite number of planes: what is black and what is white."""
    finite = [part[np.isfinite(part)] for part in map(_real, planes)]
    some = [part for part in finite if part.size]
    if not some:
        return 0.0, 1.0
    return min(float(part.min()) for part in some), max(float(part.max()) for part in some)


def shades(plane: Array, low: float, high: float) -> Bytes:
    """Return a plane as bytes, from `low` (0) to `high` (255); what is no number is 0."""
    span = (high - low) or 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = (_real(plane) - low) * (255 / span)
    return np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0).clip(0, 255).astype(np.uint8)


def _real(plane: Array) -> npt.NDArray[np.float64]:
    return np.asarray(np.abs(plane) if plane.dtype.kind == "c" else plane, np.float64)
