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
    Packing,
    check_packed,
    damaged,
    may_hold_more,
    most_bytes,
)
from coordinator.stores.place import Place
from coordinator.text import inert
from places.codecs import most_packed

CLAIMS: Mapping[int, tuple[str, int]] = {
    4: ("<I", 0),  # szip
    32001: ("<I", 4),  # Blosc
    32004: (">Q", 0),  # LZ4
    32008: (">Q", 0),  # bitshuffle, where it compresses
    32026: (">q", 30),  # Blosc2
}
"""Where packed chunks say how many bytes they hold."""

PACKINGS: Mapping[int, Packing] = {1: "deflate", 307: "bzip2"}
"""Filters whose chunks do not say it, and are unpacked to be counted."""

ZSTD, ZFP, BITSHUFFLE = 32015, 32013, 32008

UNPACKED = (2, 3, 5, 6)
"""Filters that add little: shuffle, Fletcher's sums, n bits, and scales and offsets."""

LZF = 32000
"""Packs no more than a hundred bytes in one."""

KNOWN = (*UNPACKED, *CLAIMS, *PACKINGS, ZSTD, ZFP, LZF)
"""Of others nobody knows what a chunk takes before it is unpacked."""

ZFP_BITS = {1: 48, 2: 24, 3: 16, 4: 12}
"""Of each length of a chunk, by its axes; see `zfp_field_metadata` in zfp's source."""


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
    """Refuse a dataset that this library can't decompress, or only into nobody knows how much.

    Raises
    ------
    InputError
        Saying which filter is missing, or which are read.
    """
    for code, name in filters(dataset):
        if code not in KNOWN:
            raise InputError(
                f"{place}: compressed by {inert(name)} (filter {code}), whose chunks do not tell "
                "how much memory they take; copy it by: h5repack -f GZIP=4 IN OUT"
            )
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
    if (claimed := _claimed_by_zfp(dataset, bit)) > most_bytes(size):
        raise damaged(place, "a chunk", size, f"{claimed} packed in it")
    for start, stored in _suspects(dataset, size, code, bit):
        let_in()
        if stored > most_packed(size):
            raise damaged(place, "a chunk", size, f"{stored} in the file")
        data = dataset.id.read_direct_chunk(start)[1]
        if code in PACKINGS:
            check_packed(place, data, size, "a chunk", PACKINGS[code])
        elif (claimed := _claimed(data, code)) > most_bytes(size):
            raise damaged(place, "a chunk", size, f"{claimed} packed in it")


def _packing(dataset: Any, place: Place) -> tuple[int, int]:
    """Return the filter that packs chunks, and its place among all; 0 if none does."""
    made = dataset.id.get_create_plist()
    used = [*filters(dataset)]
    for bit, (code, name) in enumerate(used):
        if code in UNPACKED or (code == BITSHUFFLE and not any(made.get_filter(bit)[2][4:5])):
            continue
        if {after for after, _ in used[bit + 1 :]} - {h5py.h5z.FILTER_FLETCHER32}:
            raise InputError(
                f"{place}: packed again after {inert(name)}; write it with one compression"
            )
        return code, bit
    return 0, 0


def _suspects(dataset: Any, size: int, code: int, bit: int) -> list[tuple[tuple[int, ...], int]]:
    """Return where chunks are that could be larger than they should, and their bytes as stored."""
    found = []

    def note(chunk: Any) -> None:
        is_packed = code in (*PACKINGS, ZSTD, *CLAIMS) and not chunk.filter_mask >> bit & 1
        may_be = code not in PACKINGS or may_hold_more(chunk.size, size, PACKINGS[code])
        if chunk.size > most_packed(size) or (is_packed and may_be):
            found.append((chunk.chunk_offset, chunk.size))

    dataset.id.chunk_iter(note)
    return found


def _claimed_by_zfp(dataset: Any, bit: int) -> int:
    """Return how many bytes a dataset says that zfp makes of each chunk; 0 without zfp."""
    made = dataset.id.get_create_plist()
    if not made.get_nfilters() or made.get_filter(bit)[0] != ZFP:
        return 0
    low, high = (*made.get_filter(bit)[2], 0, 0, 0, 0)[2:4]
    header = int(low | high << 32)
    kind, axes, lengths = header & 3, (header >> 2 & 3) + 1, header >> 4
    bits = ZFP_BITS[axes]
    each = (lengths >> bits * axis & (1 << bits) - 1 for axis in range(axes))
    return math.prod(length + 1 for length in each) * (4, 8)[kind & 1]


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
