"""Files that others made, as the libraries bring them along for their own tests."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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
        f"{NIBABEL}/standard.nii.gz",
        f"{ASTROPY}/arange.fits",
        f"{ASTROPY}/checksum.fits",
        f"{ASTROPY}/o4sp040b0_raw.fits",
        f"{ASTROPY}/fixed-1890.fits",
        f"{ASTROPY}/test0.fits",
        f"{ASTROPY}/zerowidth.fits",
        "astropy/modeling/tests/data/1904-66_AZP.fits",
        "skimage/data/multipage.tif",
        "skimage/data/multipage_rgb.tif",
        "skimage/data/camera.png",
        "skimage/data/chelsea.png",
        "skimage/data/horse.png",
        "skimage/data/microaneurysms.png",
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
    ("name", "inside"),
    [
        *(("compound-dtype-complex.h5", name) for name in ("<c16", "<c8", ">c16", ">c8")),
        *(("vlen_string_s390x.h5", name) for name in ("DSBEfloat", "DSBEint", "DSLEfloat")),
    ],
)
def test_datasets_of_other_machines(tmp_path: Path, name: str, inside: str) -> None:
    """Both byte orders, and complex numbers, as h5py reads them; and written again."""
    h5py = pytest.importorskip("h5py")
    path = real(f"h5py/tests/data_files/{name}")
    with h5py.File(path) as file:
        want = native(file[inside][()])
    source = open_place(Place(path, f"/{inside}"))
    assert_same_bits(native(source.array), want)
    sink = Target.of(Place(tmp_path / "out.h5"), source.shape, source.dtype, source).create()
    sink.array[...] = source.array
    sink.commit()
    with h5py.File(tmp_path / "out.h5") as made:
        assert_same_bits(native(made[inside][()]), want)


@pytest.mark.parametrize("name", ["rocket.jpg", "retina.jpg"])
def test_photographs(name: str) -> None:
    """As Pillow decodes them."""
    image = pytest.importorskip("PIL.Image")
    path = real(f"skimage/data/{name}")
    with image.open(path) as picture:
        assert_same_bits(open_place(path).array, np.array(picture))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("skimage/data/chessboard_RGB.png", "16 bits a colour"),
        (f"{NIBABEL}/nifti1.hdr", "join them by nibabel"),
        ("astropy/wcs/tests/data/dist_lookup.fits.gz", "gunzip --keep"),
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
