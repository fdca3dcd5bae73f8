"""Codecs of the chunks of a zarr array: what has to be known of it before their bytes are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.errors import InputError

SHARDS = "sharding_indexed"

CHECKSUM = "crc32c"

CHECKSUM_BYTES = 4

KNOWN = (None, "bytes", "transpose", "blosc", "gzip", "zlib", "bz2", "zstd", CHECKSUM)
"""Codecs that tensorstore has; None of version 2 where nothing is compressed."""

MOST_CODECS = 16
"""Of an array: each takes memory and time."""

INDEX = ({"name": "bytes", "configuration": {"endian": "little"}}, {"name": "bytes"})
"""How an index of a shard begins that can be read."""


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
    def of(cls, version: int, document: Mapping[str, Any], what: str) -> Codecs:
        """Read them in the metadata of an array.

        Raises
        ------
        InputError
            If chunks are stored in a way that does not tell how much memory they take.
        """
        if version == 2:
            compressor = document.get("compressor") or {}
            _check_known([compressor.get("id")], what)
            return cls((str(compressor.get("id")),))
        codecs, shard = document["codecs"], None
        if not all(isinstance(codec, dict) for codec in codecs):
            raise InputError(f"{what}: its codecs are not a list of objects, each with a name")
        if any(codec.get("name") == SHARDS for codec in codecs):
            shard = codecs[0].get("configuration", {})
            codecs = shard.get("codecs", [])
            if len(document["codecs"]) > 1 or any(codec.get("name") == SHARDS for codec in codecs):
                raise InputError(f"{what}: its shards are in other shards or codecs: not read")
            _check_index(shard.get("index_codecs", ()), what)
        if not 0 < len(codecs) <= MOST_CODECS:
            raise InputError(f"{what}: its metadata makes no sense: {len(codecs)} codecs")
        names = tuple(str(codec.get("name")) for codec in codecs)
        after = names[names.index("blosc") + 1 :] if "blosc" in names else ()
        _check_known(names, what)
        if set(after) - {CHECKSUM}:
            raise InputError(
                f"{what}: its chunks are compressed by {' and '.join(names)}: not read"
            )
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


def _check_known(names: Sequence[Any], what: str) -> None:
    for name in names:
        if name not in KNOWN:
            raise InputError(
                f"{what}: its chunks are stored by {str(name)[:60]}, which is not read; have zarr "
                "copy it into one that is compressed by zstd, gzip or blosc"
            )


def _check_index(codecs: Sequence[Mapping[str, Any]], what: str) -> None:
    sums = {codec.get("name") for codec in codecs[1:]}
    if not codecs or codecs[0] not in INDEX or sums - {CHECKSUM}:
        raise InputError(f"{what}: the index of its shards is stored in a way that is not read")
