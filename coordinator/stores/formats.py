"""The table of formats, and which of them a name or a file's first bytes mean."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from coordinator.errors import InputError
from coordinator.stores.atomic_file import read_regular
from coordinator.stores.foreign import GZIP, gzipped
from coordinator.stores.format import Format
from coordinator.stores.partial import is_zarr
from coordinator.stores.place import Place
from tiling.dtypes import Dtype

ODD = re.compile(r"[^\w.,=-]+")
"""What is not put into a file's name of what is meant inside another."""

START_BYTES = 16
"""Of a file, by which a format is known."""

NPY = Format(
    name="NumPy",
    suffixes=(".npy",),
    module="npy",
    kind="flat",
    starts=(b"\x93NUMPY",),
)

INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")

TIFF = Format(
    name="TIFF",
    suffixes=(".tif", ".tiff", ".ome.tif", ".ome.tiff", ".btf", ".tf8", ".ome.btf", ".ome.tf8"),
    module="tiff",
    kind="flat",
    starts=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    library="tifffile",
    extra="tiff",
    dtypes=(*INTEGERS, "float16", "float32", "float64", "complex64", "complex128"),
    several=True,
    note="BigTIFF where it is large; ImageJ's and OME's with what they say of an image",
)

HDF5 = Format(
    name="HDF5",
    suffixes=(".h5", ".hdf5", ".hdf", ".he5", ".nxs"),
    module="hdf5",
    kind="flat",
    starts=(b"\x89HDF\r\n\x1a\n",),
    library="h5py",
    extra="hdf5",
    dtypes=("bool", *TIFF.dtypes),
    named=True,
    several=True,
    note="file.h5::/path names an array; an output is a new file, and contiguous",
)

NIFTI = Format(
    name="NIfTI",
    suffixes=(".nii",),
    module="nifti",
    kind="flat",
    starts=(b"\x5c\1\0\0", b"\0\0\1\x5c", b"\x1c\2\0\0", b"\0\0\2\x1c"),
    library="nibabel",
    extra="nifti",
    dtypes=(*INTEGERS, "float32", "float64", "complex64", "complex128"),
    note="with its affine; not where samples are to be scaled",
)

FITS = Format(
    name="FITS",
    suffixes=(".fits", ".fit", ".fts"),
    module="fits",
    kind="flat",
    starts=(b"SIMPLE  =",),
    library="astropy",
    extra="fits",
    byte_order=">",
    dtypes=("uint8", "int16", "int32", "int64", "float32", "float64"),
    several=True,
    note="file.fits::1 or ::NAME names an extension; not where samples are to be scaled",
)

NIFTI_GZ = replace(
    NIFTI,
    name="compressed NIfTI",
    suffixes=(".nii.gz",),
    module="nifti_gz",
    kind="whole",
    starts=(),
)

PNG = Format(
    name="PNG",
    suffixes=(".png",),
    module="pictures",
    kind="whole",
    starts=(b"\x89PNG\r\n\x1a\n",),
    library="PIL",
    extra="pictures",
    dtypes=("bool", "uint8", "uint16"),
    note="two axes, or a third of two to four colours; 16 bits for grey only",
)

JPEG = Format(
    name="JPEG",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    module="pictures",
    kind="whole",
    starts=(b"\xff\xd8\xff",),
    library="PIL",
    extra="pictures",
    writes=False,
    note="they do not keep the samples that they are given",
)

ZARR = Format(
    name="zarr",
    suffixes=(".zarr", ".ome.zarr"),
    module="zarr",
    kind="keyed",
    starts=(),
    library="tensorstore",
    extra="zarr",
    dtypes=("bool", *TIFF.dtypes),
    note="versions 2 and 3, shards, OME images; file.zarr::path names an array; also s3:// gs:// "
    "and, for reading, http(s)://",
)

FORMATS = (NPY, TIFF, HDF5, NIFTI, NIFTI_GZ, FITS, ZARR, PNG, JPEG)

SUFFIXES = tuple(suffix for row in FORMATS for suffix in row.suffixes)


def stored_dtype(place: Place, dtype: Dtype) -> Dtype:
    """Return a dtype as an output has it."""
    return format_named(place.path).stored(dtype)


def default_output(source: Place, word: str = "") -> Place:
    """Return the output beside an input, with a word in its name if one is given.

    Examples
    --------
    >>> str(default_output(Place.parse("photos/in.NPY"), "blur"))
    'photos/in.blur.npy'
    >>> str(default_output(Place.parse("scan.tif::level=1"), "blur"))
    'scan.level=1.blur.tif'
    """
    row = format_named(source.path)
    stem = source.path.stem
    if row is NPY and is_zarr(source.path):  # a level of an image, whose folder has no suffix
        row = ZARR
    if (suffix := _suffix(source.path, row)) is not None:
        stem = source.path.name[: -len(suffix)]
    if not row.writes:
        row, suffix = PNG, None
    chosen = "" if row.named else ODD.sub("-", source.inside).strip("-.")
    name = ".".join(filter(None, (stem, chosen, word)))
    path = source.path.parent / f"{name}{(suffix or row.suffixes[0]).lower()}"
    return Place(path, source.inside if row.named else "")


def check_writable(place: Place) -> Format:
    """Return the format of an output, by its name.

    Raises
    ------
    InputError
        If there is none that can be written.
    """
    row = format_named(place.path)
    if place.remote and row is not ZARR:
        raise InputError(f"{place}: only zarr is written there; name it {place.path.name}.zarr")
    if not row.writes:
        others = ", ".join(row.suffixes[0] for row in FORMATS if row.writes)
        raise InputError(f"{place}: {row.name} files can't be written: {row.note}; {others} can")
    if place.inside and not row.named:
        raise InputError(f"{place}: a {row.name} output is one array; leave out ::{place.inside}")
    return row


def format_named(path: Path) -> Format:
    """Return the format that a file's suffix stands for; NumPy's unless it is another's."""
    named = [row for row in FORMATS if _suffix(path, row) is not None]
    return max(named, key=lambda row: len(_suffix(path, row) or ""), default=NPY)


def format_of_file(place: Place) -> Format:
    """Return the format of a file that is there: a file is what it begins like.

    Raises
    ------
    InputError
        If it is no file, or compressed as no format is.
    OSError
        If the system does not let it be read.
    """
    if place.remote or is_zarr(place.path):
        return ZARR
    try:
        start = read_regular(place.path, START_BYTES)
    except InputError:
        if not place.path.is_dir():
            raise InputError(
                f"{place}: a pipe or a device, not a file; write the array to one"
            ) from None
        start = b""
    row = format_named(place.path)
    if start.startswith(GZIP) and row is not NIFTI_GZ:
        raise InputError(f"{place}: {gzipped(place.path)}")
    if start.startswith(row.starts):
        return row
    return next((other for other in FORMATS if start.startswith(other.starts)), row)


def _suffix(path: Path, row: Format) -> str | None:
    """Return the suffix of a path, as it is spelt there, if it is one of a format's."""
    name = path.name.lower()
    found = [suffix for suffix in row.suffixes if name.endswith(suffix)]
    return path.name[-max(map(len, found)) :] if found else None
