"""The contracts of files of every format; their own libraries are witnesses."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from coordinator.errors import InputError
from coordinator.stores.files import Target, open_place
from coordinator.stores.flat_sink import FlatSink
from coordinator.stores.formats import stored_dtype
from coordinator.stores.memory import ArraySource
from coordinator.stores.place import Place
from tests.contracts.store import FileSinkContract, SourceContract
from tests.support.equality import assert_same_bits
from tests.support.formats import (
    CHUNKED,
    FITS,
    HDF5,
    NIFTI,
    NIFTI_GZ,
    OME,
    PNG,
    TIFF,
    TILED,
    ZLIB,
    Array,
    Library,
    native,
)
from tests.support.strategies import samples
from tiling.dtypes import COPIED


def bits(shape: tuple[int, ...], dtype: str) -> Array:
    """Make an array of any bits: one is a negative zero, most of the last ones are subnormal."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return samples(shape, dtype, 8, special=True)
    data = np.random.default_rng(8).bytes(math.prod(shape) * kind.itemsize)
    array = np.frombuffer(data, kind).reshape(shape).copy()
    if kind.kind in "fc":
        array[0, 0] = -np.zeros((), kind)
        array[-1] *= np.finfo(kind).tiny
        array[1, :] = np.nan
        array.view(f"u{np.finfo(kind).bits // 8}")[1, :] += 5
    return array


class Format:
    """What both have in common."""

    library: ClassVar[Library]

    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        self.library.require()

    def holds(self, shape: tuple[int, ...], dtype: str) -> bool:
        return self.library.holds(shape, dtype)

    def stored(self, array: Array) -> Array:
        place = Place(Path(f"in{self.library.suffix}"))
        return array.astype(stored_dtype(place, array.dtype))


class FormatSource(Format, SourceContract):
    """A file that the format's own library wrote."""

    def open(self, array: Array, folder: Path) -> ArraySource:
        path = folder / f"in{self.library.suffix}"
        self.library.save(path, array)
        return open_place(path)


class FormatSink(Format, FileSinkContract):
    """A file that the format's own library reads."""

    def path(self, folder: Path) -> Path:
        return folder / f"out{self.library.suffix}"

    def make(self, shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path) -> FlatSink:
        return Target.of(Place(self.path(folder)), shape, dtype).create()

    def finished(self, sink: Any) -> Array:
        got = self.library.load(sink.path)
        assert got.dtype.newbyteorder("=") == sink.array.dtype.newbyteorder("=")
        return got.astype(sink.array.dtype)

    @pytest.mark.parametrize("dtype", sorted(COPIED))
    def test_every_dtype_keeps_its_bits(self, tmp_path: Path, dtype: str) -> None:
        """Zeros with a sign, payloads of NaN, subnormals; or the dtype is refused."""
        array = bits((9, 6), dtype)
        if not self.holds(array.shape, dtype):
            with pytest.raises(InputError, match=r"can't hold"):
                self.make(array.shape, array.dtype, tmp_path)
            return
        sink = self.make(array.shape, array.dtype, tmp_path)
        sink.array[...] = array
        sink.commit()
        want = native(self.stored(array))
        assert_same_bits(native(self.finished(sink)), want)
        assert_same_bits(native(open_place(self.path(tmp_path)).array), want)

    @pytest.mark.parametrize("dtype", ["longdouble", "clongdouble"])
    def test_long_doubles_are_refused(self, tmp_path: Path, dtype: str) -> None:
        """Other machines have others; the message says what can be had."""
        with pytest.raises(InputError, match=r"can't hold .*--dtype one of .*uint8"):
            self.make((3, 4), np.dtype(dtype), tmp_path)

    def resumed(self, sink: Any, folder: Path) -> Array | None:
        target = Target.of(Place(self.path(folder)), sink.array.shape, sink.array.dtype)
        again = target.create(keep=True)
        again.commit()
        return self.finished(again)


class TestTiffSource(FormatSource):
    library = TIFF


class TestTiffSink(FormatSink):
    library = TIFF


class TestOmeSource(FormatSource):
    library = OME


class TestOmeSink(FormatSink):
    library = OME


class TestHdf5Source(FormatSource):
    library = HDF5


class TestHdf5Sink(FormatSink):
    library = HDF5


class TestNiftiSource(FormatSource):
    library = NIFTI


class TestNiftiSink(FormatSink):
    library = NIFTI


class TestFitsSource(FormatSource):
    library = FITS


class TestFitsSink(FormatSink):
    library = FITS


class TestCompressedNiftiSource(FormatSource):
    library = NIFTI_GZ


class TestCompressedNiftiSink(FormatSink):
    library = NIFTI_GZ


class TestPngSource(FormatSource):
    library, plain = PNG, "u2"


class TestPngSink(FormatSink):
    library, plain = PNG, "u2"


class Decoded(FormatSource):
    """Samples that are decoded, into this machine's byte order."""

    def stored(self, array: Array) -> Array:
        return native(array)


class TestCompressedTiffSource(Decoded):
    library = ZLIB


class TestTiledTiffSource(Decoded):
    library = TILED


class TestChunkedHdf5Source(FormatSource):
    library = CHUNKED
