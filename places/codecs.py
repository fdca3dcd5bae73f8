"""Codecs of the chunks of a zarr array: what has to be known before their bytes are decoded.

tensorstore decodes all bytes that it gets, and Blosc has memory made for as many bytes as its
header says. So what is packed must not be much longer than the chunk in it; nor may a header of
Blosc say more. zstd, gzip and bz2 stop by themselves when a chunk is full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from places.errors import PlaceError

SHARDS = "sharding_indexed"

CHECKSUM = "crc32c"

CHECKSUM_BYTES = 4

KNOWN = (None, "bytes", "transpose", "blosc", "gzip", "zlib", "bz2", "zstd", CHECKSUM)
"""Codecs that tensorstore has; None of version 2 where nothing is compressed."""

HEADER = 16
"""Bytes of Blosc before the first block; the second four are how many it holds."""

ABSENT = 2**64 - 1
"""In a shard's index: there is no such chunk."""

MOST_CODECS = 16
"""Of an array: each takes memory and time."""

INDEX = ({"name": "bytes", "configuration": {"endian": "little"}}, {"name": "bytes"})
"""How an index of a shard begins that can be read."""


def most_packed(size: int) -> int:
    """Return the bytes that a unit of so many may take when it is packed: no codec adds more."""
    return size + size // 4 + 2**16


@dataclass(frozen=True, slots=True)
class Codecs:
    """How chunks are stored.

    Parameters
    ----------
    names : tuple of str
        Of the codecs of a chunk that is decoded by itself.
    shard : mapping, optional
        What is said of the shards that it lies in.
    """

    names: tuple[str, ...]
    shard: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, version: int, document: Mapping[str, Any]) -> Codecs:
        """Read them in the metadata of an array.

        Raises
        ------
        PlaceError
            If chunks are stored in a way that does not tell how much memory they take.
        """
        if version == 2:
            compressor = document.get("compressor") or {}
            _check_known([compressor.get("id")])
            return cls((str(compressor.get("id")),))
        codecs, shard = _objects(document["codecs"]), None
        if any(codec.get("name") == SHARDS for codec in codecs):
            shard = codecs[0].get("configuration", {})
            codecs = _objects(shard.get("codecs", []))
            if len(document["codecs"]) > 1 or any(codec.get("name") == SHARDS for codec in codecs):
                raise PlaceError("its shards are in other shards or codecs: not read")
            _check_index(_objects(shard.get("index_codecs", [])))
        if not 0 < len(codecs) <= MOST_CODECS:
            raise PlaceError(f"its metadata makes no sense: {len(codecs)} codecs")
        names = tuple(str(codec.get("name")) for codec in codecs)
        after = names[names.index("blosc") + 1 :] if "blosc" in names else ()
        _check_known(names)
        if set(after) - {CHECKSUM}:
            raise PlaceError(f"its chunks are compressed by {' and '.join(names)}: not read")
        return cls(names, shard)

    @property
    def has_blosc(self) -> bool:
        """Whether chunks begin with a header of Blosc."""
        return "blosc" in self.names

    def index_span(self, count: int) -> tuple[int, int]:
        """Return which bytes of a shard of so many chunks are its index: start and stop."""
        shard = self.shard or {}
        size = 16 * count + CHECKSUM_BYTES * (len(shard.get("index_codecs", ())) - 1)
        return (0, size) if shard.get("index_location") == "start" else (-size, 0)

    def check(self, data: bytes, chunk_bytes: int, count: int) -> None:
        """Refuse what a key holds if decoding it would take more memory than it may.

        Parameters
        ----------
        data : bytes
            All of the key: one chunk, or a shard.
        chunk_bytes : int
            Of a chunk, decoded.
        count : int
            Chunks of a shard.

        Raises
        ------
        PlaceError
            Saying what a chunk claims.
        """
        for start, stop in self._spans(data, count):
            self.check_span(stop - start, data[start : start + HEADER], chunk_bytes)

    def check_span(self, size: int, head: bytes, chunk_bytes: int) -> None:
        """Refuse a chunk of so many packed bytes that begin so; see `check`."""
        held = int.from_bytes(head[4:8], "little") if self.has_blosc else 0
        if max(size, held) > most_packed(chunk_bytes):
            raise PlaceError(f"claims {max(size, held)} bytes; a chunk of it has {chunk_bytes}")

    def _spans(self, data: bytes, count: int) -> Iterator[tuple[int, int]]:
        """Yield where the chunks of a key are in it: start and stop."""
        if self.shard is None:
            yield 0, len(data)
            return
        start, stop = self.index_span(count)
        index = data[start : stop or None]
        if len(data) < abs(start) or len(index) < 16 * count:
            raise PlaceError("is cut short")
        yield from present(index, count)


def present(index: bytes, count: int) -> Iterator[tuple[int, int]]:
    """Yield start and stop of each chunk that an index of a shard says to be there."""
    for at, size in np.frombuffer(index, "<u8", 2 * count).reshape(count, 2).tolist():
        if (at, size) != (ABSENT, ABSENT):
            yield at, at + size


def _objects(codecs: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
    if not all(isinstance(codec, dict) for codec in codecs):
        raise PlaceError("its codecs are not a list of objects, each with a name")
    return codecs


def _check_known(names: Sequence[Any]) -> None:
    for name in names:
        if name not in KNOWN:
            raise PlaceError(
                f"its chunks are stored by {str(name)[:60]}, which is not read; have zarr "
                "copy it into one that is compressed by zstd, gzip or blosc"
            )


def _check_index(codecs: Sequence[Mapping[str, Any]]) -> None:
    sums = {codec.get("name") for codec in codecs[1:]}
    if not codecs or codecs[0] not in INDEX or sums - {CHECKSUM}:
        raise PlaceError("the index of its shards is stored in a way that is not read")
