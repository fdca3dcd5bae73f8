"""Arrays in memory and `.npy` files as sources and sinks."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.checks.difference import compare
from coordinator.errors import InputChangedError, InputError, StoreError
from coordinator.report.plane import middle_plane
from coordinator.stores.files import Target, open_place
from coordinator.stores.flat_sink import FlatSink
from coordinator.stores.memory import ArraySink, ArraySource
from coordinator.stores.partial import check_output, partial_path
from coordinator.stores.place import Place
from coordinator.stores.recycler import Leftovers
from tests.contracts.store import (
    FileSinkContract,
    SinkContract,
    SourceContract,
    each_dtype,
    each_shape,
)
from tests.support.equality import assert_same_bits
from tests.support.strategies import LAYOUTS, Array, samples
from tiling.geometry.box import Box


class TestArraySource(SourceContract):
    """An array in memory."""

    def open(self, array: Array, folder: Path) -> ArraySource:  # noqa: ARG002 -- needs no disk
        return ArraySource(array)

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout: str) -> None:
        """Strides, byte order and alignment do not show in the samples."""
        array = LAYOUTS[layout](samples((5, 6), "f4", 1, special=False))
        block = ArraySource(array).read(Box((-1, 2), (3, 6)))
        want = array.take(range(-1, 3), 0, mode="wrap")[:, 2:]
        assert_same_bits(block, want.astype("=f4"))

    def test_a_block_inside_is_no_copy(self) -> None:
        """Halos are read many times: a view is what makes that cheap."""
        array = np.zeros((5, 6))
        assert np.shares_memory(ArraySource(array).read(Box((1, 1), (3, 6))), array)


class TestArraySink(SinkContract):
    """The caller's own array."""

    def make(self, shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path) -> ArraySink:  # noqa: ARG002
        return ArraySink(np.empty(shape, dtype))

    def finished(self, sink: Any) -> Array:
        return np.asarray(sink.array)

    def resumed(self, sink: Any, folder: Path) -> Array | None:  # noqa: ARG002
        return None


class TestNpySource(SourceContract):
    """A `.npy` file."""

    def open(self, array: Array, folder: Path) -> ArraySource:
        np.save(folder / "in.npy", array)
        return open_place(folder / "in.npy")

    def test_a_source_can_not_be_written(self, tmp_path: Path) -> None:
        """The input is safe, whatever happens to a block."""
        source = self.open(np.zeros(3), tmp_path)
        source.read(Box((0,), (3,)))[0] = 1
        source.array[0] = 1
        assert_same_bits(source.read(Box((0,), (3,))), np.zeros(3))

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("shape", [(40, 9000), (9000, 40), (3, 5, 7000), (60, 50, 40, 3)])
    def test_rows_of_any_length(self, tmp_path: Path, shape: tuple[int, ...], order: Any) -> None:
        """Parts of long rows and of short ones, across both ends, in the order of the file."""
        array = np.asarray(np.arange(np.prod(shape), dtype=">u4").reshape(shape), order=order)
        source = self.open(array, tmp_path)
        for start in (-1, 0, 1):
            box = Box((start,) * len(shape), tuple(start + length - 1 for length in shape))
            want = array
            for axis, length in enumerate(shape):
                want = want.take(range(start, start + length - 1), axis, mode="wrap")
            assert_same_bits(source.read(box), want.astype("=u4"))

    def test_a_file_that_is_cut_short(self, tmp_path: Path) -> None:
        """Its start can still be read; the rest is an error with a sentence, not a signal."""
        source = self.open(np.arange(2**16), tmp_path)
        os.truncate(tmp_path / "in.npy", 2**16)
        assert_same_bits(source.read(Box((0,), (99,))), np.arange(99))
        for look in (
            lambda: source.read(Box((2**15,), (2**16,))),
            lambda: source.array,
            lambda: compare(source, source),
            lambda: middle_plane(source, 1000),
        ):
            with pytest.raises(InputChangedError, match="was cut short"):
                look()

    def test_bytes_after_the_data_do_no_harm(self, tmp_path: Path) -> None:
        """NumPy appends arrays to one file; the first is read."""
        with (tmp_path / "in.npy").open("wb") as file:
            np.save(file, np.arange(3))
            np.save(file, np.arange(9))
        assert_same_bits(open_place(tmp_path / "in.npy").read(Box((0,), (3,))), np.arange(3))


class TestNpySink(FileSinkContract):
    """A `.npy` file that appears when it is whole."""

    def path(self, folder: Path) -> Path:
        return folder / "out.npy"

    def make(self, shape: tuple[int, ...], dtype: np.dtype[Any], folder: Path) -> FlatSink:
        return Target.of(Place(self.path(folder)), shape, dtype).create()

    def finished(self, sink: Any) -> Array:
        return np.asarray(np.load(sink.path))

    def resumed(self, sink: Any, folder: Path) -> Array | None:
        target = Target.of(Place(self.path(folder)), sink.array.shape, sink.array.dtype)
        again = target.create(keep=True)
        again.commit()
        return self.finished(again)

    @each_shape
    @each_dtype
    def test_bytes_of_the_file(self, tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
        """`numpy.save` would have written the same."""
        array = samples(shape, dtype, 6, special=True)
        sink = self.make(shape, array.dtype, tmp_path)
        self.fill(sink, array, (3,) * len(shape))
        sink.commit()
        np.save(tmp_path / "reference.npy", array)
        assert self.path(tmp_path).read_bytes() == (tmp_path / "reference.npy").read_bytes()

    def test_one_writer_at_a_time(self, tmp_path: Path) -> None:
        """A second coordinator is refused, and harms nothing; once the first ends, it may."""
        first = self.make((3,), np.dtype("<f4"), tmp_path)
        first.region(Box((0,), (3,)))[...] = 7
        with pytest.raises(StoreError, match="another coordinator"):
            self.make((5,), np.dtype("<f8"), tmp_path)
        first.commit()
        assert_same_bits(np.load(self.path(tmp_path)), np.full(3, 7, "<f4"))
        self.make((5,), np.dtype("<f8"), tmp_path).discard()
        assert self.path(tmp_path).exists()

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (OSError(errno.ENOLCK, "No locks available"), "can't be locked: No locks available"),
            (OSError(errno.EACCES, "Permission denied"), "can't be locked: Permission denied"),
            (BlockingIOError(errno.EWOULDBLOCK, "Busy"), "another coordinator is writing it"),
        ],
        ids=["no locks", "forbidden", "locked"],
    )
    def test_locks_that_can_not_be_had(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
    ) -> None:
        """Only a lock that somebody holds is told as another coordinator's."""

        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(fcntl, "flock", fail)
        with pytest.raises(StoreError, match=words):
            self.make((3,), np.dtype("u1"), tmp_path)

    def test_a_leftover_of_a_killed_coordinator(self, tmp_path: Path) -> None:
        """It is taken over, and none of its bytes remain."""
        partial_path(self.path(tmp_path)).write_bytes(b"\xff" * 1000)
        sink = self.make((3,), np.dtype("u1"), tmp_path)
        assert (sink.region(Box((0,), (3,))) == 0).all()
        sink.commit()
        assert self.path(tmp_path).stat().st_size == 128 + 3
        assert not partial_path(self.path(tmp_path)).exists()

    def test_permissions_are_those_of_any_new_file(self, tmp_path: Path) -> None:
        """As the user's umask says."""
        self.make((3,), np.dtype("u1"), tmp_path).commit()
        (tmp_path / "usual").touch()
        modes = [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()]
        assert modes[0] == modes[1]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space")])
    def test_a_failure_while_room_is_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Any
    ) -> None:
        """An interruption or a full disk leaves nothing behind, and lets others write.

        Of a full disk it is said how much would fit.
        """

        def fail(*_: object) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(os, "posix_fallocate", fail)
            with pytest.raises((KeyboardInterrupt, MemoryError, StoreError)) as failed:
                self.make((3,), np.dtype("u1"), tmp_path)
        if isinstance(error, OSError):
            assert "it takes <0.01 MB: make room" in str(failed.value)
        assert not [*tmp_path.iterdir()]
        self.make((3,), np.dtype("u1"), tmp_path).discard()

    @pytest.mark.parametrize(
        "where",
        ["file/out.npy", "none/out.npy", "folder", "n" * 300, "n" * 250],
        ids=["below a file", "in no folder", "a folder", "too long", "too long with its dot"],
    )
    def test_places_that_can_not_be_written(self, tmp_path: Path, where: str) -> None:
        """The system's own words are translated, and nothing is left."""
        (tmp_path / "file").touch()
        (tmp_path / ".folder.partial").mkdir()
        with pytest.raises(StoreError, match="can't be written"):
            Target.of(Place(tmp_path / where), (3,), np.dtype("u1")).create()
        assert sorted(path.name for path in tmp_path.iterdir()) == [".folder.partial", "file"]


def npy(text: str) -> bytes:
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def saved(array: Array) -> Callable[[Path], object]:
    return lambda path: np.save(path, array, allow_pickle=True)


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(missing_ok=True), "no such file"),
    "folder": (lambda path: path.mkdir(), "a folder"),
    "empty": (lambda path: path.touch(), "not a .npy file"),
    "text": (lambda path: path.write_text("hello\n" * 9), "not a .npy file"),
    "zip": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), "not a .npy file"),
    "pickled": (saved(np.array([{}, None])), "pickled"),
    "structured": (saved(np.zeros(3, "i4,f8")), "plain numbers"),
    "text array": (saved(np.array(["a"])), "plain numbers"),
    "header cut": (lambda path: path.write_bytes(npy("{}")[:60]), "truncated"),
    "data cut": (
        lambda path: path.write_bytes(
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}") + bytes(35)
        ),
        "truncated: its header announces 36 bytes of data, 35 follow",
    ),
    "no data": (
        lambda path: path.write_bytes(
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,)}")
        ),
        "announces 8796093022208 bytes of data, 0 follow",
    ),
    "too large for its empty self": (
        lambda path: path.write_bytes(
            npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': (0, {2**62}, 9)}}")
        ),
        "shape",
    ),
    "negative": (
        lambda path: path.write_bytes(
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}")
        ),
        "shape",
    ),
}


@pytest.mark.parametrize(("make", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_files_that_are_no_input(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    """Each is named with its path and what is wrong, and is not touched."""
    path = tmp_path / "in.npy"
    make(path)
    before = [(each, each.is_file() and each.read_bytes()) for each in tmp_path.iterdir()]
    with pytest.raises(InputError) as caught:
        open_place(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert before == [(each, each.is_file() and each.read_bytes()) for each in tmp_path.iterdir()]


@pytest.mark.parametrize("where", ["file/in.npy", "n" * 300, "loop"])
def test_files_that_can_not_be_read(tmp_path: Path, where: str) -> None:
    """What the system says is passed on, with the path."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StoreError, match="can't be read"):
        open_place(tmp_path / where)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.npy").write_bytes(b"input")
    (tmp_path / "old.npy").write_bytes(b"older")
    (tmp_path / "link.npy").symlink_to("in.npy")
    (tmp_path / "hard.npy").hardlink_to(tmp_path / "in.npy")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "overwrite", "words"),
    [
        ("in.npy", True, "the output is the input"),
        ("folder/../in.npy", True, "the output is the input"),
        ("link.npy", True, "the output is the input"),
        ("hard.npy", True, "the output is the input"),
        ("old.npy", False, "--overwrite"),
        ("folder", True, "a folder"),
        ("pipe", True, "not a file"),
        ("none/out.npy", True, "no folder"),
        ("in.npy/out.npy", True, "no folder"),
        ("n" * 300, True, "too long"),
    ],
)
def test_outputs_that_are_refused(folder: Path, name: str, overwrite: bool, words: str) -> None:
    """Before anything is computed, with what would help."""
    with pytest.raises((InputError, StoreError), match=words):
        check_output(folder / name, folder / "in.npy", overwrite=overwrite)


@pytest.mark.parametrize(("name", "overwrite"), [("new.npy", False), ("old.npy", True)])
def test_outputs_that_are_accepted(folder: Path, name: str, overwrite: bool) -> None:
    """A new file, or an old one that may go."""
    check_output(folder / name, folder / "in.npy", overwrite=overwrite)


LARGE = (2**25,)


def test_memory_that_anybody_has_is_not_given_again() -> None:
    """A view, a buffer or a picture of a result keeps its memory from the next result."""
    leftovers = Leftovers()
    dtype = np.dtype(np.uint8)
    held: list[Any] = [
        memoryview(leftovers.empty(LARGE, dtype)),
        leftovers.empty(LARGE, dtype)[3:9],
    ]
    held.append(leftovers.empty(LARGE, dtype).view(np.float64).reshape(2, -1).T)
    for i, each in enumerate(held):
        np.asarray(each)[...] = i
    last = leftovers.empty(LARGE, dtype)
    last[...] = 9
    assert [np.asarray(each).ravel()[0] for each in held] == [0, 1, 2]


def test_what_is_kept_has_a_bound() -> None:
    """Of many results the last ones are kept, and of one that is too large nothing."""
    leftovers = Leftovers(kept_bytes=LARGE[0])
    dtype = np.dtype(np.uint8)
    first, second = (leftovers.empty(LARGE, dtype) for _ in range(2))
    owners = [weakref.ref(first.base), weakref.ref(second.base)]  # type: ignore[type-var]
    del first, second
    assert [owner() is not None for owner in owners] == [False, True]
    assert leftovers.empty((LARGE[0] + 1,), dtype).base is None
