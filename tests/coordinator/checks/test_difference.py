"""`coord diff`: every differing bit is found, counted and placed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.checks import difference
from coordinator.checks.difference import Cut, compare
from coordinator.checks.ulp import distances
from coordinator.stores.memory import ArraySource
from tests.coordinator.cli.test_cli import coord, refused
from tests.support.strategies import samples
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo

DTYPES = ["?", "u1", "<i2", ">i4", "u8", "f2", "<f4", ">f8", "c8", "c16", "g"]


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_counts_are_those_of_bytes(dtype: str, data: st.DataObject) -> None:
    """Of any dtype: as many differ as have other bytes, and the first is the first in C order."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    shape = tuple(data.draw(st.lists(st.integers(0, 5), max_size=3)))
    a = np.asarray(rng.random(shape) * 3).astype(dtype)
    b = np.empty_like(a)
    b[...] = np.where(rng.random(shape) < 0.2, rng.random(shape) * 3, a)
    found = compare(ArraySource(a), ArraySource(b))
    width = a.dtype.itemsize
    left, right = (np.frombuffer(x.tobytes(), "u1").reshape(-1, width) for x in (a, b))
    other = (left != right).any(axis=1)
    assert found.differing == other.sum()
    assert found.equal == (not other.any())
    if other.any():
        assert found.first == tuple(map(int, np.unravel_index(other.argmax(), shape)))


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same difference, whether compared at once or a few samples at a time."""
    a = samples((13, 7, 5), "f8", 1, special=False)
    b = a.copy()
    b[3, 2, 1] += 1
    b[12, 6, 4] = np.nextafter(b[12, 6, 4], np.inf)
    cut = Cut(Grid(a.shape, (4, 3, 5)), Halo((1, 1, 1), (1, 1, 1)))
    whole = compare(ArraySource(a), ArraySource(b), cut)
    for size in (8, 24, 100, 1000):
        monkeypatch.setattr(difference, "BLOCK_BYTES", size)
        assert compare(ArraySource(a), ArraySource(b), cut) == whole
    assert whole.differing == 2
    assert whole.first == whole.largest_at == (3, 2, 1)


@pytest.mark.parametrize(
    ("dtype", "a", "b", "want"),
    [
        ("f8", 1.0, np.nextafter(1.0, 2), 1),
        ("f4", -0.0, 0.0, 1),
        ("f8", -np.inf, np.inf, 2 * 0x7FF0000000000000 + 1),
        ("f2", 1.0, 2.0, 1024),
        ("i8", -(2**63), 2**63 - 1, 2**64 - 1),
        ("u1", 3, 250, 247),
        ("?", True, False, 1),
        ("c8", 1 + 1j, 1 + (1 + 2**-22) * 1j, 2),
        ("f8", np.nan, 1.0, 0),
    ],
)
def test_distances(dtype: str, a: complex, b: complex, want: int) -> None:
    """Steps from one number to the next, both ways, without overflow."""
    x, y = np.array([a]).astype(dtype), np.array([b]).astype(dtype)
    assert int(distances(x, y)[0]) == int(distances(y, x)[0]) == want


def test_tiles_and_seams() -> None:
    """Each differing sample is in its tile, and by the seams that the halo reaches."""
    a = np.zeros((8, 10))
    b = a.copy()
    for index in [(0, 0), (3, 4), (4, 4), (7, 9), (1, 5)]:
        b[index] = 1
    cut = Cut(Grid((8, 10), (4, 5)), Halo((1, 1), (1, 1)))
    places = compare(ArraySource(a), ArraySource(b), cut).places
    assert places is not None
    assert places.tiles == {0: 2, 1: 1, 2: 1, 3: 1}
    assert places.seams == {(0, 4): 2, (1, 5): 3}
    assert places.inside == 2


@pytest.fixture
def files(tmp_path: Path) -> Path:
    a = np.arange(24.0).reshape(4, 6)
    b = a.copy()
    b[1, 2] = np.nextafter(b[1, 2], 99)
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    np.save(tmp_path / "swapped.npy", a.astype(">f8"))
    np.save(tmp_path / "single.npy", a.astype("f4"))
    np.save(tmp_path / "flat.npy", a.ravel())
    return tmp_path


def test_equal_files(files: Path) -> None:
    """Exit code 0, and a line that says what was compared."""
    done = coord(files, "diff", "a.npy", "a.npy")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "a.npy and a.npy are equal: 4x6 float64, 24 samples\n"


def test_files_that_differ(files: Path) -> None:
    """Exit code 5; where, how many and how far, and which tile and seam."""
    done = coord(files, "diff", "a.npy", "b.npy", "--tile", "2,6")
    assert (done.returncode, done.stderr) == (5, "")
    assert done.stdout.splitlines() == [
        "4.17 % of samples differ (1 of 24)",
        "first at (1, 2): 8.0 in a.npy, 8.000000000000002 in b.npy",
        "largest difference: 1 ulp (steps of the last bit), at (1, 2)",
        "in 1 of 2 tiles: tile 0 at (0, 0) (1)",
        "within 1 sample of seams: axis 0 at 2 (1)",
    ]
    said = json.loads(coord(files, "diff", "a.npy", "b.npy", "--tile", "2,6", "--json").stdout)
    assert (said["differing"], said["first"], said["largest_ulp"]) == (1, [1, 2], 1)
    assert said["seams"] == [{"axis": 0, "at": 2, "samples": 1}]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("swapped.npy", "the dtypes differ: float64, and float64 (big-endian)\n0 % of samples"),
        ("single.npy", "the dtypes differ: float64, and float32\nso no samples"),
        ("flat.npy", "the shapes differ: 4x6, and 24\nso no samples"),
    ],
)
def test_other_kinds_of_arrays(files: Path, other: str, words: str) -> None:
    """Other shapes or dtypes are a difference."""
    done = coord(files, "diff", "a.npy", other)
    assert done.returncode == 5
    assert done.stdout.startswith(words)


def test_no_array(files: Path) -> None:
    """A file that is none is bad input, not a difference."""
    refused(coord(files, "diff", "a.npy", "none.npy"), 2, "no such file")
    refused(coord(files, "diff", "a.npy", "b.npy", "--tile", "2,2,2"), 2, "axes")
