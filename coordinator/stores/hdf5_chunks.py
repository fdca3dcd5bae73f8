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
from coordinator.stores.decoding import (
    check_packed,
    damaged,
    may_hold_more,
    most_bytes,
)
from coordinator.stores.place import Place
from coordinator.text import inert
from places.codecs import most_packed

CLAIMS: Mapping[int, tuple[str, int]] = {32001: ("<I", 4), 32004: (">Q", 0)}
"""Where the chunks of Blosc and of LZ4 say how many bytes they hold."""

DEFLATE, ZSTD = 1, 32015


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
    code, bit = _packing(dataset, place)
    for start, stored in _suspects(dataset, size, code, bit):
        let_in()
        if stored > most_packed(size):
            raise damaged(place, "a chunk", size, f"{stored} in the file")
        data = dataset.id.read_direct_chunk(start)[1]
        if code == DEFLATE:
            check_packed(place, data, size, "a chunk", "deflate")
        elif (claimed := _claimed(data, code)) > most_bytes(size):
            raise damaged(place, "a chunk", size, f"{claimed} packed in it")


def _packing(dataset: Any, place: Place) -> tuple[int, int]:
    """Return the filter that a chunk goes through last, but for a sum after it, and its place."""
    codes = [code for code, _ in filters(dataset)]
    while codes[-1:] == [h5py.h5z.FILTER_FLETCHER32]:
        codes.pop()
    if DEFLATE in codes[:-1]:
        raise InputError(f"{place}: packed again after deflate; write it with one compression")
    return codes[-1] if codes else 0, len(codes) - 1


def _suspects(dataset: Any, size: int, code: int, bit: int) -> list[tuple[tuple[int, ...], int]]:
    """Return where chunks are that could be larger than they should, and their bytes as stored."""
    found = []

    def note(chunk: Any) -> None:
        is_packed = code in (DEFLATE, ZSTD, *CLAIMS) and not chunk.filter_mask >> max(0, bit) & 1
        may_be = code != DEFLATE or may_hold_more(chunk.size, size, "deflate")
        if chunk.size > most_packed(size) or (is_packed and may_be):
            found.append((chunk.chunk_offset, chunk.size))

    dataset.id.chunk_iter(note)
    return found


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
