"""The contracts of sources and sinks; implementations inherit these classes.

A subclass says how one is made; names without the prefix ``Test`` are not collected by themselves.
"""

from __future__ import annotations

import random
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from coordinator.errors import InputError
from coordinator.stores import Sink, Source
from tests.support.equality import assert_same_bits
from tests.support.strategies import Array, samples
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid

SHAPES = [(), (0,), (7,), (5, 6), (4, 0, 3), (3, 4, 5), (2,) * 6]
DTYPES = ["?", "u1", "<i2", ">i4", "<f4", ">f8", "<c8", ">c16"]

each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


class _Stored:
    """What can be stored, and as what."""

    plain: ClassVar[str] = "<i2"
    """A dtype that can."""

    def holds(self, shape: tuple[int, ...], dtype: str) -> bool:  # noqa: ARG002 -- of some formats
        """Tell whether there can be such an array."""
        return True

    def stored(self, array: Array) -> Array:
        """Return an array as it is read again."""
        return array

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give tests of what is held each shape and dtype that there can be."""
        if "held" in metafunc.fixturenames:
            pairs = [(s, d) for s in SHAPES for d in DTYPES if self.holds(s, d)]
            metafunc.parametrize("held", pairs, ids=lambda pair: f"{pair[0]}-{pair[1]}")


class SourceContract(_Stored, ABC):
    """An array that gives blocks."""

    @abstractmethod
    def open(self, array: Array, folder: Path) -> Source:
        """Return a source of this array; whatever it needs on disk goes into the folder."""

    def test_the_whole(self, tmp_path: Path, held: tuple[tuple[int, ...], str]) -> None:
        """It has the array's shape and dtype, and gives its samples in native byte order."""
        shape, dtype = held
        array = samples(shape, dtype, 1, special=True)
        source = self.open(array, tmp_path)
        assert source.shape == shape
        assert source.dtype == self.stored(array).dtype
        block = source.read(Box.whole(shape))
        assert_same_bits(block, self.stored(array).astype(array.dtype.newbyteorder("=")))

    @pytest.mark.parametrize("order", ["C", "F"])
    def test_every_box(self, tmp_path: Path, order: Any) -> None:
        """Each box, those that are empty or reach round the edges too, is np.take's."""
        array = np.asarray(samples((4, 5), self.plain, 2, special=False), order=order)
        source = self.open(array, tmp_path)
        intervals = [
            [(a, b) for a in range(-n, n + 1) for b in range(a, min(a + n, 2 * n) + 1)]
            for n in array.shape
        ]
        for a, b in intervals[0]:
            rows = array.take(range(a, b), 0, mode="wrap")
            for c, d in intervals[1]:
                block = source.read(Box((a, c), (b, d)))
                assert_same_bits(block, rows.take(range(c, d), 1, mode="wrap"))

    def test_reading_again(self, tmp_path: Path) -> None:
        """A block is the same every time, and blocks read before stay as they are."""
        array = samples((6, 6), self.plain, 3, special=False)
        source = self.open(array, tmp_path)
        boxes = [Box((0, 0), (3, 3)), Box((-1, 2), (3, 6)), Box((0, 0), (3, 3))]
        first, _, again = blocks = [source.read(box) for box in boxes]
        assert_same_bits(first, again)
        assert [block.shape for block in blocks] == [box.shape for box in boxes]

    def test_it_has_a_name(self, tmp_path: Path) -> None:
        """Progress and errors call it by that."""
        assert self.open(np.zeros((3, 4), self.plain), tmp_path).name


class SinkContract(_Stored, ABC):
    """An array that takes blocks."""

    @abstractmethod
    def make(self, shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path) -> Sink:
        """Return a sink of this shape and dtype."""

    @abstractmethod
    def finished(self, sink: Sink) -> Array:
        """Return what a sink holds after its commit."""

    @abstractmethod
    def resumed(self, sink: Sink, folder: Path) -> Array | None:
        """Return what a later run finds of a sink that was suspended; None if that is nothing."""

    def fill(self, sink: Sink, array: Array, tile: tuple[int, ...]) -> None:
        """Write an array tile by tile, in no order."""
        boxes = [Grid(array.shape, tile).box(i) for i in range(len(Grid(array.shape, tile)))]
        random.Random(4).shuffle(boxes)
        for box in boxes:
            region = sink.region(box)
            region[...] = array[box.slices]
            sink.store(box, region)

    def test_tiles_in_any_order(self, tmp_path: Path, held: tuple[tuple[int, ...], str]) -> None:
        """What was written tile by tile is there after the commit, in the sink's byte order."""
        shape, dtype = held
        array = samples(shape, dtype, 5, special=True)
        sink = self.make(shape, array.dtype, tmp_path)
        self.fill(sink, array, (2,) * len(shape))
        sink.commit()
        assert_same_bits(self.finished(sink), self.stored(array))

    def test_others_are_refused(self, tmp_path: Path) -> None:
        """What the format can't hold is an error, and leaves nothing."""
        others = [(s, d) for s in SHAPES for d in DTYPES if not self.holds(s, d)]
        for shape, dtype in others:
            with pytest.raises(InputError):
                self.make(shape, np.dtype(dtype), tmp_path)
        assert not [*tmp_path.iterdir()]

    def test_what_is_stored_is_read(self, tmp_path: Path) -> None:
        """A region has the shape of its box and shares nothing with another's; so do blocks."""
        sink = self.make((4, 8), np.dtype(self.plain), tmp_path)
        boxes = [Box((0, start), (4, start + 2)) for start in (0, 2, 4, 6)]
        left, right = sink.region(boxes[0]), sink.region(boxes[1])
        assert left.shape == right.shape == (4, 2)
        left[...], right[...] = 1, 2
        assert (left == 1).all()
        sink.store(boxes[0], left)
        sink.store(boxes[1], right)
        for number, box in enumerate(boxes[2:], 3):
            sink.store(box, np.full((4, 2), number, left.dtype)[::-1])
        assert (sink.read(Box((0, 0), (4, 8))) == [1, 1, 2, 2, 3, 3, 4, 4]).all()
        assert (sink.read(Box((1, 1), (3, 3))) == [1, 2]).all()
        sink.discard()

    def test_suspend_says_whether_a_later_run_finds_it(self, tmp_path: Path) -> None:
        """What was written is there again for who is told so, and nothing for who is not."""
        array = samples((4, 6), self.plain, 7, special=False)
        sink = self.make(array.shape, array.dtype, tmp_path)
        self.fill(sink, array, (2, 3))
        kept = sink.suspend()
        found = self.resumed(sink, tmp_path)
        assert kept == (found is not None)
        if found is not None:
            assert_same_bits(found, self.stored(array))

    def test_it_has_a_name(self, tmp_path: Path) -> None:
        """Progress and errors call it by that."""
        sink = self.make((3, 4), np.dtype(self.plain), tmp_path)
        assert sink.name
        sink.discard()


class FileSinkContract(SinkContract):
    """A sink whose output is a file: whole, or not there."""

    @abstractmethod
    def path(self, folder: Path) -> Path:
        """Return where `make` puts the output in this folder."""

    def put_older(self, path: Path) -> None:
        """Put there what may be replaced."""
        path.write_bytes(b"older")

    def is_older(self, path: Path) -> bool:
        """Tell whether it is there still."""
        return path.read_bytes() == b"older"

    def test_nothing_is_there_before_the_commit(self, tmp_path: Path) -> None:
        """Only the commit makes the final path."""
        sink = self.make((3, 4), np.dtype(self.plain), tmp_path)
        assert not self.path(tmp_path).exists()
        self.fill(sink, samples((3, 4), self.plain, 6, special=False), (2, 2))
        assert not self.path(tmp_path).exists()
        sink.commit()
        assert [*tmp_path.iterdir()] == [self.path(tmp_path)]

    @pytest.mark.parametrize("shape", [(3, 4), (1, 1)], ids=str)
    def test_discard_leaves_nothing(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        """Neither the output nor a part of it."""
        self.make(shape, np.dtype(self.plain), tmp_path).discard()
        assert not [*tmp_path.iterdir()]

    def test_suspend_lets_go(self, tmp_path: Path) -> None:
        """The output is not there yet, and another sink may be made at once."""
        assert self.make((3, 4), np.dtype(self.plain), tmp_path).suspend()
        assert not self.path(tmp_path).exists()
        sink = self.make((3, 4), np.dtype(self.plain), tmp_path)
        self.fill(sink, np.zeros((3, 4), self.plain), (3, 4))
        sink.commit()
        assert [*tmp_path.iterdir()] == [self.path(tmp_path)]

    def test_suspend_of_what_somebody_removed(self, tmp_path: Path) -> None:
        """It does not promise what is not there."""
        sink = self.make((3, 4), np.dtype(self.plain), tmp_path)
        for path in tmp_path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert not sink.suspend()

    @pytest.mark.parametrize(
        "end", [lambda s: s.discard(), lambda s: s.commit()], ids=["no", "yes"]
    )
    def test_an_older_output(self, tmp_path: Path, end: Callable[[Sink], None]) -> None:
        """It is there in full until it is replaced, and stays if the run fails."""
        self.put_older(self.path(tmp_path))
        sink = self.make((3, 4), np.dtype(self.plain), tmp_path)
        self.fill(sink, np.zeros((3, 4), self.plain), (3, 4))
        assert self.is_older(self.path(tmp_path))
        end(sink)
        assert [*tmp_path.iterdir()] == [self.path(tmp_path)]
