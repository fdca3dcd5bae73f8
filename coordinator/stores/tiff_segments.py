"""Strips and tiles of TIFF: how much memory decoding them takes, and the decoding itself.

tifffile decodes each as a whole, several at once. Long strips of plain deflate are unpacked here
instead, in pieces, into where their samples belong.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from coordinator.errors import InputError
from coordinator.interruption import let_in
from coordinator.stores.decoding import (
    PIECE_BYTES,
    Packing,
    check_packed,
    damaged,
    most_bytes,
    unit_bytes,
    unpacked,
)
from coordinator.stores.place import Place
from coordinator.stores.tiff_pictures import PICTURES, picture_bytes
from places.codecs import most_packed
from tiling.dtypes import Array

PACKINGS: dict[int, Packing] = {8: "deflate", 32946: "deflate", 34925: "lzma"}
"""Compressions that tifffile itself unpacks to whatever they hold, unless imagecodecs does it."""

LONG_BYTES = 2**24
"""Of a strip, from which on it is unpacked in pieces."""

AT_ONCE_BYTES = 2**26
"""That several segments take while they are decoded at once."""

READ_BYTES = 2**24
"""Of packed segments that are read at a time."""


def decode_bytes(page: Any) -> int:
    """Return the memory that decoding a page takes at once, besides its samples."""
    if _in_pieces(page):
        return 2 * PIECE_BYTES
    return READ_BYTES + unit_bytes(_size(page), _at_once(page))


def word(page: Any) -> str:
    """Return what a segment of a page is called."""
    return "tile" if page.is_tiled else "strip"


def read_page(page: Any, plane: Array, place: Place) -> None:
    """Decode a page into a plane of its shape.

    Raises
    ------
    InputError
        If a segment holds more than the page says, or less.
    ValueError, or another of tifffile's
        If it can't be decoded.
    """
    keyframe = page.keyframe
    if keyframe.is_contiguous:
        page.asarray(out=plane)
        return
    if _in_pieces(keyframe):
        _unpack(page, plane, place)
        return
    _check(page, place)
    page.asarray(out=plane, maxworkers=_at_once(keyframe), buffersize=READ_BYTES)


def _size(page: Any) -> int:
    """Return the bytes of a segment, as its page says."""
    return int(math.prod(page.chunks) * page.dtype.itemsize)


def _at_once(page: Any) -> int:
    """Return how many segments are decoded at once."""
    most = AT_ONCE_BYTES // unit_bytes(_size(page))
    return max(1, min(int(page.maxworkers), most))


def _in_pieces(page: Any) -> bool:
    """Tell whether the segments of a page are unpacked in pieces."""
    return bool(
        PACKINGS.get(page.compression) == "deflate"
        and (page.predictor, page.fillorder) == (1, 1)
        and not page.is_tiled
        and page.bitspersample == 8 * page.dtype.itemsize
        and _size(page) >= LONG_BYTES
    )


def _check(page: Any, place: Place) -> None:
    """Refuse segments that hold more than they should."""
    keyframe, file = page.keyframe, page.parent.filehandle
    size, unit = _size(keyframe), f"a {word(keyframe)}"
    packing = PACKINGS.get(keyframe.compression)
    if importlib.util.find_spec("imagecodecs") is not None:
        packing = None  # it stops where a segment ends
    for at, stored in zip(page.dataoffsets, page.databytecounts, strict=False):
        if stored > most_packed(size):
            raise damaged(place, unit, size, f"{stored} in the file")
        if packing is not None or keyframe.compression in PICTURES:
            let_in()
            file.seek(at)
            data = file.read(stored)
            if packing is not None:
                check_packed(place, data, size, unit, packing)
            if (claimed := picture_bytes(data, keyframe.compression)) > most_bytes(size):
                raise damaged(place, unit, size, f"{claimed} as the picture in it says")


def _unpack(page: Any, plane: Array, place: Place) -> None:
    """Unpack strips one after another, as their samples lie."""
    file, left = page.parent.filehandle, plane.reshape(-1).view(np.uint8)
    for at, stored, size in _strips(page):
        strip, left = left[:size], left[size:]
        if not stored:  # as tifffile reads what was never written
            strip.view(plane.dtype)[...] = page.keyframe.nodata
            continue
        done = 0
        for piece in unpacked(_read(file, at, stored), "deflate"):
            part = piece[: size - done]
            strip[done : done + len(part)] = np.frombuffer(part, np.uint8)
            done += len(part)
            if done == size:
                break
        if done < size:
            raise InputError(f"{place}: damaged: {size - done} bytes of a strip are missing")
    if page.parent.byteorder != {"little": "<", "big": ">"}[sys.byteorder]:
        plane.byteswap(inplace=True)


def _strips(page: Any) -> Iterator[tuple[int, int, int]]:
    """Yield offset and bytes of each strip in the file, and of its samples."""
    separate, deep, length, width, samples = page.keyframe.shaped
    row = width * samples * page.keyframe.dtype.itemsize
    high = page.keyframe.rowsperstrip
    rows = [min(high, length - first) for first in range(0, length, high)] * separate * deep
    for at, stored, count in zip(page.dataoffsets, page.databytecounts, rows, strict=True):
        yield at, stored, count * row


def _read(file: Any, at: int, size: int) -> Iterator[bytes]:
    for start in range(0, size, PIECE_BYTES):
        let_in()
        file.seek(at + start)
        yield file.read(min(PIECE_BYTES, size - start))
