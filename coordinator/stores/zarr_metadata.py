"""Zarr metadata of version 2 and 3, parsed into a value: nothing of it is believed unchecked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from coordinator.errors import InputError
from coordinator.stores.ome_zarr import Level
from coordinator.text import inert
from places.codecs import Codecs
from places.errors import PlaceError
from tiling.dtypes import Dtype

Document: TypeAlias = Mapping[str, Any]

Version: TypeAlias = Literal[2, 3]

WORDS = ("NaN", "Infinity", "-Infinity")
"""That are numbers in JSON, of version 2."""

MAX_BYTES = 2**60
"""Of an array: a header that claims more makes no sense."""

MAX_CHUNK_BYTES = 2**31
"""Of a chunk, decoded: Blosc has no larger ones, and memory seldom much more."""

MAX_AXES = 32
"""Of an array; tensorstore has no more."""

MAX_IN_SHARD = 2**24
"""Chunks: a shard's index is read as a whole, and has 16 bytes for each."""

IGNORED = {"zarr_format", "node_type", "attributes", "dimension_names", "consolidated_metadata"}
"""Members of version 3 that are not needed to read samples."""

DIGITS = re.compile("[0-9]+")

NEEDED = {
    2: ("shape", "chunks", "dtype", "compressor", "fill_value", "order"),
    3: ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs"),
}

DTYPES = {
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
}
"""That are read."""


@dataclass(frozen=True, slots=True)
class ZarrArray:
    """The metadata of an array.

    Parameters
    ----------
    version : int
        Of the format.
    document : mapping
        ``zarr.json`` or ``.zarray``.
    shape : tuple of int
    dtype : numpy.dtype
    chunk : tuple of int
        That is a key of its own: a shard where there are shards.
    inner : tuple of int
        That is decoded by itself; `chunk` where there are no shards.
    attributes : mapping
        ``.zattrs`` of version 2.
    level : Level, optional
        If it is one of an OME image.
    """

    version: Version
    document: Document
    shape: tuple[int, ...]
    dtype: Dtype
    chunk: tuple[int, ...]
    inner: tuple[int, ...]
    attributes: Document = field(default_factory=dict)
    level: Level | None = None

    @property
    def grain(self) -> tuple[int, ...]:
        """The box that is written at once, inside the array."""
        return tuple(max(1, min(each)) for each in zip(self.chunk, self.shape, strict=True))

    @property
    def inner_bytes(self) -> int:
        """Of a chunk that is decoded by itself."""
        return math.prod(self.inner) * self.dtype.itemsize

    @property
    def chunks_in_shard(self) -> int:
        """How many chunks that are decoded by themselves have a key together."""
        each = zip(self.chunk, self.inner, strict=True)
        return math.prod(outer // inner for outer, inner in each)

    def key_of(self, index: Sequence[int]) -> str:
        """Return the key of a chunk, or shard, by its place among all."""
        if self.version == 2:
            separator = self.document.get("dimension_separator", ".")
            return separator.join(map(str, index)) or "0"
        encoding = self.document["chunk_key_encoding"]
        plain = encoding["name"] == "v2"
        separator = encoding.get("configuration", {}).get("separator", "." if plain else "/")
        return (
            separator.join(map(str, index)) or "0"
            if plain
            else separator.join(("c", *map(str, index)))
        )

    def has_key(self, key: str) -> bool:
        """Tell whether a key is that of a chunk, or shard, of this array."""
        index = tuple(map(int, DIGITS.findall(key)[: len(self.shape)]))
        if len(index) < len(self.shape) or key != self.key_of(index):
            return False
        each = zip(index, self.chunk, self.shape, strict=True)
        return all(at * size < length for at, size, length in each)

    @property
    def words(self) -> str:
        """How it is stored, for people."""
        cut = f"chunks {joined(self.inner)}"
        if self.chunk != self.inner:
            cut += f" in shards {joined(self.chunk)}"
        return f"zarr {self.version}, {cut}, {_codec_words(self)}"

    @property
    def details(self) -> str:
        """Its words, its axes if they have names, and the levels of its image."""
        names = self.document.get("dimension_names") or ()
        axes = f", axes {', '.join(map(str, names))}" if isinstance(names, list) and names else ""
        image = "" if self.level is None else f", level {self.level.path} of {self.level.count}"
        return inert(f"{self.words}{axes}{image}")

    def bare(self) -> Document:
        """Return what is needed to read and write samples."""
        wanted = (*NEEDED[self.version], "zarr_format", "node_type", "dimension_separator")
        document = {key: self.document[key] for key in wanted if key in self.document}
        if self.version == 2:
            document["filters"] = None
            if len(self.shape) < 2:  # both orders are one
                document["order"] = "C"
        return document


def parse(version: Version, document: Any, attributes: Document, what: str) -> ZarrArray:
    """Read the metadata of an array.

    Raises
    ------
    InputError
        If it makes no sense, or is of no plain numbers.
    """
    known = isinstance(document, dict) and document.get("zarr_format") == version
    if not known or document.get("node_type", "array") != "array":
        raise InputError(f"{what}: its metadata is not that of zarr {version}")
    if missing := [key for key in NEEDED[version] if key not in document]:
        raise InputError(f"{what}: its metadata lacks {', '.join(missing)}")
    if version == 3:
        dtype, chunk, inner = _parse_3(document, what)
    else:
        dtype, chunk = _dtype(2, document["dtype"], what), _axes(document["chunks"], what)
        inner = chunk
        _check_fill_2(document["fill_value"], what)
        if document.get("filters"):
            raise InputError(f"{what}: it has filters of numcodecs; store it without, by zarr")
    array = ZarrArray(
        version, document, _axes(document["shape"], what), dtype, chunk, inner, attributes
    )
    _check_sizes(array, what)
    return array


def _parse_3(document: Document, what: str) -> tuple[Dtype, tuple[int, ...], tuple[int, ...]]:
    for key, value in document.items():
        known = key in {*NEEDED[3], *IGNORED}
        optional = isinstance(value, dict) and value.get("must_understand") is False
        if not (known or optional or (key == "storage_transformers" and not value)):
            raise InputError(f"{what}: its metadata has {key!r}, which is not known here")
    dtype = _dtype(3, document["data_type"], what)
    names = document.get("dimension_names")
    if not (names is None or (isinstance(names, list) and len(names) == len(document["shape"]))):
        raise InputError(f"{what}: its dimension_names are not one for each axis")
    grid = document["chunk_grid"]
    if not isinstance(grid, dict) or grid.get("name") != "regular":
        raise InputError(f"{what}: its chunks are no regular grid")
    chunk = _axes(grid.get("configuration", {}).get("chunk_shape"), what)
    shard = codecs_of(3, document, what).shard
    inner = chunk if shard is None else _axes(shard.get("chunk_shape"), what)
    return dtype, chunk, inner


def codecs_of(version: Version, document: Document, what: str) -> Codecs:
    """Return how the chunks of an array are stored.

    Raises
    ------
    InputError
        If they are not read.
    """
    try:
        return Codecs.of(version, document)
    except PlaceError as error:
        raise InputError(f"{what}: {error}") from None


def _check_fill_2(value: Any, what: str) -> None:
    """Refuse a word that is no number: version 2 has no bits in hexadecimal digits."""
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, str) and part not in WORDS:
            raise InputError(f"{what}: its fill_value, {part[:60]!r}, is no number of zarr 2")


def _dtype(version: Version, name: Any, what: str) -> Dtype:
    try:
        dtype = np.dtype(name if isinstance(name, str) else object)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.name not in DTYPES or (version == 3 and dtype.name != name):
        raise InputError(f"{what}: not an array of plain numbers, but of {str(name)[:60]}")
    return dtype


def _axes(lengths: Any, what: str) -> tuple[int, ...]:
    whole = isinstance(lengths, list) and all(type(n) is int and n >= 0 for n in lengths)
    if not whole:
        raise InputError(f"{what}: its metadata makes no sense: an array of {str(lengths)[:60]}")
    return tuple(lengths)


def _check_sizes(array: ZarrArray, what: str) -> None:
    if not len(array.shape) == len(array.chunk) == len(array.inner):
        axes = f"{len(array.chunk)} axes, and the array {len(array.shape)}"
        raise InputError(f"{what}: its metadata makes no sense: its chunks have {axes}")
    if not all((*array.chunk, *array.inner)):
        raise InputError(f"{what}: its metadata makes no sense: chunks of {array.chunk}")
    if math.prod(array.shape) * array.dtype.itemsize > MAX_BYTES:
        extent = str(array.shape)[:60]
        raise InputError(f"{what}: its metadata makes no sense: an array of {extent}")
    if len(array.shape) > MAX_AXES:
        raise InputError(f"{what}: it has {len(array.shape)} axes; {MAX_AXES} are the most")
    if array.chunks_in_shard > MAX_IN_SHARD:
        raise InputError(f"{what}: its shards have more than {MAX_IN_SHARD} chunks each")
    if array.inner_bytes > MAX_CHUNK_BYTES:
        raise InputError(
            f"{what}: its chunks of {str(array.inner)[:60]} take more than {MAX_CHUNK_BYTES} bytes "
            "of memory each, the most that is read"
        )


def joined(lengths: Sequence[int]) -> str:
    """Return lengths as a command line has them."""
    return ",".join(map(str, lengths)) or "()"


def _codec_words(array: ZarrArray) -> str:
    if array.version == 2:
        return str((array.document.get("compressor") or {}).get("id", "not compressed"))
    codecs = array.document["codecs"]
    if codecs and codecs[0].get("name") == "sharding_indexed":
        codecs = codecs[0]["configuration"].get("codecs", [])
    names = [codec.get("name") for codec in codecs if codec.get("name") not in ("bytes",)]
    return " ".join(map(str, names)) or "not compressed"
