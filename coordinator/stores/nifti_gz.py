"""NIfTI in gzip: decompressed once before a run, or compressed once after it, a piece at a time."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from typing import IO, Any

import numpy as np

from coordinator.errors import InputError
from coordinator.interruption import let_in
from coordinator.stores import nifti
from coordinator.stores.flat_sink import Encode
from coordinator.stores.layout import Layout
from coordinator.stores.nifti import outline
from coordinator.stores.outline import Outline
from coordinator.stores.place import Place
from tiling.dtypes import Array

__all__ = ["FOREIGN", "decode", "encoder", "layout", "outline"]

FOREIGN = (*nifti.FOREIGN, EOFError, zlib.error)
"""What is raised of files that make no sense."""

PIECE_BYTES = 2**24
"""Of samples that are compressed or decompressed at a time."""

LEVEL = 1
"""Of compression, as nibabel writes: more takes several times as long for little."""


def layout(place: Place) -> Layout:
    """Read the header in a compressed file.

    Raises
    ------
    InputError
        If its samples are not in the file as they are meant.
    OSError
        If the system does not let it be read.
    """
    with gzip.open(place.path) as file:
        found = nifti.read_layout(file, place)
    return replace(found, offset=None, stored="gzip", decode_bytes=2 * PIECE_BYTES, unit="a piece")


def decode(place: Place, into: Array) -> None:
    """Decompress the samples; what follows them is read to its end, where gzip's checksum is."""
    with gzip.open(place.path) as file:
        offset = nifti.read_layout(file, place).offset or 0
        file.seek(offset)
        left = into.T.reshape(-1).view(np.uint8).data
        while left:
            let_in()
            count = file.readinto(left[:PIECE_BYTES])
            if not count:
                raise InputError(f"{place}: truncated: {len(left)} bytes of samples are missing")
            left = left[count:]
        file.read(PIECE_BYTES)


def encoder(place: Place, about: Any) -> Encode:
    """Return what compresses an array into a file."""

    def encode(array: Array, file: IO[bytes]) -> None:
        made = outline(array.shape, array.dtype, place, about)
        with gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as stream:
            stream.write(_header(made))
            left = array.T.reshape(-1).view(np.uint8).data
            while left:
                let_in()
                stream.write(left[:PIECE_BYTES])
                left = left[PIECE_BYTES:]

    return encode


def _header(made: Outline) -> bytes:
    ((_, header),) = made.parts
    return header
