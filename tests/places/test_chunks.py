"""Chunks in files: tensorstore and zarr have the same keys and bytes."""

from __future__ import annotations

import copy
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.stores.files import open_place
from places.below import folder
from places.boxes import ChunkCache, read_box
from places.chunk_files import ChunkFiles, write_box
from places.chunks import Chunked
from places.errors import PlaceError
from tests.support.equality import assert_same_bits
from tests.support.strategies import samples
from tiling.geometry.box import Box

zarr = pytest.importorskip("zarr")
pytest.importorskip("tensorstore")


def made(path: Path, array: Any, **options: Any) -> Chunked:
    """Store an array by zarr; return how it is stored."""
    options = {"chunks": tuple(max(1, (n + 1) // 2) for n in array.shape), **options}
    stored = zarr.create_array(path, shape=array.shape, dtype=array.dtype, **options)
    stored[...] = array
    here = open_place(path).stored.array  # type: ignore[attr-defined]
    return Chunked(here.version, here.metadata, here.shape, here.numpy_dtype, here.chunk)


WAYS: list[Any] = [
    pytest.param({"zarr_format": 3}, id="3"),
    pytest.param({"zarr_format": 2}, id="2"),
    pytest.param(
        {"zarr_format": 2, "chunk_key_encoding": {"name": "v2", "separator": "/"}}, id="2/"
    ),
    pytest.param({"zarr_format": 3, "compressors": None}, id="plain"),
    pytest.param({"chunk_key_encoding": {"name": "v2", "separator": "."}}, id="3 as 2"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(), (7,), (5, 6), (3, 4, 5)], ids=str)
def test_read_and_write(tmp_path: Path, shape: tuple[int, ...], way: dict[str, Any]) -> None:
    """What zarr wrote is read, in any box; what is written, zarr reads."""
    array = samples(shape, "<f4", 1, special=False)
    chunked = made(tmp_path / "in.zarr", array, **way)
    chunked.check()
    cache, seen = ChunkCache(10**6), list[int]()
    low = tuple(-(n // 3) for n in shape)
    box = Box(low, tuple(a + n for a, n in zip(low, shape, strict=True)))
    for _ in range(2):
        with folder(str(tmp_path / "in.zarr")) as home:
            got = read_box(ChunkFiles(chunked, home, seen.append), box, cache, "x")
        by = tuple(-a for a in low)
        want = np.roll(array, by, tuple(range(array.ndim))) if by else array
        assert_same_bits(got, np.asarray(want, order="C"))
    if not chunked.is_plain:
        assert len(seen) == 2**array.ndim  # the second time, all is in the cache
    empty = tmp_path / "out.zarr"
    made(empty, np.zeros_like(array), **way)
    before = set(files(empty))
    with folder(str(empty)) as home:
        write_box(chunked, home, Box.whole(shape), array + 1)
    assert_same_bits(np.asarray(zarr.open_array(empty)[...]), array + 1)
    assert before - set(files(empty)) == set()


def files(path: Path) -> list[str]:
    return [str(each.relative_to(path)) for each in path.rglob("*") if each.is_file()]


def test_a_missing_chunk_is_the_fill_value(tmp_path: Path) -> None:
    """As zarr has it."""
    array = np.ones((4, 4), "u1")
    chunked = made(tmp_path / "in.zarr", array, fill_value=7)
    (tmp_path / "in.zarr" / "c" / "0" / "1").unlink()
    with folder(str(tmp_path / "in.zarr")) as home:
        got = read_box(ChunkFiles(chunked, home, os.fstat), Box.whole((4, 4)), ChunkCache(0), "x")  # type: ignore[arg-type]
    assert got.tolist() == zarr.open_array(tmp_path / "in.zarr")[...].tolist()
    assert got[0].tolist() == [1, 1, 7, 7]


def test_damaged_chunks(tmp_path: Path) -> None:
    """One that can't be decoded, and one of too many bytes, are named."""
    chunked = made(tmp_path / "in.zarr", np.ones((4, 4), "u1"))
    for damage, words in ((b"x", "is damaged"), (bytes(10**6), "too many")):
        (tmp_path / "in.zarr" / "c" / "0" / "1").write_bytes(damage)
        with (
            folder(str(tmp_path / "in.zarr")) as home,
            pytest.raises(PlaceError, match=f"chunk c/0/1 .*{words}"),
        ):
            read_box(ChunkFiles(chunked, home, os.fstat), Box.whole((4, 4)), ChunkCache(0), "x")  # type: ignore[arg-type]


BLOSC = zarr.codecs.BloscCodec(typesize=1)
INNER: list[Any] = [
    pytest.param({"chunks": (4, 4)}, id="alone"),
    pytest.param({"shards": (4, 4), "chunks": (2, 2)}, id="in a shard"),
]


@pytest.mark.parametrize("way", INNER)
def test_a_chunk_that_claims_too_much(tmp_path: Path, way: dict[str, Any]) -> None:
    """Blosc would have the memory made that its header claims: it is refused before."""
    array = np.arange(16, dtype="u1").reshape(4, 4)
    chunked = made(tmp_path / "in.zarr", array, compressors=BLOSC, **way)
    chunked.check()
    file = tmp_path / "in.zarr" / "c" / "0" / "0"
    data = bytearray(file.read_bytes())
    assert_same_bits(read_whole(chunked, tmp_path), array)
    data[4:8] = (2**31 - 1).to_bytes(4, "little")  # how many bytes the first chunk holds
    file.write_bytes(data)
    with pytest.raises(PlaceError, match=r"chunk c/0/0 .*claims 2147483647 bytes; a chunk"):
        read_whole(chunked, tmp_path)


def test_a_shard_that_is_cut_short(tmp_path: Path) -> None:
    """It has no room for its index."""
    chunked = made(tmp_path / "in.zarr", np.ones((4, 4), "u1"), shards=(4, 4), chunks=(2, 2))
    (tmp_path / "in.zarr" / "c" / "0" / "0").write_bytes(bytes(20))
    with pytest.raises(PlaceError, match=r"chunk c/0/0 .*is cut short"):
        read_whole(chunked, tmp_path)


def read_whole(chunked: Chunked, parent: Path) -> Any:
    whole, cache = Box.whole(chunked.shape), ChunkCache(0)
    with folder(str(parent / "in.zarr")) as home:
        return read_box(ChunkFiles(chunked, home, os.fstat), whole, cache, "x")  # type: ignore[arg-type]


def test_another_array_than_is_said(tmp_path: Path) -> None:
    """Shape, dtype and chunks must be those of the metadata."""
    chunked = made(tmp_path / "in.zarr", np.ones((4, 4), "u1"))
    other = Chunked(chunked.version, chunked.metadata, (4, 5), chunked.dtype, chunked.chunk)
    with pytest.raises(PlaceError, match="of another array than is said"):
        other.check()


@pytest.mark.parametrize("index", [False, True], ids=["codecs", "index"])
def test_shards_whose_codecs_are_no_objects(tmp_path: Path, index: bool) -> None:
    """Short names, which tensorstore knows and zarr does not, are refused in words."""
    array = samples((4, 4), "u1", 6, special=False)
    chunked = made(tmp_path / "in.zarr", array, chunks=(1, 2), shards=(2, 2), compressors=None)
    metadata = copy.deepcopy(dict(chunked.metadata))
    within = metadata["codecs"][0]["configuration"]
    within["index_codecs" if index else "codecs"] = ["bytes"]
    with pytest.raises(PlaceError, match=r"not a list of objects|can't be opened as zarr"):
        replace(chunked, metadata=metadata).check()


def test_a_chunk_is_copied_once(tmp_path: Path) -> None:
    """What reading one takes besides its bytes is what a worker has reserved: as much again."""
    file = tmp_path / "0"
    file.write_bytes(bytes(2**24))
    chunked = Chunked(2, {}, (2**24,), np.dtype("u1"), (2**24,))
    with folder(str(tmp_path)) as home:
        tracemalloc.start()
        try:
            data = next(iter(ChunkFiles(chunked, home, os.fstat).read_all([(0,)])))  # type: ignore[arg-type]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert data == bytes(2**24)
    assert peak < 2.2 * 2**24
