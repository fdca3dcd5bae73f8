"""Chunks of HDF5: their size, the filters that they go through, and what is packed in them.

The library unpacks a chunk to whatever it holds. What is packed in it is told by its first bytes,
or found out by unpacking it without keeping anything.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import h5py

from coordinator.errors import InputError
from coordinator.interruption import let_in
from coordinator.stores.decoding import check_packed, damaged, most_bytes, most_packed
from coordinator.stores.place import Place
from coordinator.text import inert

CLAIMS: Mapping[int, tuple[str, int]] = {32001: ("<I", 4), 32004: (">Q", 0)}
"""Where the chunks of Blosc and of LZ4 say how many bytes they hold."""

ZSTD = 32015


def filters(dataset: Any) -> Iterator[tuple[int, str]]:
    """Yield code and name of what each chunk goes through."""
    made = dataset.id.get_create_plist()
    for number in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(number)
        yield code, name.decode("utf-8", "replace")


def chunk_bytes(dataset: Any) -> int:
    """Return the bytes of a chunk; 0 if there are none, or if they are as they are read."""
    chunks = dataset.chunks if next(filters(dataset), None) else None
    return math.prod(chunks) * int(dataset.dtype.itemsize) if chunks else 0


def check_filters(dataset: Any, place: Place) -> None:
    """Refuse a dataset that this library can't decompress.

    Raises
    ------
    InputError
        Saying which filter is missing.
    """
    for code, name in filters(dataset):
        if not h5py.h5z.filter_avail(code):
            raise InputError(
                f"{place}: compressed by {inert(name)} (filter {code}), which is not installed; "
                "try: pip install hdf5plugin"
            )


def check_chunks(dataset: Any, place: Place) -> None:
    """Refuse a dataset of which a chunk holds much more than it should.

    Raises
    ------
    InputError
        If there is one.
    """
    if not (size := chunk_bytes(dataset)):
        return
    codes = [code for code, _ in filters(dataset) if code != h5py.h5z.FILTER_FLETCHER32]
    if h5py.h5z.FILTER_DEFLATE in codes[:-1]:
        raise InputError(f"{place}: packed again after deflate; write it with one compression")
    found: list[Any] = []
    dataset.id.chunk_iter(found.append)
    for chunk in found:
        let_in()
        if chunk.size > most_packed(size):
            raise damaged(place, "a chunk", size, f"{chunk.size} in the file")
        if codes[-1] == h5py.h5z.FILTER_DEFLATE:
            check_packed(place, _stored(dataset, chunk), size, "a chunk", "deflate")
        elif codes[-1] in (*CLAIMS, ZSTD):
            claimed = _claimed(_stored(dataset, chunk), codes[-1])
            if claimed > most_bytes(size):
                raise damaged(place, "a chunk", size, f"{claimed} packed in it")


def _stored(dataset: Any, chunk: Any) -> bytes:
    data: bytes = dataset.id.read_direct_chunk(chunk.chunk_offset)[1]
    return data


def _claimed(data: bytes, code: int) -> int:
    """Return how many bytes a packed chunk says that it holds; 0 if it does not say."""
    if code == ZSTD:
        return _claimed_by_zstd(data)
    form, at = CLAIMS[code]
    return int(struct.unpack_from(form, data, at)[0]) if len(data) >= at + 8 else 0


def _claimed_by_zstd(data: bytes) -> int:
    """Return what a frame's header says; see RFC 8878, section 3.1.1.1."""
    if len(data) < 18:
        return 0
    flags = data[4]
    single = flags >> 5 & 1
    at = 6 - single + (0, 1, 2, 4)[flags & 3]
    length = (single, 2, 4, 8)[flags >> 6]
    return int.from_bytes(data[at : at + length], "little")
