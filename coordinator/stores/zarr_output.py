"""The metadata of an output in zarr: as its input's, but for what the user says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from coordinator.errors import InputError
from coordinator.stores.storing import Storing
from coordinator.stores.zarr_metadata import MAX_CHUNK_BYTES, Document, ZarrArray, joined
from tiling.dtypes import Dtype

NEW_CHUNK_BYTES = 2**23
"""Of a chunk of an output that is like no other, at most."""

CODECS = {
    "none": (),
    "zstd": tuple(map(str, range(23))),
    "gzip": tuple(map(str, range(10))),
    "blosc": ("lz4", "lz4hc", "zstd", "zlib", "blosclz"),
}
"""And what may follow them: levels, or what Blosc is to use."""

LEVELS = {"zstd": 1, "gzip": 5}


def like(
    array: ZarrArray | None, shape: tuple[int, ...], dtype: Dtype, storing: Storing, what: str
) -> ZarrArray:
    """Return the metadata of an output that is like an input; of a new one without it.

    Raises
    ------
    InputError
        If it can't be stored as the user says.
    """
    storing = replace(
        storing,
        chunks=_for_axes(storing.chunks, len(shape), "--chunks"),
        shards=_for_axes(storing.shards, len(shape), "--shards"),
    )
    source = _new(shape, dtype) if array is None else array
    if storing.chunks or storing.shards:
        source = _cut(source, storing, what)
    if source.inner_bytes > MAX_CHUNK_BYTES:
        raise InputError(f"{what}: chunks of {source.inner} are too large; name smaller --chunks")
    if source.version == 2:
        return _like_2(source, dtype, storing)
    return _like_3(source, dtype, storing)


def _for_axes(lengths: tuple[int, ...], ndim: int, option: str) -> tuple[int, ...]:
    """Return one length per axis, or ()."""
    if len(lengths) == 1:
        return lengths * ndim
    if lengths and len(lengths) != ndim:
        raise InputError(f"{option} {joined(lengths)}: the array has {ndim} axes")
    return lengths


def new_chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return chunks of a few megabytes.

    Examples
    --------
    >>> new_chunks((512, 512, 512), 4)
    (128, 128, 128)
    """
    chunk = [max(1, length) for length in shape]
    while math.prod(chunk) * itemsize > NEW_CHUNK_BYTES:
        longest = chunk.index(max(chunk))
        chunk[longest] = -(-chunk[longest] // 2)
    return tuple(chunk)


def _new(shape: tuple[int, ...], dtype: Dtype) -> ZarrArray:
    chunk = new_chunks(shape, dtype.itemsize)
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [*shape],
        "data_type": dtype.name,
        "chunk_grid": _grid(chunk),
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": _zero(dtype),
        "codecs": [_bytes(dtype), *_codec_3("blosc:lz4", dtype)],
        "attributes": {},
    }
    return ZarrArray(3, document, shape, dtype, chunk, chunk)


def _cut(array: ZarrArray, storing: Storing, what: str) -> ZarrArray:
    """Return metadata of other chunks and shards; of shards only if they are asked for."""
    inner = storing.chunks or array.inner
    chunk = storing.shards or inner
    if storing.shards and array.version == 2:
        raise InputError(f"{what}: zarr 2 has no shards; name a .npy input, or no --shards")
    if any(outer % length for outer, length in zip(chunk, inner, strict=True)):
        raise InputError(f"--shards {joined(chunk)} are no multiples of chunks {joined(inner)}")
    return replace(array, chunk=chunk, inner=inner)


def _like_2(array: ZarrArray, dtype: Dtype, storing: Storing) -> ZarrArray:
    document = {**array.bare(), "chunks": [*array.chunk], "dtype": dtype.str}
    if dtype.newbyteorder("=") != array.dtype.newbyteorder("="):
        document["fill_value"] = _zero(dtype)
    if storing.codec:
        document["compressor"] = _codec_2(storing.codec)
    return replace(array, document=document, dtype=dtype)


def _like_3(array: ZarrArray, dtype: Dtype, storing: Storing) -> ZarrArray:
    dtype = dtype.newbyteorder("=")
    changed = dtype != array.dtype
    document = {
        **{key: value for key, value in array.document.items() if key != "consolidated_metadata"},
        "data_type": dtype.name,
        "chunk_grid": _grid(array.chunk),
        "codecs": _codecs(array, dtype, storing),
        "fill_value": _zero(dtype) if changed else array.document["fill_value"],
    }
    return replace(array, document=document, dtype=dtype)


def _codecs(array: ZarrArray, dtype: Dtype, storing: Storing) -> list[Any]:
    """Return the codecs of an output: with shards of its own, for its dtype, as the user says."""
    codecs = [*array.document["codecs"]]
    end: Any = [_bytes(np.dtype("u8")), {"name": "crc32c"}]
    outer: Any = {"index_codecs": end, "index_location": "end"}
    if codecs and codecs[0]["name"] == "sharding_indexed":
        outer = codecs[0]["configuration"]
        codecs = [*outer["codecs"]]
    if storing.codec:
        kept = [codec for codec in codecs if codec["name"] == "transpose"]
        codecs = [*kept, _bytes(dtype), *_codec_3(storing.codec, dtype)]
    codecs = [_for_dtype(codec, dtype) for codec in codecs]
    if array.chunk == array.inner and "codecs" not in outer:
        return codecs
    if array.chunk == array.inner and storing.chunks:
        return codecs
    sharded = {**outer, "chunk_shape": [*array.inner], "codecs": codecs}
    return [{"name": "sharding_indexed", "configuration": sharded}]


def _for_dtype(codec: Any, dtype: Dtype) -> Any:
    configuration = codec.get("configuration", {})
    if codec["name"] == "bytes":
        return codec if configuration.get("endian") or dtype.itemsize == 1 else _bytes(dtype)
    if codec["name"] == "blosc":
        return {**codec, "configuration": {**configuration, "typesize": dtype.itemsize}}
    return codec


def _grid(chunk: Sequence[int]) -> Document:
    return {"name": "regular", "configuration": {"chunk_shape": [*chunk]}}


def _bytes(dtype: Dtype) -> Document:
    if dtype.itemsize == 1:
        return {"name": "bytes"}
    return {"name": "bytes", "configuration": {"endian": "little"}}


def _zero(dtype: Dtype) -> Any:
    return {"b": False, "c": [0.0, 0.0], "f": 0.0}.get(dtype.kind, 0)


def _parsed(text: str) -> tuple[str, str]:
    name, mark, rest = text.partition(":")
    if (mark and rest not in CODECS.get(name, ())) or name not in CODECS:
        raise InputError(
            f"--codec {text}: want none, zstd:LEVEL up to 22, gzip:LEVEL up to 9, or blosc:NAME "
            f"of {', '.join(CODECS['blosc'])}"
        )
    return name, rest


def _level(name: str, text: str) -> int:
    return int(text or LEVELS[name])


def _codec_2(text: str) -> Any:
    name, rest = _parsed(text)
    if name == "none":
        return None
    if name == "blosc":
        return {"id": "blosc", "cname": rest or "lz4", "clevel": 5, "shuffle": 2, "blocksize": 0}
    return {"id": name, "level": _level(name, rest)}


def _codec_3(text: str, dtype: Dtype) -> list[Any]:
    name, rest = _parsed(text)
    if name == "none":
        return []
    if name == "blosc":
        shuffled: Document = {"shuffle": "bitshuffle", "typesize": dtype.itemsize, "blocksize": 0}
        configuration: Document = {"cname": rest or "lz4", "clevel": 5, **shuffled}
    else:
        configuration = {"level": _level(name, rest)}
        configuration = {**configuration, **({"checksum": False} if name == "zstd" else {})}
    return [{"name": name, "configuration": configuration}]
