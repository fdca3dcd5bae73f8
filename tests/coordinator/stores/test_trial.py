"""Outputs that grow for a moment: what workers are shown, and that nothing is left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coordinator.stores.files import open_place
from coordinator.stores.place import Place
from coordinator.stores.stored import where
from coordinator.stores.storing import Storing
from coordinator.stores.trial import trial
from tests.support.formats import FITS, HDF5, NIFTI, NPY, TIFF, ZARR, Library
from tiling.geometry.box import Box
from tiling.protocol.places import Offer, digest_of

F4 = np.dtype("<f4")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    np.save(tmp_path / "in.npy", np.zeros((6, 50), F4))
    return tmp_path / "in.npy"


@pytest.mark.parametrize(
    "library", [NPY, TIFF, HDF5, NIFTI, FITS, ZARR], ids=lambda each: each.suffix
)
def test_what_is_shown(source: Path, library: Library) -> None:
    """It is stored as the output would be, can be offered, and takes tiles."""
    library.require()
    target = source.with_name(f"out{library.suffix}")
    with trial(Place(target), F4, open_place(Place(source)), Storing()) as sink:
        assert sink is not None
        stored = where(sink)
        assert stored is not None
        assert stored.array.kind == ("zarr" if library is ZARR else "flat")
        Offer(stored.array, stored.array, digest_of(b"")).check()
        sink.store(Box((0, 0), (6, 50)), np.full((6, 50), 7, F4))
        assert (sink.read(Box((2, 1), (4, 3))) == 7).all()
    assert [path.name for path in source.parent.iterdir()] == ["in.npy"]


@pytest.mark.parametrize("shape", [(), (0, 4)], ids=str)
def test_odd_shapes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Without axes, and without samples."""
    np.save(tmp_path / "in.npy", np.zeros(shape, F4))
    place = Place(tmp_path / "in.npy")
    with trial(place, F4, open_place(place), Storing()) as sink:
        assert where(sink) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]


def test_a_huge_one(tmp_path: Path) -> None:
    """It takes no room on the disk."""
    with (tmp_path / "in.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (2**20, 2**18)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 2**40)
    place = Place(tmp_path / "in.npy")
    with trial(place, F4, open_place(place), Storing()) as sink:
        stored = where(sink)
        assert stored is not None
        status = Path(stored.array.path).stat()
        assert status.st_size > 2**40
        assert status.st_blocks < 2**10


@pytest.mark.parametrize("name", ["out.png", "out.nii.gz", "none/out.npy"])
def test_what_nobody_opens(source: Path, name: str) -> None:
    """A format that can't hold the array or is encoded as a whole, a folder that is not there."""
    like = open_place(Place(source))
    with trial(Place(source.parent / name), F4, like, Storing()) as sink:
        assert sink is None
    assert [path.name for path in source.parent.iterdir()] == ["in.npy"]


def test_it_is_gone_after_an_error_too(source: Path) -> None:
    """Whatever ends the measurement."""
    like = open_place(Place(source))
    with pytest.raises(KeyboardInterrupt), trial(Place(source), F4, like, Storing()):
        raise KeyboardInterrupt
    assert [path.name for path in source.parent.iterdir()] == ["in.npy"]
