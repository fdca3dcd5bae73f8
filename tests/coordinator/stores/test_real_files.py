"""Files that others made, as the libraries bring them along for their own tests."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coordinator.errors import InputError
from coordinator.stores.files import Target, open_place
from coordinator.stores.place import Place
from tests.support.equality import assert_same_bits
from tests.support.formats import FITS, NIFTI, PNG, TIFF, native

NIBABEL, ASTROPY = "nibabel/tests/data", "astropy/io/fits/tests/data"
WITNESSES: dict[str, Callable[[Path], Any]] = {
    ".nii": NIFTI.load,
    ".gz": NIFTI.load,
    ".fits": FITS.load,
    ".tif": TIFF.load,
    ".png": PNG.load,
}


def real(name: str) -> Path:
    """Return a file of an installed package, or skip the test."""
    package, _, rest = name.partition("/")
    spec = importlib.util.find_spec(package)
    if (
        spec is None
        or spec.origin is None
        or not (path := Path(spec.origin).parent / rest).exists()
    ):
        pytest.skip(f"{name} is not installed")
    return path


@pytest.mark.parametrize(
    "name",
    [
        f"{NIBABEL}/anatomical.nii",
        f"{NIBABEL}/example4d.nii.gz",
        f"{NIBABEL}/example_nifti2.nii.gz",
        f"{NIBABEL}/reoriented_anat_moved.nii",
        f"{ASTROPY}/arange.fits",
        f"{ASTROPY}/checksum.fits",
        f"{ASTROPY}/o4sp040b0_raw.fits",
        f"{ASTROPY}/test0.fits",
        "skimage/data/multipage.tif",
        "skimage/data/multipage_rgb.tif",
        "skimage/data/camera.png",
        "skimage/data/chelsea.png",
    ],
)
def test_they_are_read_as_their_libraries_do(tmp_path: Path, name: str) -> None:
    """Sample by sample; and written again, those of the same format too."""
    path = real(name)
    source = open_place(path)
    want = native(WITNESSES[path.suffix](path))
    assert_same_bits(native(source.array), want)
    if path.suffix == ".fits" and want.dtype.kind == "u":
        return
    target = tmp_path / f"out{''.join(path.suffixes)}"
    sink = Target.of(Place(target), source.shape, source.dtype, source).create()
    sink.array[...] = source.array
    sink.commit()
    assert_same_bits(native(WITNESSES[path.suffix](target)), want)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{NIBABEL}/functional.nii", "to be scaled"),
        (f"{NIBABEL}/row_major.dconn.nii", "CIFTI"),
        (f"{ASTROPY}/scale.fits", "to be scaled"),
        (f"{ASTROPY}/blank.fits", "BLANK"),
        (f"{ASTROPY}/comp.fits", "CompImageHDU"),
        (f"{ASTROPY}/tb.fits", "no image"),
        ("h5py/tests/data_files/vlen_string_dset.h5", "holds 0 datasets"),
    ],
)
def test_others_are_refused(name: str, words: str) -> None:
    """With what they are, as far as they are no plain array."""
    with pytest.raises(InputError, match=words):
        open_place(real(name))
