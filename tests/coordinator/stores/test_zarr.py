"""The contracts of zarr, of every flavour; zarr-python is the witness."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from coordinator.errors import InputError
from coordinator.stores import FileSource, Sink
from coordinator.stores.files import open_place
from coordinator.stores.output_target import OutputTarget, lay_out
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from coordinator.stores.zarr_metadata import parse
from tests.contracts.store import FileSinkContract, SourceContract
from tests.coordinator.stores.test_every_format import bits
from tests.support.equality import assert_same_bits
from tests.support.formats import load_zarr, native
from tests.support.strategies import Array, samples
from tiling.dtypes import COPIED
from tiling.geometry.box import Box

pytest.importorskip("tensorstore")
zarr = pytest.importorskip("zarr")

HELD = {*["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]} | {
    *["float16", "float32", "float64", "complex64", "complex128"]
}


class Zarr:
    """A flavour of zarr."""

    version: ClassVar[Any] = 3
    sharded: ClassVar[bool] = False
    suffix: ClassVar[str] = ".zarr"

    def holds(self, shape: tuple[int, ...], dtype: str) -> bool:  # noqa: ARG002 -- all
        return True

    def stored(self, array: Array) -> Array:
        return array if self.version == 2 else native(array)


class ZarrSource(Zarr, SourceContract):
    """An array that zarr-python wrote."""

    options: ClassVar[dict[str, Any]] = {}

    def open(self, array: Array, folder: Path) -> FileSource:
        path = folder / f"in{self.suffix}"
        chunks = tuple(max(1, min(2, length)) for length in array.shape)
        options = {**self.options}
        if self.sharded:
            options["shards"] = tuple(2 * size for size in chunks)
        with zarr.config.set({"array.write_empty_chunks": True}):
            zarr.create_array(
                path,
                data=np.ascontiguousarray(array) if array.ndim else array,
                chunks=chunks,
                zarr_format=self.version,
                **options,
            )
        return open_place(path)


class TestZarr3Source(ZarrSource):
    pass


class TestShardedSource(ZarrSource):
    sharded = True

    def holds(self, shape: tuple[int, ...], dtype: str) -> bool:  # noqa: ARG002 -- all
        return shape != ()  # zarr-python can't write it


class TestZarr2Source(ZarrSource):
    version = 2


class TestPlainZarr2Source(ZarrSource):
    version, options = 2, {"compressors": None, "order": "F"}


class ZarrSink(Zarr, FileSinkContract):
    """An array that zarr-python reads."""

    codec: ClassVar[str] = ""

    def path(self, folder: Path) -> Path:
        return folder / f"out{self.suffix}"

    def target(self, shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path) -> OutputTarget:
        chunks = (2,) * len(shape)
        shards = (4,) * len(shape) if self.sharded else ()
        like: Any = None
        if self.version == 2:
            document = {
                "zarr_format": 2,
                "shape": [*shape],
                "chunks": [*chunks],
                "dtype": dtype.str,
                "compressor": {"id": "zlib", "level": 1},
                "filters": None,
                "fill_value": None,
                "order": "C",
            }
            like = SimpleNamespace(about=parse(2, document, {"a": 1}, "like"))
        storing = Storing(chunks, shards, self.codec)
        return lay_out(Place(self.path(folder)), shape, dtype, like, storing)

    def make(self, shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path) -> Sink:
        return self.target(shape, dtype, folder).create()

    def finished(self, sink: Any) -> Array:
        return load_zarr(sink.path)

    def resumed(self, sink: Any, folder: Path) -> Array | None:
        again: Any = self.target((4, 6), sink.dtype, folder).create(keep=True)
        again.commit()
        return self.finished(again)

    def put_older(self, path: Path) -> None:
        zarr.create_array(path, data=np.arange(5), chunks=(2,))

    def is_older(self, path: Path) -> bool:
        return np.array_equal(load_zarr(path), np.arange(5))

    @pytest.mark.parametrize("dtype", sorted(COPIED))
    def test_every_dtype_keeps_its_bits(self, tmp_path: Path, dtype: str) -> None:
        """Zeros with a sign, payloads of NaN, subnormals; or the dtype is refused."""
        array = bits((9, 6), dtype)
        if np.dtype(dtype).name not in HELD:
            with pytest.raises(InputError, match=r"can't hold"):
                self.make(array.shape, array.dtype, tmp_path)
            return
        sink = self.make(array.shape, array.dtype, tmp_path)
        self.fill(sink, array, (4, 4))
        sink.commit()
        assert_same_bits(native(load_zarr(self.path(tmp_path))), native(array))
        assert_same_bits(native(open_place(self.path(tmp_path)).array), native(array))

    def test_zeros_are_stored(self, tmp_path: Path) -> None:
        """A chunk that is not there was never written: one of fill values is."""
        sink = self.make((4, 6), np.dtype("f4"), tmp_path)
        self.fill(sink, -np.zeros((4, 6), "f4"), (4, 4))
        sink.commit()
        assert_same_bits(load_zarr(self.path(tmp_path)), -np.zeros((4, 6), "f4"))
        source: Any = open_place(self.path(tmp_path))
        count = math.prod(-(-n // size) for n, size in zip((4, 6), source.about.chunk, strict=True))
        assert source.missing() == (0, count)


class TestZarr3Sink(ZarrSink):
    pass


class TestShardedSink(ZarrSink):
    sharded = True


class TestZarr2Sink(ZarrSink):
    version = 2


@pytest.mark.parametrize("codec", ["none", "zstd:3", "gzip:1", "blosc:zstd", "blosc"])
@pytest.mark.parametrize("flavour", [ZarrSink, TestShardedSink, TestZarr2Sink])
def test_codecs(tmp_path: Path, flavour: Any, codec: str) -> None:
    """Each keeps bits, as zarr-python reads them."""
    array = samples((9, 6), "f4", 1, special=True)
    made: ZarrSink = type("Made", (flavour,), {"codec": codec})()
    sink = made.make(array.shape, array.dtype, tmp_path)
    made.fill(sink, array, (4, 4))
    sink.commit()
    assert_same_bits(load_zarr(made.path(tmp_path)), array)
    assert codec.split(":")[0].replace("none", "not") in open_place(made.path(tmp_path)).about.words


@pytest.mark.parametrize("codec", ["zstd:99", "gzip:10", "gzip:lz4", "blosc:9", "none:3", "lz4"])
def test_codecs_that_there_are_not(tmp_path: Path, codec: str) -> None:
    """None is taken for another, or for another level."""
    with pytest.raises(InputError, match=f"--codec {codec}: want none, zstd:LEVEL up to 22"):
        lay_out(Place(tmp_path / "out.zarr"), (9,), np.dtype("f4"), None, Storing(codec=codec))


def test_an_ome_image_is_made_of_an_array(tmp_path: Path) -> None:
    """Where the name says so."""
    array = samples((3, 4), "f4", 1, special=True)
    path = tmp_path / "out.ome.zarr"
    sink = lay_out(Place(path), array.shape, array.dtype).create()
    sink.store(Box.whole(array.shape), array)
    sink.commit()
    assert_same_bits(load_zarr(path), array)
    assert_same_bits(open_place(path).array, array)
