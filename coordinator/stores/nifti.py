"""NIfTI: samples in Fortran order after a header of 348 or 540 bytes and what extends it."""

from __future__ import annotations

import io
from typing import IO, Any

import numpy as np
from nibabel import imageglobals
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from coordinator.errors import InputError
from coordinator.stores.layout import Layout
from coordinator.stores.outline import Outline
from coordinator.stores.place import Place
from coordinator.stores.stale import is_stale
from tiling.dtypes import Dtype

imageglobals.logger.setLevel("CRITICAL")  # it speaks of what it mends

ALIGNED = 16
"""Samples begin at a multiple of it."""

MOST_HEADER = 2**26
"""Bytes of a header, and of what extends it."""

MOST_AXES = 7

LONG = 2**15
"""An axis of so many samples or more needs the second version."""

CIFTI = 30
"""Hundreds of the intents of CIFTI, whose samples are in another order."""

FOREIGN = (HeaderDataError, WrapStructError, ValueError, LookupError, TypeError, ArithmeticError)
"""What nibabel raises of headers that make no sense."""


def layout(place: Place) -> Layout:
    """Read the header of a NIfTI file.

    Raises
    ------
    InputError
        If its samples are not in the file as they are meant.
    OSError
        If the system does not let it be read.
    """
    if place.inside:
        raise InputError(f"{place}: a NIfTI file holds one array; leave out ::{place.inside}")
    with place.path.open("rb") as file:
        return read_layout(file, place)


def read_layout(file: Any, place: Place) -> Layout:
    """Read the header at the start of a file.

    Raises
    ------
    InputError
        If it is none, or says that samples are to be scaled.
    """
    start = file.read(4)
    file.seek(0)
    kind = Nifti2Header if start in (b"\x1c\2\0\0", b"\0\0\2\x1c") else Nifti1Header
    header = kind.from_fileobj(_head(file, kind, place))
    slope, inter = header.get_slope_inter()
    dtype, shape = header.get_data_dtype(), header.get_data_shape()
    offset = header.get_data_offset()
    if not bytes(header["magic"]).startswith((b"n+1", b"n+2")):
        name = repr(str(place.path.with_suffix(".nii")))
        raise InputError(
            f"{place}: a header of samples in another file (.img); join them by nibabel: "
            f"nibabel.save(nibabel.load({str(place.path)!r}), {name})"
        )
    if int(header["intent_code"]) // 100 == CIFTI:
        raise InputError(f"{place}: a CIFTI file: its axes are no axes of an image")
    if (slope or 1, inter or 0) != (1, 0):
        raise InputError(
            f"{place}: its samples are to be scaled ({slope} x + {inter}); write them as they are "
            "meant, such as by nibabel as float32"
        )
    return Layout(shape, dtype, offset, "F", about=header)


def _head(file: Any, kind: type[Nifti1Header], place: Place) -> IO[bytes]:
    """Return what is before the samples: what extends a header may claim to be of any length."""
    text = file.read(kind.template_dtype.itemsize)
    offset = kind(text, check=False).get_data_offset()
    if offset > MOST_HEADER:
        raise InputError(f"{place}: its header makes no sense: samples begin at byte {offset}")
    return io.BytesIO(text + file.read(max(0, offset - len(text))))


def outline(shape: tuple[int, ...], dtype: Dtype, place: Place, about: Any) -> Outline:
    """Return the outline of a NIfTI file, with the affine and all else of the input's header."""
    if not 1 <= len(shape) <= MOST_AXES or 0 in shape:
        raise InputError(f"{place}: NIfTI files have 1 to {MOST_AXES} axes of samples, not {shape}")
    text = _header(shape, dtype, about)
    return Outline.of_header(text, shape, dtype, "F")


def _header(shape: tuple[int, ...], dtype: Dtype, about: Any) -> bytes:
    header = about.copy() if isinstance(about, Nifti1Header) else Nifti1Header()
    header = header.as_byteswapped(">" if dtype.str.startswith(">") else "<")
    if max(shape) >= LONG and not isinstance(header, Nifti2Header):
        header = Nifti2Header.from_header(header)
    if isinstance(about, Nifti1Header):
        header.extensions[:] = about.extensions  # lost where byte order or version changes
    else:
        header.set_sform(np.eye(4), code="aligned")  # as nibabel does
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header["scl_slope"], header["scl_inter"] = 1, 0
    for name in filter(is_stale, header.keys()):
        header[name] = 0
    header["vox_offset"] = 0
    length = -(-len(_written(header)) // ALIGNED) * ALIGNED
    header["vox_offset"] = length
    return _written(header).ljust(length, b"\0")


def _written(header: Any) -> bytes:
    file = io.BytesIO()
    header.write_to(file)
    return file.getvalue()
