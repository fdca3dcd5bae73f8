"""Formats of files as their own libraries write and read them: nothing here is ours."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Library:
    """A format, and the library that is asked what is right."""

    suffix: str
    module: str
    save: Callable[[Path, Array], object]
    load: Callable[[Path], Array]
    dtypes: str
    axes: range
    empty: bool = False

    def holds(self, shape: tuple[int, ...], dtype: str) -> bool:
        """Tell whether there can be such a file."""
        fits = len(shape) in self.axes and (self.empty or 0 not in shape)
        return fits and np.dtype(dtype).str[1:] in self.dtypes.split()

    def require(self) -> None:
        """Skip the test where the library is not installed."""
        pytest.importorskip(self.module)


def native(array: Array) -> Array:
    """Return the same numbers in this machine's byte order."""
    return np.asarray(array).astype(array.dtype.newbyteorder("="))


def _save_npy(path: Path, array: Array) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def _save_tiff(path: Path, array: Array, **options: Any) -> None:
    import tifffile

    order: Any = ">" if array.dtype.str.startswith(">") else "<"
    layout = {"photometric": "minisblack"} if array.ndim > 1 else {}
    tifffile.imwrite(path, array, byteorder=order, **layout, **options)


def _load_tiff(path: Path) -> Array:
    import tifffile

    return np.asarray(tifffile.imread(path))


def _save_hdf5(path: Path, array: Array) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["data"] = array


def _load_hdf5(path: Path) -> Array:
    import h5py

    with h5py.File(path, "r") as file:
        (name,) = file
        return np.asarray(file[name][()])


def _save_nifti(path: Path, array: Array) -> None:
    import nibabel

    header = nibabel.Nifti1Header(endianness=">" if array.dtype.str.startswith(">") else "<")
    header.set_data_dtype(array.dtype)
    nibabel.Nifti1Image(array, np.diag([2, 3, 4, 1]), header).to_filename(path)


def _load_nifti(path: Path) -> Array:
    import nibabel

    image: Any = nibabel.load(path)
    return np.asanyarray(image.dataobj)


def _save_fits(path: Path, array: Array) -> None:
    from astropy.io import fits

    fits.PrimaryHDU(array).writeto(path, overwrite=True)


def _load_fits(path: Path) -> Array:
    from astropy.io import fits

    return np.asarray(fits.getdata(path))


def _save_png(path: Path, array: Array) -> None:
    from PIL import Image

    Image.fromarray(native(array)).save(path)


def _load_png(path: Path) -> Array:
    from PIL import Image

    with Image.open(path) as picture:
        samples = np.asarray(picture)
        return samples.view("u1") != 0 if samples.dtype == bool else samples.copy()


def _save_chunked(path: Path, array: Array) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        chunks = tuple(max(1, (length + 1) // 2) for length in array.shape)
        options: Any = {"compression": "gzip", "shuffle": True} if array.size else {}
        file.create_dataset("data", data=array, chunks=chunks if array.size else None, **options)


def save_zarr(path: Path, array: Array, chunk: tuple[int, ...] = (), **options: Any) -> None:
    """Have zarr-python write an array, in such chunks or in small ones."""
    import zarr

    shutil.rmtree(path, ignore_errors=True)
    chunks = chunk or tuple(max(1, min(4, length)) for length in array.shape)
    with zarr.config.set({"array.write_empty_chunks": True}):
        zarr.create_array(path, data=array, chunks=chunks, **options)


def load_zarr(path: Path) -> Array:
    """Have zarr-python read an array, or the first level of an image."""
    import zarr

    opened: Any = zarr.open(path, mode="r")
    found = opened if isinstance(opened, zarr.Array) else opened["0"]
    return np.asarray(found[...], found.dtype)


NUMBERS = "i1 u1 i2 u2 i4 u4 i8 u8 f4 f8 c8 c16"
ANY = range(33)

NPY = Library(".npy", "numpy", _save_npy, np.load, f"b1 f2 {NUMBERS}", ANY, empty=True)
TIFF = Library(".tif", "tifffile", _save_tiff, _load_tiff, f"f2 {NUMBERS}", range(1, 33))
OME = Library(
    ".ome.tif",
    "tifffile",
    lambda path, array: _save_tiff(path, array, ome=True),
    _load_tiff,
    "i1 u1 i2 u2 i4 u4 f4 f8 c8 c16",
    range(2, 6),
)
HDF5 = Library(".h5", "h5py", _save_hdf5, _load_hdf5, f"b1 f2 {NUMBERS}", ANY, empty=True)
NIFTI = Library(".nii", "nibabel", _save_nifti, _load_nifti, NUMBERS, range(1, 8))
FITS = Library(
    ".fits", "astropy", _save_fits, _load_fits, "u1 i2 i4 i8 f4 f8", range(1, 33), empty=True
)

NIFTI_GZ = replace(NIFTI, suffix=".nii.gz")
PNG = Library(".png", "PIL", _save_png, _load_png, "b1 u1 u2", range(2, 3))

ZARR = Library(".zarr", "zarr", save_zarr, load_zarr, f"b1 f2 {NUMBERS}", ANY, empty=True)
ZARR_2 = replace(ZARR, save=lambda path, array: save_zarr(path, array, zarr_format=2))
SHARDED = replace(
    ZARR,
    save=lambda path, array: save_zarr(
        path, array, shards=tuple(max(2, min(8, 2 * length)) for length in array.shape)
    ),
)

FLAT = (NPY, TIFF, OME, HDF5, NIFTI, FITS)

ZLIB = replace(TIFF, save=lambda path, array: _save_tiff(path, array, compression="zlib"))
TILED = replace(
    TIFF,
    save=lambda path, array: _save_tiff(path, array, tile=(16, 16)),
    axes=range(2, 6),
)
CHUNKED = replace(HDF5, save=_save_chunked, axes=range(1, 33))

DECODED = (NIFTI_GZ, PNG, ZLIB, TILED, CHUNKED)


def parameters(libraries: tuple[Library, ...]) -> list[Any]:
    """Return parameters of a fixture, one a format; skipped where its library is missing."""
    return [
        pytest.param(
            library,
            id=library.suffix,
            marks=pytest.mark.skipif(
                importlib.util.find_spec(library.module) is None,
                reason=f"{library.module} is not installed",
            ),
        )
        for library in libraries
    ]
